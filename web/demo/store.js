// The state of a player, and those who follow it.
import { reduce } from './state.js';

/**
 * @import { Event, State } from './state.js'
 * @typedef {(state: State, event: Event) => void} Listener  the state after the event
 */

export class Store {
  /** @type {Set<Listener>} */
  #listeners = new Set();

  /** @param {State} state */
  constructor(state) {
    /** @readonly */
    this.state = state;
  }

  /** @param {Listener} listener  @returns {() => void}  that ends it */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @param {Event} event */
  emit(event) {
    /** @type {{ state: State }} */ (this).state = reduce(this.state, event);
    for (const listener of this.#listeners) listener(this.state, event);
  }

  /** Nobody follows any more. */
  close() { this.#listeners.clear(); }
}
