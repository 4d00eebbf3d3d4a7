// The request "inspect": what the run is made of, as the engine has it: where its keys and values lie and
// what they are, what a token looks at, what could have come in its place. It is about what was given out,
// never about what is computed ahead, and takes a turn of its own, so that it is in no figure.
import { vectorBytes } from '../../cache/types.js';
import { PAGE } from '../../engine/page.js';
import { invalid, isCount, optionsOf, shown } from '../../engine/arguments.js';
import { KvcError } from '../../index.js';
import { drawing } from '../../session/plan.js';
import { candidatesOf } from '../candidates.js';
import { forkOf } from '../fork.js';
import { roomOf } from '../context.js';
import { givenOut, memoryFor } from '../given.js';
import { gapIn, partsOf, slides } from '../slid.js';
import { holdsSource, writing } from '../sourced.js';
import { storedAs } from '../stored.js';

/**
 * @import { Session } from '../../session/session.js'
 * @import { Context, WorkerRun } from '../context.js'
 * @import { CacheLayout, Look, Place, Seen, Span } from '../messages.js'
 * @import { Gap } from '../slid.js'
 *
 * @typedef {{ position: number } & Place} Wanted
 */

const MOST_NUMBERS = 2 ** 20; // of keys, of values, of weights: 4 MiB each
const MOST_CANDIDATES = 100;
const PARTS = /** @type {const} */ ([
  'tokens', 'vectors', 'attention', 'cross', 'queries', 'candidates', 'fork', 'stored',
]);

/** @param {Context} context  @param {Look} fields  @returns {Promise<Seen>} */
export const inspect = (context, fields) => context.turns.take(() => look(context, fields));

/** @param {Context} context  @param {Look} fields  @returns {Promise<Seen>} */
async function look(context, fields) {
  const { tokens, vectors, attention, cross, queries, candidates, fork, stored } = optionsOf(
    'inspect', fields, PARTS);
  const { model, session } = context.loaded();
  const { outbox, run } = context;
  const position = givenOut(context);
  const cache = layoutOf(session, position, model.config.window?.layers ?? []);
  /** @type {Seen} */
  const seen = {
    position, prompt: Math.min(run.prompt, position), memory: memoryFor(session, position), cache,
    ...(tokens && { tokens: tokensOf(run, position, tokens) }),
    ...(vectors && vectors.at === undefined && {
      vectors: vectorsOf(session, cache, gapIn(session, session.cachedTokens), vectors) }),
  };
  outbox?.send(); // the page has heard of every token that this is about
  if (vectors?.at !== undefined) seen.vectors = await vectorsAt(context, run, position, vectors);
  if (attention) seen.attention = await attentionOf(context, run, position, attention);
  if (cross) seen.cross = await crossOf(context, run, position, cross);
  if (queries) seen.queries = await queriesOf(context, run, position, queries);
  if (candidates) seen.candidates = await candidatesAt(context, run, position, candidates);
  if (fork) seen.fork = await forkOf(context, run, position, fork);
  if (stored) {
    const beside = slides(session) ? roomOf(session) : {};
    seen.stored = await storedAs(model, run, run.ids.slice(0, position), stored, beside);
  }
  return seen;
}

// ---- what lies there ----------------------------------------------------------------------------

/**
 * @param {Session} session  @param {number} given  @param {readonly number[]} windowLayers
 * @returns {CacheLayout}
 */
function layoutOf(session, given, windowLayers) {
  const { cachedTokens, kvCache } = session;
  const { keyType, valueType, numLayers, numHeads, headDim, batchSize, maxSeqLen } = kvCache;
  const tokens = Math.min(cachedTokens, given);
  const [{ pages, freed }, ...others] = kvCache.cacheMap();
  const gap = gapIn(session, tokens);
  return {
    tokens, layers: numLayers, heads: numHeads, headDim, keyType, valueType, windowLayers,
    keyBytes: vectorBytes(keyType, headDim), valueBytes: vectorBytes(valueType, headDim),
    slots: batchSize * Math.ceil(maxSeqLen / PAGE) * PAGE, freed, pageSlots: PAGE,
    pages: pages.slice(0, Math.ceil((tokens - gap.end + gap.first) / PAGE)).map((page) => (
      { page, shared: others.some((other) => other.pages.includes(page)) })),
  };
}

/** @param {WorkerRun} run  @param {number} given  @param {Span} span */
function tokensOf({ ids, texts }, given, span) {
  const { first, end } = spanOf('tokens', span, given, 'were given out');
  return ids.slice(first, end).map((id, i) => ({ id, text: texts[first + i], position: first + i }));
}

