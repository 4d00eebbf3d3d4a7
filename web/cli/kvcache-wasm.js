#!/usr/bin/env node
// The command `npx kvcache-wasm [COMMAND]`. A command is a file in commands/ and a line in COMMANDS.
import { readFile } from 'node:fs/promises';
import { nearest } from '../engine/arguments.js';
import { KvcError } from '../engine/errors.js';
import { flagsOf, inFlags } from './options.js';
import { Refusal } from './refusal.js';

/**
 * @import { Table } from './options.js'
 *
 * @typedef {object} Command
 * @property {string} help  what --help prints about it
 * @property {string} [details]  what it prints besides if the command is named
 * @property {Table} [table]  its options
 * @property {(args: string[]) => Promise<void>} run
 */

/** @type {Readonly<Record<string, () => Promise<Command>>>} */
const COMMANDS = {
  serve: () => import('./commands/serve.js'),
  generate: () => import('./commands/generate.js'),
  chat: () => import('./commands/chat.js'),
};
const DEFAULT = 'serve';

const [CANNOT, MISUSED, DIFFERENT] = [1, 2, 3]; // exit codes, told in the help of generate

await main(process.argv.slice(2));

/** @param {string[]} given */
async function main(given) {
  const isNamed = given.length > 0 && !given[0].startsWith('-');
  const [name, args] = isNamed ? [given[0], given.slice(1)] : [DEFAULT, given];
  const flags = flagsOf(args);
  const has = (/** @type {string[]} */ ...names) => names.some((flag) => flags.includes(flag));
  /** @type {Command | undefined} */
  let command;
  try {
    if (has('--version')) return console.log(await version());
    command = await commandOf(name);
    if (has('--help', '-h')) return console.log(await (isNamed ? helpOf(command) : helpOfAll()));
    await command.run(args);
  } catch (error) {
    fail(error, command);
  }
}

/** @param {string} name */
function commandOf(name) {
  if (Object.hasOwn(COMMANDS, name)) return COMMANDS[name]();
  const names = Object.keys(COMMANDS);
  const near = nearest(name, names);
  throw new Refusal(`There is no command "${name}", only: ${names.join(', ')}.${
    near ? ` Did you mean ${near}?` : ''}`, MISUSED);
}

/**
 * What cannot be done, in a sentence; everything else that is thrown is a fault, and comes with its stack.
 * @param {unknown} error  @param {Command} [command]
 */
function fail(error, command) {
  const isStopped = error instanceof KvcError && error.code === 'aborted';
  if (isStopped) return; // process.exitCode says by what
  if (error instanceof Refusal) {
    process.exitCode = error.exitCode;
    return console.error(error.message);
  }
  if (!(error instanceof KvcError)) throw error;
  console.error(inFlags(error.message, command?.table ?? {}));
  process.exitCode = error.code === 'outputs_differ' ? DIFFERENT
    : error.code === 'invalid_argument' ? MISUSED : CANNOT;
}

// ---- help -----------------------------------------------------------------------------------------

/** @param {Command} command */
async function helpOf({ help, details = '' }) {
  return `kvcache-wasm ${await version()}\n\n${help}\n${details && `\n${details}`}`.trimEnd();
}

async function helpOfAll() {
  const commands = await Promise.all(Object.values(COMMANDS).map((load) => load()));
  return `kvcache-wasm ${await version()}\n\n${commands.map((command) => command.help).join('\n\n')}\n
--help prints this, or behind a command all about it; --version the version.`;
}

async function version() {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  return /** @type {{ version: string }} */ (JSON.parse(text)).version;
}
