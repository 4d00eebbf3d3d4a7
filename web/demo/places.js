// What the view "window" is asked for, as it stands in the state and travels in an address.

/**
 * @typedef {'64' | '128' | '256' | '1024'} Places  of the cache
 * @typedef {{ places: Places, sinks: 'on' | 'off' }} Sliding
 */

/** @type {readonly Places[]} */
export const PLACES = ['64', '128', '256', '1024'];
/** @type {Sliding} */
export const USUAL_WINDOW = { places: '128', sinks: 'on' };