/**
 * @param {Session} session
 * @param {Pick<CacheLayout, 'tokens' | 'layers' | 'heads' | 'headDim' | 'freed' | 'windowLayers'>} held
 * @param {Gap} left  by all layers  @param {Span & Place & { at?: number }} given  at: has been seen to
 */
function vectorsOf(session, held, left, given) {
  const names = /** @type {const} */ (['at', 'layers', 'heads', 'first', 'count']);
  const { at: _, layers, heads, ...span } = optionsOf('inspect vectors', given, names);
  const { first, end } = spanOf('vectors', span, held.tokens, 'are in the cache');
  const place = placeOf({ layers, heads }, held.layers, held.heads);
  const count = end - first;
  const size = count * held.headDim;
  const [keys, values] = [rowsOf(place, size), rowsOf(place, size)];
  eachOf(place, (layer, head, i) => {
    for (const all of [keys, values]) all.fill(NaN, i * size, (i + 1) * size); // what has gone
    const gone = held.windowLayers.includes(layer) ? held.freed : 0;
    for (const part of partsOf(left, Math.max(first, gone), end)) {
      const vectors = session.snapshot({ layer, head, first: part.slot, count: part.end - part.first });
      const at = i * size + (part.first - first) * held.headDim;
      keys.set(vectors.keys, at);
      values.set(vectors.values, at);
    }
  });
  return { first, count, ...place, keys, values };
}

// ---- what has to be looked for ------------------------------------------------------------------

/**
 * Those that the token there has before it, itself included, whether the cache has kept them or not.
 * @param {Context} context  @param {WorkerRun} run  @param {number} given
 * @param {Span & Place & { at?: number }} wanted
 */
async function vectorsAt(context, run, given, { at, ...wanted }) {
  checkPosition(at, 0, given - 1);
  const lens = await lensAfter(context, run, run.ids.slice(0, at + 1));
  const { numLayers: layers, numHeads: heads, headDim } = lens.kvCache;
  const { freed } = lens.cacheMap()[lens.selected];
  const windowLayers = context.loaded().model.config.window?.layers ?? [];
  const held = { tokens: at + 1, layers, heads, headDim, freed, windowLayers };
  return vectorsOf(lens, held, gapIn(lens, at + 1), wanted);
}

/**
 * How much the token there looks at each.
 * @param {Context} context  @param {WorkerRun} run  @param {number} given  @param {Wanted} wanted
 */
async function attentionOf(context, run, given, wanted) {
  const { position, ...place } = wantedOf('attention', context, given, wanted);
  const size = position + 1;
  const weights = rowsOf(place, size);
  const lens = await lensAfter(context, run, run.ids.slice(0, size));
  const parts = partsOf(gapIn(lens, size), 0, size);
  eachOf(place, (layer, head, i) => {
    const own = lens.attentionWeights(layer, head);
    for (const { first, end, slot } of parts) {
      weights.set(own.subarray(slot, slot + end - first), i * size + first);
    }
  });
  return { position, ...place, weights };
}

/**
 * How much it looks at each token of the source, which come with it.
 * @param {Context} context  @param {WorkerRun} run  @param {number} given  @param {Wanted} wanted
 */
async function crossOf(context, run, given, wanted) {
  const { source } = run;
  if (!source) throw new KvcError('unsupported', 'inspect cross: this model has no source to look at.');
  const { position, ...place } = wantedOf('cross', context, given, wanted);
  const weights = rowsOf(place, source.length);
  const target = run.ids.slice(0, position + 1);
  const lens = await lensAfter(context, run, target);
  eachOf(place, (layer, head, i) => weights.set(lens.crossAttentionWeights(layer, head), i * source.length));
  const { model } = context.loaded();
  const stream = model.textStream({ special: true });
  return { position, ...place, source: source.map((id) => ({ id, text: stream.push(id) })), weights };
}

/**
 * What it looks with: no later step needs that, so nothing keeps it.
 * @param {Context} context  @param {WorkerRun} run  @param {number} given  @param {Wanted} wanted
 */
async function queriesOf(context, run, given, wanted) {
  const { position, ...place } = wantedOf('queries', context, given, wanted);
  const { headDim } = context.loaded().model.config;
  const queries = rowsOf(place, headDim);
  const lens = await lensAfter(context, run, run.ids.slice(0, position + 1));
  eachOf(place, (layer, head, i) => queries.set(lens.attentionQuery(layer, head), i * headDim));
  return { position, ...place, queries };
}

/** @param {string} part  @param {Context} context  @param {number} given  @param {Wanted} wanted */
function wantedOf(part, context, given, wanted) {
  const { position, ...place } = optionsOf(`inspect ${part}`, wanted, ['position', 'layers', 'heads']);
  checkPosition(position, 0, given - 1);
  const { nLayer, nHead } = context.loaded().model.config;
  return { position, ...placeOf(place, nLayer, nHead) };
}

