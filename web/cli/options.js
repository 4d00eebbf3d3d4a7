// The options of a command: one table says what there is, what --help prints and how it is read.
import { parseArgs } from 'node:util';
import { nearest } from '../engine/arguments.js';
import { Refusal } from './refusal.js';

/**
 * @typedef {object} Option
 * @property {string} help       a line for --help
 * @property {string} [value]    what stands for its value there; without one it is a flag
 * @property {boolean} [number]  whether that is a number
 * @property {readonly string[]} [choices]  all values that there are
 *
 * @typedef {Readonly<Record<string, Option>>} Table  by name, without its two hyphens
 * @typedef {string | number | boolean} Value
 */

/**
 * Reads the words behind a command: its options, by their names in JavaScript ("--top-k 5" is topK: 5; of
 * several the last one counts), and the words that belong to none.
 * @param {string} command  @param {readonly string[]} args  @param {Table} table
 */
export function parse(command, args, table) {
  const names = Object.keys(table);
  /** @type {Record<string, { type: 'string' | 'boolean' }>} */
  const options = {};
  for (const name of names) options[name] = { type: table[name].value ? 'string' : 'boolean' };
  const { tokens } = parseArgs({ args: [...args], options, tokens: true, strict: false });
  /** @type {Record<string, Value>} */
  const values = {};
  const words = [];
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind !== 'option') continue;
    if (!Object.hasOwn(table, token.name)) throw unknown(command, token.rawName, names);
    values[camelCase(token.name)] = valueOf(token.name, token.value, table[token.name]);
  }
  return { values, words };
}

/** @param {string} command  @param {string} given  @param {readonly string[]} names */
function unknown(command, given, names) {
  const name = given.replace(/^-+/, '');
  const near = nearest(name, names) ?? names.find((known) => name.split('-').includes(known));
  const advice = near ? `did you mean --${near}?` : `--help says what there is.`;
  return new Refusal(`${command} has no option ${given}: ${advice}`, 2);
}

/** @param {string} name  @param {string | undefined} text  @param {Option} option  @returns {Value} */
function valueOf(name, text, { value, number, choices }) {
  if (value === undefined) {
    if (text === undefined) return true;
    throw new Refusal(`--${name} takes no value; it was given "${text}".`, 2);
  }
  if (text === undefined) throw new Refusal(`--${name} needs a value: --${name} ${value}.`, 2);
  if (choices && !choices.includes(text)) {
    throw new Refusal(`--${name} is "${text}"; it must be ${choices.join(' or ')}.`, 2);
  }
  if (!number) return text;
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text);
  throw new Refusal(`--${name} is "${text}"; it must be a number.`, 2);
}

/** What may be options: what is not behind "--". @param {readonly string[]} args */
export const flagsOf = (args) => args.slice(0, args.includes('--') ? args.indexOf('--') : undefined);

/** "top-k" -> "topK" */
export const camelCase = (/** @type {string} */ name) => (
  name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase()));
const kebabCase = (/** @type {string} */ name) => (
  name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));

/** What the library says about its options, said of those of a command. @param {string} words */
export function inFlags(words, /** @type {Table} */ table) {
  const isOne = (/** @type {string} */ name) => Object.hasOwn(table, kebabCase(name));
  return words
    .replace(/\bweights: '(\w+)'/g, '--weights $1')
    .replace(/\b[a-z]+(?:[A-Z][a-z]*)+\b|^[a-z]+(?= is )/g, (name) => (
      isOne(name) ? `--${kebabCase(name)}` : name));
}

/** The table for --help. @param {Table} table */
export function helpOf(table) {
  const heads = Object.entries(table).map(([name, { value, choices }]) => (
    `--${name}${value ? ` ${choices ? choices.join('|') : value}` : ''}`));
  const width = Math.max(...heads.map((head) => head.length));
  return Object.values(table).map(({ help }, i) => (
    `    ${heads[i].padEnd(width)}  ${help.replaceAll('\n', `\n${' '.repeat(width + 6)}`)}`)).join('\n');
}
