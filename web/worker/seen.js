// What can be seen of a run: what the request "inspect" is asked for, and what it answers. Types alone.

/**
 * @import { CacheType } from '../cache/options.js'
 * @import { MemoryUsage } from '../session/inspect.js'
 *
 * @typedef {object} Look  what to look at, all counted from 0
 * @property {Span} [tokens]             by default from the first to the last
 * @property {Span & Place & { at?: number }} [vectors]   the same, of those in the cache; with `at`, of all
 *   up to the token there, computed again where the cache lacks them; at most 2^20 numbers each of K and V
 * @property {{ position: number } & Place} [attention]   at most 2^20 weights
 * @property {{ position: number } & Place} [cross]       with an encoder: over the source, likewise
 * @property {{ position: number } & Place} [queries]     likewise
 * @property {{ position: number, count?: number }} [candidates]  position: from 1 on, up to that of the token
 *   to come; count: at most 100, 5 by default
 * @property {{ position: number, count?: number }} [fork]  the run forked after so many tokens, in a session
 *   apart; count: tokens that it writes, at most 256, 24 by default
 * @property {{ types?: NarrowType[] }} [stored]  the run read with a cache of these types
 * @typedef {Exclude<CacheType, 'f32'>} NarrowType
 * @typedef {{ first?: number, count?: number }} Span
 * @typedef {{ layers?: number[], heads?: number[] }} Place  heads of K and V; of attention
 *   and queries, those of Q
 *
 * @typedef {object} CacheLayout   bytesPerToken = layers * heads * (keyBytes + valueBytes), and without
 *   windows memory.cacheBytes = slots * bytesPerToken
 * @property {number} tokens       in the cache, from the first on; fewer than were given out after some that
 *   were computed while it was off
 * @property {number} layers
 * @property {number} heads        of keys and values
 * @property {number} headDim
 * @property {CacheType} keyType
 * @property {CacheType} valueType
 * @property {number} keyBytes     of one key vector
 * @property {number} valueBytes
 * @property {number} slots        for tokens, in layers without a window
 * @property {readonly number[]} windowLayers  those that the model has windows in
 * @property {number} freed        the first tokens, whose K and V these have given back
 * @property {number} pageSlots    of a page
 * @property {{ page: number, shared: boolean }[]} pages  that hold the tokens, in order
 *
 * @typedef {object} Seen
 * @property {number} position     tokens given out, of which the first `prompt` are the prompt
 * @property {number} prompt
 * @property {MemoryUsage} memory
 * @property {CacheLayout} cache
 * @property {{ id: number, text: string, position: number }[]} [tokens]
 * @property {{ first: number, count: number, layers: number[], heads: number[], keys: Float32Array,
 *   values: Float32Array }} [vectors]   [layers, heads, count, headDim]; NaN where they were given back
 * @property {{ position: number, layers: number[], heads: number[], weights: Float32Array }} [attention]
 *   [layers, heads, position + 1]; each row has the sum 1
 * @property {{ position: number, layers: number[], heads: number[], source: { id: number, text: string }[],
 *   weights: Float32Array }} [cross]  [layers, heads, source]; the same over the tokens of the source
 * @property {{ position: number, layers: number[], heads: number[], queries: Float32Array }} [queries]
 *   [layers, heads, headDim]: weights = softmax(q . k / sqrt(headDim)), with the keys of its head
 * @property {{ position: number, chosen: number | null, inDraw: number, list: SeenCandidate[] }} [candidates]
 *   chosen: the id that stands there; inDraw: ids that the sampler could have drawn; list: likeliest first
 * @property {SeenFork} [fork]
 * @property {SeenStored[]} [stored]
 *
 * @typedef {object} SeenCandidate
 * @property {number} id
 * @property {string} text
 * @property {number} probability  in the draw, after penalty, temperature and filters; 0: left out
 * @property {number} logProb      of the model itself, the natural logarithm
 *
 * @typedef {object} SeenFork  two timelines in one cache, before the second one was dropped
 * @property {number} position    tokens that they have in common
 * @property {{ id: number, text: string, position: number }[]} tokens  of the fork alone
 * @property {number[]} story     pages of the run; one that is in both lists is held by both
 * @property {number[]} fork      and of the fork
 * @property {number} usedBytes   of all slots that hold tokens, shared ones counted once
 * @property {number} sharedBytes    what more it would be if they shared none
 * @property {number} droppedBytes   usedBytes once the fork was dropped
 * @property {{ first: number, story: number, fork: number }} [gone]  past the context: pages of each that
 *   have left the cache, behind the `first` ones
 *
 * @typedef {object} SeenStored  the run read with a cache of another type, against one of f32
 * @property {NarrowType} type  of keys and values
 * @property {number} tokens
 * @property {number} same        tokens after which the likeliest next one is the same
 * @property {number} error       greatest difference of a logit
 * @property {number} usedBytes   of the cache
 */

export {};
