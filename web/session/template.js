// A chat template, a program in Jinja that came with a model, run as transformers runs it. Nobody vouches for
// it: what it says and how long it takes is bounded, step by step. One built-in function alone, such as a
// replace() that makes much of little, ends only with the longest string that there can be.
import { KvcError, reasonOf } from '../engine/errors.js';

/**
 * What is used of the interpreter, whose own types find each other only where files need no ending.
 * @typedef {{ type: string, iterable?: Step, lhs?: Step, callee?: Step, args?: Step[], object?: Step,
 *   property?: Step & { value: unknown }, computed?: boolean, body?: Step[],
 *   defaultBlock?: Step[], value?: unknown }} Step
 * @typedef {{ type: string, value: unknown }} Value  at run time
 * @typedef {{ set: (name: string, value: unknown) => unknown }} Environment
 * @typedef {{ evaluate(step?: Step, scope?: Environment): Value, run(program: Step): Value,
 *   evaluateBlock(steps: Step[], scope?: Environment): Value }} Interpreter
 *
 * @typedef {object} Jinja
 * @property {(source: string, options: Readonly<Record<string, boolean>>) => object[]} tokenize
 * @property {(tokens: object[]) => Step} parse
 * @property {new () => Environment} Environment
 * @property {new (environment: Environment) => Interpreter} Interpreter
 */

const MOST_SOURCE = 2 ** 17;  // characters of a template; long ones have 20,000
const MOST_SPACE = 1000;      // of white space in a row: the interpreter searches through it from every place
const MOST_TEXT = 2 ** 20;    // characters of any text, which is more than a context holds
const MOST_RANGE = 100_000;   // numbers of one range(), as in Jinja's sandbox
const WORK_OF_LOOP = 8;       // for each round, even of an empty one
const MOST_WORK = 1_000_000;  // steps, and what they make: two seconds or so

const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September',
  'October', 'November', 'December'];
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/** @param {string} message  a sentence  @param {unknown} [cause] */
export const failed = (message, cause) => new KvcError('chat_template_failed', message, { cause });

const tooMuch = () => failed('The chat template runs for too long or makes too much of the conversation. '
  + 'Shorten it, or give another template.');

/**
 * @param {string} source  @param {Record<string, unknown>} values  its variables: what JSON can hold
 * @returns {Promise<string>}
 */
