#!/usr/bin/env node
// The command `npx kvcache-wasm [COMMAND]`. A command is a file in commands/ and a line in COMMANDS.
import { readFile } from 'node:fs/promises';
import { Refusal } from './refusal.js';

/**
 * @typedef {object} Command
 * @property {string} help  what --help prints after "Usage: npx kvcache-wasm"
 * @property {(args: string[]) => Promise<void>} run
 */

/** @type {Readonly<Record<string, () => Promise<Command>>>} */
const COMMANDS = {
  serve: () => import('./commands/serve.js'),
};
const DEFAULT = 'serve';

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  console.error(error.message);
  process.exitCode = error.exitCode;
}

/** @param {string[]} given */
async function main(given) {
  const isNamed = given.length > 0 && !given[0].startsWith('-');
  const [name, args] = isNamed ? [given[0], given.slice(1)] : [DEFAULT, given];
  if (args.includes('--version')) return console.log(await version());
  if (!Object.hasOwn(COMMANDS, name)) {
    throw new Refusal(`There is no command "${name}", only: ${Object.keys(COMMANDS).join(', ')}.`, 2);
  }
  const command = await COMMANDS[name]();
  if (args.includes('--help') || args.includes('-h')) return console.log(await help());
  await command.run(args);
}

/** The help of all commands. */
async function help() {
  const commands = await Promise.all(Object.values(COMMANDS).map((load) => load()));
  return `kvcache-wasm ${await version()}\n\n${commands.map((command) => command.help).join('\n\n')}\n
--help prints this, --version the version.`;
}

async function version() {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  return /** @type {{ version: string }} */ (JSON.parse(text)).version;
}
