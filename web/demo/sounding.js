// What the view of sounds is asked for, as it stands in the state and travels in an address.

/**
 * @typedef {'both' | 'self' | 'cross' | 'none'} Caches  that are on: self: the cross cache is off
 * @typedef {{ word: string, caches: Caches }} Sounding
 */

/** @type {readonly Caches[]} */
export const CACHES = ['both', 'self', 'cross', 'none'];
/** @type {Sounding} */
export const FIRST = { word: 'knight', caches: 'both' };
