// The attributes of <kv-cache-demo>, in one table: what each may say, and what holds where it says nothing or
// nonsense. The element's properties and the state in an address follow it, and tests hold the manual and
// custom-elements.json against it.

import { PLACES, USUAL_WINDOW } from './places.js';
import { CACHES, FIRST } from './sounding.js';

/**
 * @import { Places } from './places.js'
 * @import { Caches } from './sounding.js'
 *
 * @typedef {'stop' | 'slide'} WhenFull  the context is: the run ends, or the oldest page goes
 * @typedef {'on' | 'off' | 'race'} Cache  race: written both ways at the same time
 * @typedef {(typeof VIEWS)[number]} ViewName
 * @typedef {(typeof SHIPPED)[number]} Shipped
 *
 * The properties that attributes reflect.
 * @typedef {object} Properties
 * @property {string} src
 * @property {string} of
 * @property {string} wasm
 * @property {string} prompt
 * @property {Cache} cache
 * @property {number | null} maxTokens
 * @property {number | null} seed
 * @property {number | null} temperature
 * @property {number | null} topK
 * @property {number | null} topP
 * @property {number | null} minP
 * @property {number | null} repetitionPenalty
 * @property {Shipped} model
 * @property {WhenFull} whenFull
 * @property {'f32' | 'int8'} weights
 * @property {string} views
 * @property {number} pace
 * @property {number} lesson
 * @property {string} word
 * @property {Caches} caches
 * @property {Places} places
 * @property {'on' | 'off'} sinks
 * @property {string} link
 * @property {'lazy' | 'eager'} loading
 * @property {boolean} autorun
 * @property {'auto' | 'light' | 'dark'} theme
 *
 * @typedef {string | number | boolean | null} Value
 *
 * @typedef {object} Attribute
 * @property {string} name
 * @property {keyof Properties} property
 * @property {'text' | 'address' | 'choice' | 'number' | 'names' | 'flag'} kind
 * @property {Value} preset            null: the model's own, or as much as fits
 * @property {readonly string[]} [choices]  of a choice
 * @property {number} [min]            of a number; what lies outside counts as the nearest
 * @property {number} [max]
 * @property {boolean} [whole]
 * @property {string} [link]           its name in an address; absent: it does not travel
 */

export const TAG = 'kv-cache-demo';
/** The storytellers that come with the script. */
export const SHIPPED = /** @type {const} */ (['stories', 'tales']);
/** Where none is named. */
export const USUAL = /** @type {const} */ ([
  'chart', 'story', 'sampling', 'model', 'numbers', 'facts', 'proof', 'table',
]);
export const VIEWS = /** @type {const} */ ([
  ...USUAL, 'text', 'work', 'race', 'strips', 'map', 'lens', 'step', 'edit', 'lab', 'calculator',
  'tour', 'benchmark', 'sounds', 'window',
]);
const LESSONS = 9; // of the tour
export const PROMPT = 'Once upon a time there was a king who had three daughters.';
const LONGEST = 16384; // characters of any text

/** @type {readonly Attribute[]} */
export const ATTRIBUTES = [
  { name: 'src', property: 'src', kind: 'address', preset: '' },
  { name: 'of', property: 'of', kind: 'address', preset: '' },
  { name: 'wasm', property: 'wasm', kind: 'address', preset: '' },
  { name: 'prompt', property: 'prompt', kind: 'text', preset: PROMPT, link: 'p' },
  {
    name: 'cache', property: 'cache', kind: 'choice',
    choices: ['off', 'on', 'race'], preset: 'off', link: 'cache',
  },
  {
    name: 'max-tokens', property: 'maxTokens', kind: 'number',
    min: 1, max: 2 ** 20, whole: true, preset: null, link: 'n',
  },
  {
    name: 'seed', property: 'seed', kind: 'number',
    min: 0, max: 2 ** 32 - 1, whole: true, preset: null, link: 'seed',
  },
  {
    name: 'temperature', property: 'temperature', kind: 'number',
    min: 0, max: 10, preset: null, link: 'temperature',
  },
  {
    name: 'top-k', property: 'topK', kind: 'number',
    min: 0, max: 1e6, whole: true, preset: null, link: 'top-k',
  },
  { name: 'top-p', property: 'topP', kind: 'number', min: 0.01, max: 1, preset: null, link: 'top-p' },
  { name: 'min-p', property: 'minP', kind: 'number', min: 0, max: 1, preset: null, link: 'min-p' },
  {
    name: 'repetition-penalty', property: 'repetitionPenalty', kind: 'number',
    min: 0.01, max: 10, preset: null, link: 'repetition-penalty',
  },
  { name: 'model', property: 'model', kind: 'choice', choices: SHIPPED, preset: 'stories', link: 'model' },
  {
    name: 'when-full', property: 'whenFull', kind: 'choice',
    choices: ['stop', 'slide'], preset: 'stop', link: 'full',
  },
  { name: 'weights', property: 'weights', kind: 'choice', choices: ['f32', 'int8'], preset: 'f32' },
  { name: 'views', property: 'views', kind: 'names', choices: VIEWS, preset: USUAL.join(' '), link: 'views' },
  { name: 'pace', property: 'pace', kind: 'number', min: 0, max: 1000, whole: true, preset: 0, link: 'pace' },
  {
    name: 'lesson', property: 'lesson', kind: 'number',
    min: 1, max: LESSONS, whole: true, preset: 1, link: 'lesson',
  },
  { name: 'word', property: 'word', kind: 'text', preset: FIRST.word, link: 'word' },
  {
    name: 'caches', property: 'caches', kind: 'choice', choices: CACHES, preset: FIRST.caches, link: 'caches',
  },
  {
    name: 'places', property: 'places', kind: 'choice', choices: PLACES, preset: USUAL_WINDOW.places,
    link: 'places',
  },
  {
    name: 'sinks', property: 'sinks', kind: 'choice', choices: ['on', 'off'], preset: USUAL_WINDOW.sinks,
    link: 'sinks',
  },
  { name: 'link', property: 'link', kind: 'address', preset: '' },
  { name: 'loading', property: 'loading', kind: 'choice', choices: ['lazy', 'eager'], preset: 'lazy' },
  { name: 'autorun', property: 'autorun', kind: 'flag', preset: false },
  { name: 'theme', property: 'theme', kind: 'choice', choices: ['auto', 'light', 'dark'], preset: 'auto' },
];