export async function rendered(source, values) {
  if (source.length > MOST_SOURCE) {
    throw failed(`The chat template has ${source.length} characters, more than ${MOST_SOURCE}.`);
  }
  if (new RegExp(`\\s{${MOST_SPACE}}`).test(source)) {
    throw failed(`The chat template has ${MOST_SPACE} blanks in a row, more than any that is meant well.`);
  }
  try {
    const jinja = /** @type {Jinja} */ (/** @type {unknown} */ (await import('@huggingface/jinja')));
    const program = jinja.parse(jinja.tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
    return String(bounded(jinja, values).run(program).value);
  } catch (cause) {
    if (cause instanceof KvcError) throw cause;
    throw failed(`The chat template could not be run: ${reasonOf(cause)}`, cause);
  }
}

/** {% break %} or {% continue %}, on its way to its loop. */
class RoundEnd extends Error {
  /** In this round before it. */
  written = '';

  /** @param {'Break' | 'Continue'} type */
  constructor(type) {
    super(`a ${type.toLowerCase()} stands in no loop.`);
    this.type = type;
  }
}

/** Steps that do not write what is in them as it comes: where it is left, that is gone, as in jinja2. */
const KEEPS = /^(Set|FilterStatement)$/;

/** Steps that {{ }} writes the value of. */
const WRITES = /Expression$|Literal$|^Identifier$|^Ternary$/;

/**
 * Writes None where {{ }} has it, and what a round of a loop wrote before it ended early: the interpreter
 * does neither.
 * @param {Jinja} jinja
 */
const writing = ({ Interpreter }) => class extends Interpreter {
  /**
   * The loops under way, the innermost last; cut, whole: some rounds ended early, or did not.
   * @type {{ body: Step[] | undefined, over: boolean, cut: boolean, whole: boolean }[]}
   */
  #loops = [];

  /** @param {Step} [step]  @param {Environment} [scope]  @returns {Value} */
  evaluate(step, scope) {
    if (step?.type === 'Break' || step?.type === 'Continue') throw new RoundEnd(step.type);
    if (step && KEEPS.test(step.type)) return this.#kept(step, scope);
    if (step?.type !== 'For') return super.evaluate(step, scope);
    const loop = { body: step.body, over: false, cut: false, whole: false };
    this.#loops.push(loop);
    try {
      const { value } = super.evaluate(step, scope);
      try {
        const last = loop.cut && !loop.whole ? this.evaluateBlock(step.defaultBlock ?? [], scope).value : '';
        return this.#text(`${value}${last}`); // as jinja2, an else where no round came to its end
      } catch (end) {
        if (end instanceof RoundEnd) end.written = `${value}${end.written}`;
        throw end;
      }
    } finally {
      this.#loops.pop();
    }
  }

  /** @param {Step} step  @param {Environment} [scope] */
  #kept(step, scope) {
    try {
      return super.evaluate(step, scope);
    } catch (end) {
      if (end instanceof RoundEnd) end.written = '';
      throw end;
    }
  }

  /** @param {string} value */
  #text(value) { return super.evaluate({ type: 'StringLiteral', value }); }

  /** @param {Step[]} steps  @param {Environment} [scope] */
  evaluateBlock(steps, scope) {
    const loop = this.#loops.at(-1);
    const isRound = loop?.body === steps;
    let text = '';
    try {
      for (const step of isRound && loop.over ? [] : steps) {
        const value = this.evaluate(step, scope);
        if (value.type !== 'NullValue') text += value.type === 'UndefinedValue' ? '' : String(value);
        else if (WRITES.test(step.type)) text += 'None';
      }
      if (isRound && !loop.over) loop.whole = true;
    } catch (end) {
      if (!(end instanceof RoundEnd)) throw end;
      end.written = text + end.written;
      if (!isRound) throw end;
      loop.cut = true;
      loop.over = end.type === 'Break';
      text = end.written;
    }
    return this.#text(text);
  }
};

/** @param {Jinja} jinja  @param {Record<string, unknown>} values */
function bounded(jinja, values) {
  /** Counts every step, and what is new in its value. */
  class Bounded extends writing(jinja) {
    #work = 0;
    /** What loops go through. @type {WeakSet<Step>} */
    #looped = new WeakSet();

    /** @param {Step} [step]  @param {Environment} [scope]  @returns {Value} */
    evaluate(step, scope) {
      this.#spend(1);
      const list = step?.iterable;
      if (list) this.#looped.add(list.type === 'SelectExpression' && list.lhs ? list.lhs : list);
      const value = (step?.callee && this.#stripped(step.callee, step.args ?? [], scope))
        ?? super.evaluate(step, scope);
      if (step && this.#looped.has(step)) this.#spend(WORK_OF_LOOP * sizeOf(value));
      if (step && MAKERS.has(step.type)) this.#spendOn(value);
      if (typeof value.value === 'string') {
        if (value.value.length > MOST_TEXT) throw tooMuch();
        this.#spend(value.value.length >> 6);
      }
      return value;
    }

    /**
     * text.strip('ab') and the like: the interpreter takes off blanks, whatever it is given.
     * @param {Step} callee  @param {Step[]} args  @param {Environment} [scope]
     * @returns {Value | undefined}
     */
    #stripped({ object, property, computed }, args, scope) {
      const ends = computed || args.length !== 1 ? undefined : STRIPPED.get(property?.value);
      if (!ends) return undefined;
      const [text, letters] = [object, args[0]].map((step) => this.evaluate(step, scope));
      if (typeof text.value !== 'string' || typeof letters.value !== 'string') return undefined;
      const Text = /** @type {new (text: string) => Value} */ (text.constructor);
      return new Text(stripped(text.value, letters.value, ends));
    }

    /** @param {number} work */
    #spend(work) {
      this.#work += work;
      if (this.#work > MOST_WORK) throw tooMuch();
    }

    /** The parts of a list or an object, each as often as it is there. @param {Value} value */
    #spendOn(value) {
      const { value: inner } = value;
      const parts = Array.isArray(inner) || inner instanceof Map ? inner.values() : [];
      for (const part of parts) {
        this.#spend(1);
        this.#spendOn(/** @type {Value} */ (part));
      }
    }
  }
  const environment = new jinja.Environment();
  for (const [name, value] of Object.entries({ ...GLOBALS, ...values })) environment.set(name, value);
  return new Bounded(environment);
}

