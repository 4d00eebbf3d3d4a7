// The random cases of tests/native/random_case.h drawn again, and run through the binding: each gives the
// digest that tests/native/truth.h computes from the naive oracle.
import { KvcError } from '../../web/engine/errors.js';
import { directoryOf, splitMix64 } from './golden.js';

/** FNV-1a 64 of a text of ASCII. @param {bigint} hash  @param {string} text */
function fnv(hash, text) {
  for (let i = 0; i < text.length; i++) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(i))) * 0x100000001b3n);
  }
  return hash;
}

// As in random_case.c: [name, share of all operations], and what draws its arguments.
const SHARES = [
  ['prefill', 10], ['cancel', 2], ['rewind', 4], ['edit', 4], ['off', 1], ['on', 2], ['reset', 1],
    ['score', 1],
  ['select', 3], ['batch', 3], ['fork', 3], ['reorder', 1], ['drop', 1], ['keep', 1], ['save', 2],
];
const CAPACITIES = [12, 40, 96, 96];
const TYPES = ['f32', 'f16', 'int8'];

/** @param {number} seed */
export function randomCase(seed) {
  const draw = splitMix64(BigInt(seed) + (1n << 32n));
  const below = (n) => Number(draw() >> 32n) % n;
  const [n_layer, n_head] = [1 + below(3), 1 + below(3)];
  const n_embd = n_head * 4 * (1 + below(3));
  const [n_inner, vocab_size] = [1 + below(40), 2 + below(40)];
  const capacity = 1 + below(CAPACITIES[below(4)]);
  const n_positions = capacity + below(4);
  const sequences = 1 + below([1, 2, 4][below(3)]);
  const [keyType, valueType] = below(3) === 0 ? [TYPES[below(3)], TYPES[below(3)]] : ['f32', 'f32'];
  const weights = below(4) ? 'f32' : 'int8';
  const ids = (least) =>
    Array.from({ length: least + below([1, 1, 6, 40][below(4)]) }, () => below(vocab_size));
  const few = () => below(below(3) ? 6 : 40);
  const kind = () => {
    let drawn = below(SHARES.reduce((sum, [, share]) => sum + share, 0));
    return SHARES.find(([, share]) => (drawn -= share) < 0)[0];
  };
  const drawArguments = {
    prefill: () => ids(1),
    cancel: () => [below(8), ...ids(1)],
    rewind: () => [few()],
    edit: () => [few(), ...ids(0)],
    score: () => ids(2),
    select: () => [below(sequences + (below(8) === 0 ? 1 : 0))],
    batch() {
      const [n, first] = [1 + below(sequences), below(sequences)];
      const stride = below(8) === 0 ? 0 : 1;
      return Array.from({ length: n },
        (_, i) => [(first + i * stride) % sequences, below(vocab_size)]).flat();
    },
    fork: () => [below(sequences), below(sequences)],
    reorder: () => Array.from({ length: sequences }, () => below(sequences)),
    drop: () => [below(sequences)],
    keep: () => [below(sequences)],
  };
  const ops = Array.from({ length: 4 + below(17) }, (_, i) => {
    const name = i === 0 ? 'prefill' : kind();
    return [name, ...drawArguments[name]?.() ?? []];
  });
  const config = { n_layer, n_head, n_embd, n_inner, n_positions, vocab_size };
  return { seed, config, weights, session: { capacity, sequences, keyType, valueType }, ops };
}

/** A session, and the tokens of its timelines, which the binding keeps to itself. */
class Player {
  reused = 0; // by the last operation

  constructor({ session }, model) {
    this.session = model.createSession(session);
    this.other = model.createSession(session); // a saved state moves from one to the other
    this.texts = Array.from({ length: session.sequences }, () => []);
  }

  get text() {
    return this.texts[this.session.selected];
  }

  prefill(...ids) {
    if (ids.length === 1) this.session.decode(ids[0]); else this.session.prefill(ids);
    this.text.push(...ids);
  }

  /**
   * Passes are dropped by leaving generate() alone, which session.test.js does; here is what prefill would
   * say.
   */
  cancel(steps, ...ids) {
    if (ids.length > this.session.capacity - this.session.position) {
      throw new KvcError('context_full', 'There is no room.');
    }
  }

  rewind(n) {
    this.session.truncate(this.session.position - n);
    this.text.length -= n;
  }

  edit(n, ...ids) {
    const text = [...this.text.slice(0, Math.max(0, this.text.length - n)), ...ids];
    this.reused = this.session.sync(text).reused;
    this.texts[this.session.selected] = text;
  }

  off() { this.session.useCache = false; }
  on() { this.session.useCache = true; }

  reset() {
    this.session.reset();
    this.texts = this.texts.map(() => []);
  }

  score(...ids) { this.session.score(ids); }
  select(sequence) { this.session.select(sequence); }

  batch(...pairs) {
    const sequences = pairs.filter((_, i) => i % 2 === 0);
    const ids = pairs.filter((_, i) => i % 2 === 1);
    this.session.decodeBatch(sequences, ids);
    sequences.forEach((sequence, i) => this.texts[sequence].push(ids[i]));
  }

  fork(from, to) {
    this.session.fork(from, to);
    this.texts[to] = [...this.texts[from]];
  }

  reorder(...from) {
    this.session.reorder(from);
    this.texts = from.map((i) => [...this.texts[i]]);
  }

  drop(sequence) {
    this.session.drop(sequence);
    this.texts[sequence] = [];
  }

  keep(sequence) {
    this.session.keep(sequence);
    this.texts = this.texts.map((text, i) => (i === sequence ? text : []));
  }

  save() {
    const { session, other } = this;
    other.restore(session.save());
    other.select(session.selected);
    other.useCache = session.useCache;
    [this.session, this.other] = [other, session];
  }

  dispose() {
    this.session.dispose();
    this.other.dispose();
  }
}

/** The code of the error that some work throws, 'ok' if none. */
function codeOf(work) {
  try {
    work();
    return 'ok';
  } catch (error) {
    if (!(error instanceof KvcError)) throw error;
    return error.code;
  }
}

/** The files of a case's model. */
export const modelOf = ({ config, seed }) => directoryOf(config, seed);

/** What a session over that model does, as the digest and the lines behind it. */
export function run(drawn, model) {
  const player = new Player(drawn, model);
  const lines = drawn.ops.map(([name, ...args]) => {
    player.reused = 0;
    const code = codeOf(() => player[name](...args));
    let hash = '0'.repeat(16);
    const ready = codeOf(() => { hash = player.session.logitsHash; });
    if (ready !== 'ok' && ready !== 'not_ready') throw new Error(`the hash of the logits: ${ready}`);
    return `${code} ${player.session.position} ${player.session.cachedTokens} ${player.reused} ${hash}\n`;
  });
  player.dispose();
  return { digest: fnv(0xcbf29ce484222325n, lines.join('')).toString(16).padStart(16, '0'), lines };
}
