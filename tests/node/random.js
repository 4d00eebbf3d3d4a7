// The random cases of tests/native/random_case.h drawn again, and run through the binding: each gives the
// digest that tests/native/truth.h computes from the naive oracle.
import { KvcError } from '../../web/errors.js';
import { directoryOf, splitMix64 } from './golden.js';

/** FNV-1a 64 of a text of ASCII. @param {bigint} hash  @param {string} text */
function fnv(hash, text) {
  for (let i = 0; i < text.length; i++) hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(i))) * 0x100000001b3n);
  return hash;
}

// As in random_case.c: [name, share of all operations], and what draws its arguments.
const SHARES = [['prefill', 10], ['cancel', 2], ['rewind', 5], ['off', 1], ['on', 2], ['reset', 1], ['score', 1]];
const CAPACITIES = [12, 40, 96, 96];

/** @param {number} seed */
export function randomCase(seed) {
  const draw = splitMix64(BigInt(seed) + (1n << 32n));
  const below = (n) => Number(draw() >> 32n) % n;
  const [n_layer, n_head] = [1 + below(3), 1 + below(3)];
  const n_embd = n_head * 4 * (1 + below(3));
  const [n_inner, vocab_size] = [1 + below(24), 2 + below(40)];
  const capacity = 1 + below(CAPACITIES[below(4)]);
  const n_positions = capacity + below(4);
  const ids = (least) => Array.from({ length: least + below([1, 1, 6, 40][below(4)]) }, () => below(vocab_size));
  const kind = () => {
    let drawn = below(SHARES.reduce((sum, [, share]) => sum + share, 0));
    return SHARES.find(([, share]) => (drawn -= share) < 0)[0];
  };
  const drawArguments = {
    prefill: () => ids(1),
    cancel: () => [below(8), ...ids(1)],
    rewind: () => [below(below(3) ? 6 : 40)],
    score: () => ids(2),
    off: () => [], on: () => [], reset: () => [],
  };
  const ops = Array.from({ length: 4 + below(17) }, (_, i) => {
    const name = i === 0 ? 'prefill' : kind();
    return [name, ...drawArguments[name]()];
  });
  return { seed, config: { n_layer, n_head, n_embd, n_inner, n_positions, vocab_size }, capacity, ops };
}

/** How the binding does each operation. Passes are cancelled by generate() alone: session.test.js does that. */
const APPLY = {
  prefill: (session, ...ids) => (ids.length === 1 ? session.decode(ids[0]) : session.prefill(ids)),
  cancel(session, steps, ...ids) {
    if (ids.length > session.capacity - session.position) throw new KvcError('context_full', 'As prefill would say.');
  },
  rewind: (session, n) => session.truncate(session.position - n),
  off(session) { session.useCache = false; },
  on(session) { session.useCache = true; },
  reset: (session) => session.reset(),
  score: (session, ...ids) => session.score(ids),
};

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
export function run({ capacity, ops }, model) {
  const session = model.createSession({ capacity });
  const lines = ops.map(([name, ...args]) => {
    const code = codeOf(() => APPLY[name](session, ...args));
    let hash = '0'.repeat(16);
    const ready = codeOf(() => { hash = session.logitsHash; });
    if (ready !== 'ok' && ready !== 'not_ready') throw new Error(`the hash of the logits: ${ready}`);
    return `${code} ${session.position} ${session.cachedTokens} ${hash}\n`;
  });
  session.dispose();
  return { digest: fnv(0xcbf29ce484222325n, lines.join('')).toString(16).padStart(16, '0'), lines };
}