/** Of a list or an object. @param {Value} value */
const sizeOf = ({ value }) => (Array.isArray(value) ? value.length : value instanceof Map ? value.size : 0);

/** Steps whose value may be a new list or object. */
const MAKERS = new Set(['ArrayLiteral', 'TupleLiteral', 'ObjectLiteral', 'BinaryExpression',
  'FilterExpression', 'CallExpression']);

/** @typedef {{ start: boolean, end: boolean }} Ends  of a text, at which something is taken off */

/** By the name of the method. @type {Map<unknown, Ends>} */
const STRIPPED = new Map([
  ['strip', { start: true, end: true }], ['lstrip', { start: true, end: false }],
  ['rstrip', { start: false, end: true }],
]);

/** @param {string} text  @param {string} letters  @param {Ends} ends */
function stripped(text, letters, { start, end }) {
  const off = new Set(letters);
  const points = [...text];
  let [from, to] = [0, points.length];
  while (start && from < to && off.has(points[from])) from++;
  while (end && to > from && off.has(points[to - 1])) to--;
  return points.slice(from, to).join('');
}

/** What transformers gives every template, by the names that it knows them by. */
const GLOBALS = {
  true: true, True: true, false: false, False: false, none: null, None: null,
  raise_exception: (/** @type {unknown} */ message) => {
    throw failed(`The chat template refuses this conversation: ${message}`);
  },
  range: (/** @type {number} */ start, /** @type {number | undefined} */ stop, step = 1) => {
    const [from, to] = stop === undefined ? [0, start] : [start, stop];
    const n = Math.max(0, Math.ceil((to - from) / step));
    if (!(n <= MOST_RANGE)) throw tooMuch();
    return Array.from({ length: n }, (_, i) => from + i * step);
  },
  strftime_now: (/** @type {string} */ format) => formatted(format, new Date()),
};

/**
 * As Python's strftime() in English; what it has no letter for stays.
 * @param {string} format  @param {Date} now
 */
export function formatted(format, now) {
  const two = (/** @type {number} */ n) => String(n).padStart(2, '0');
  const [month, day, hour] = [MONTHS[now.getMonth()], DAYS[now.getDay()], now.getHours()];
  /** @type {Record<string, string | number>} */
  const parts = {
    Y: now.getFullYear(), y: two(now.getFullYear() % 100), m: two(now.getMonth() + 1), d: two(now.getDate()),
    e: String(now.getDate()).padStart(2), B: month, b: month.slice(0, 3), A: day, a: day.slice(0, 3),
    H: two(hour), I: two(hour % 12 || 12), M: two(now.getMinutes()), S: two(now.getSeconds()),
    p: hour < 12 ? 'AM' : 'PM', '%': '%',
  };
  return String(format).replace(/%-?([A-Za-z%])/g, (all, letter) => {
    const part = parts[letter];
    if (part === undefined) return all;
    return all.startsWith('%-') ? String(part).replace(/^[0 ](?=.)/, '') : String(part);
  });
}