/**
 * @param {Context} context  @param {WorkerRun} run  @param {number} given
 * @param {{ position: number, count?: number }} wanted
 */
async function candidatesAt(context, run, given, wanted) {
  const { position, count = 5 } = optionsOf('inspect candidates', wanted, ['position', 'count']);
  checkPosition(position, 1, given);
  const { model } = context.loaded();
  const most = Math.min(MOST_CANDIDATES, model.sampledIds);
  if (!isCount(count) || count < 1 || count > most) {
    throw invalid(`inspect gives 1 to ${most} candidates; ${shown(count)} is not possible.`);
  }
  const history = run.ids.slice(0, position);
  const lens = await lensAfter(context, run, history);
  const logProbs = new Map(lens.top(model.sampledIds).map(({ id, logProb }) => [id, logProb]));
  const { sampling, rules } = drawing(run.sampling, model);
  const scores = lens.logits.slice(0, model.sampledIds);
  const all = rules(run.prompt);
  for (const rule of all) rule(scores, history);
  const own = all.length > 0 ? { repetition_penalty: 1 } : {}; // rules that there are have it among them
  const drawn = candidatesOf(scores, history, { ...sampling, ...own });
  return {
    position, chosen: position < given ? run.ids[position] : null,
    inDraw: drawn.filter(({ probability }) => probability > 0).length,
    list: drawn.slice(0, count).map(({ id, probability }) => ({
      id, text: model.decode([id], { after: history }), probability,
      logProb: logProbs.get(id) ?? -Infinity })),
  };
}

/**
 * A session that has just read these tokens. It reads a run once; to go back in it takes one token.
 * @param {Context} context  @param {WorkerRun} run  @param {number[]} ids
 */
async function lensAfter({ lens }, run, ids) {
  lens.select(0);
  const { tokens } = lens;
  if (holdsSource(lens, run) && ids.length < tokens.length && ids.every((id, i) => id === tokens[i])) {
    lens.fork(0, 1);
    lens.select(1);
  }
  await writing(lens, run, ids, { maxTokens: 0, useCache: true }).next();
  return lens;
}

// ---- refusals -----------------------------------------------------------------------------------

/**
 * @param {string} what  @param {Span} given  @param {number} most  @param {string} those
 * @returns {{ first: number, end: number }}
 */
function spanOf(what, given, most, those) {
  const { first = 0, count } = optionsOf(`inspect ${what}`, given, ['first', 'count']);
  const end = count === undefined ? most : first + count;
  if (isCount(first) && isCount(end) && first <= end && end <= most) return { first, end };
  throw new KvcError('position_out_of_range',
    `There are no ${shown(count ?? 'other')} tokens from ${shown(first)} on: ${most} ${those}.`);
}

/**
 * @param {unknown} position  @param {number} least  @param {number} most
 * @returns {asserts position is number}
 */
function checkPosition(position, least, most) {
  if (isCount(position) && position >= least && position <= most) return;
  const range = most < least ? 'there is none yet' : `positions go from ${least} to ${most} here`;
  throw new KvcError('position_out_of_range', `There is no position ${shown(position)}: ${range}.`);
}

/** @param {Place} place  @param {number} nLayer  @param {number} nHead */
const placeOf = ({ layers, heads }, nLayer, nHead) => (
  { layers: indicesOf('layer', layers, nLayer), heads: indicesOf('head', heads, nHead) });

/** @param {string} what  @param {number[] | undefined} given  @param {number} n */
function indicesOf(what, given, n) {
  const all = Array.from({ length: n }, (_, i) => i);
  if (given === undefined) return all;
  if (!Array.isArray(given) || new Set(given).size < given.length) {
    throw invalid(`inspect takes a list of ${what}s, each at most once; not ${shown(given)}.`);
  }
  const stray = given.findIndex((i) => !all.includes(i));
  if (stray < 0) return given;
  throw new KvcError('position_out_of_range',
    `There is no ${what} ${shown(given[stray])} here: there are ${n}, counted from 0.`);
}

/** @param {Required<Place>} place  @param {number} size */
function rowsOf({ layers, heads }, size) {
  const n = layers.length * heads.length * size;
  if (n <= MOST_NUMBERS) return new Float32Array(n);
  throw invalid(`inspect gives at most ${MOST_NUMBERS} numbers at once, and these are ${n}. `
    + 'Ask for fewer layers, heads or tokens.');
}

/** @param {Required<Place>} place  @param {(layer: number, head: number, i: number) => void} visit */
function eachOf({ layers, heads }, visit) {
  layers.forEach((layer, l) => heads.forEach((head, h) => visit(layer, head, l * heads.length + h)));
}
