// What the request "inspect" answers of a run that goes on in other ways than it did: types alone.

/**
 * @typedef {object} SeenFork  two timelines in one cache, before the second one was dropped
 * @property {number} position    tokens that they have in common
 * @property {{ id: number, text: string, position: number }[]} tokens  of the fork alone
 * @property {number[]} story     pages of the run; one that is in both lists is held by both
 * @property {number[]} fork      and of the fork
 * @property {number} usedBytes   of all slots that hold tokens, shared ones counted once
 * @property {number} sharedBytes    what more it would be if they shared none
 * @property {number} droppedBytes   usedBytes once the fork was dropped
 *
 * @typedef {object} SeenStored  the run read with a cache of another type, against one of f32
 * @property {'f16' | 'int8'} type  of keys and values
 * @property {number} tokens
 * @property {number} same        tokens after which the likeliest next one is the same
 * @property {number} error       greatest difference of a logit
 * @property {number} usedBytes   of the cache
 */

export {};