/** Attributes besides: those of every element, and the state, which is checked as a whole. */
export const OTHERS = ['lang', 'state'];

/** @param {string} property */
export const attributeOf = (property) => (
  /** @type {Attribute} */ (ATTRIBUTES.find((one) => one.property === property)));

/**
 * The value that an attribute has: its preset where it says nothing or nonsense, as browsers do it.
 * @param {Attribute} attribute
 * @param {string | null} text
 * @returns {Value}
 */
export function valueOf(attribute, text) {
  if (attribute.kind === 'flag') return text !== null;
  return (text === null ? undefined : parsed(attribute, text)) ?? attribute.preset;
}

/**
 * The value that a text stands for; undefined where it is nonsense.
 * @param {Attribute} attribute
 * @param {string} text
 */
export function parsed(attribute, text) {
  switch (attribute.kind) {
    case 'flag': return true;
    case 'text': return wellFormed(text);
    case 'address': return text.trim();
    case 'choice': return attribute.choices?.find((choice) => choice === text.trim().toLowerCase());
    case 'number': return numberOf(attribute, text.trim());
    case 'names': return namesIn(text).join(' ') || undefined;
  }
}

/**
 * What the attribute has to say for a value; null: nothing.
 * @param {Attribute} attribute  @param {Value} value
 */
export function textOf(attribute, value) {
  if (attribute.kind === 'flag') return value ? '' : null;
  if (value === null || value === undefined || Number.isNaN(value)) return null;
  return String(value);
}

/** @param {Attribute} attribute  @param {string} text */
function numberOf({ min = 0, max = Infinity, whole }, text) {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return undefined;
  const value = Math.min(max, Math.max(min, Number(text)));
  return whole ? Math.round(value) : value;
}

/** As a field would give it back: one kind of line end, and no half of a character. @param {string} text */
const wellFormed = (text) => (
  text.slice(0, LONGEST).replace(/\r\n?/g, '\n').replace(/\p{Surrogate}/gu, '\ufffd'));

/** Names in a list with spaces or commas, each once. @param {string} text */
export const namesIn = (text) => [...new Set(text.toLowerCase().split(/[\s,]+/).filter(Boolean))];

/**
 * The views that a list names, and those that nobody knows.
 * @param {string} text
 */
export function viewsIn(text) {
  const names = namesIn(text);
  const known = /** @type {readonly string[]} */ (VIEWS);
  return {
    views: /** @type {ViewName[]} */ (names.filter((name) => known.includes(name))),
    unknown: names.filter((name) => !known.includes(name)),
  };
}

/**
 * The views that an author names; what nobody knows is said in the console.
 * @param {readonly ViewName[]} preset  where none is named: nothing but nonsense counts for nothing
 * @param {string | null} [text]
 */
export function viewsOr(preset, text) {
  const { views, unknown } = viewsIn(text ?? '');
  const names = unknown.map((name) => `"${name}"`).join(', ');
  if (names) console.warn(`<${TAG}> knows no view ${names}; there are ${VIEWS.join(', ')}.`);
  return views.length > 0 ? views : preset;
}
