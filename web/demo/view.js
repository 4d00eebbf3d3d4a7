// What a view is. It stands apart because views, which are many, need no more of the player.

/**
 * @import { Share } from './link.js'
 * @import { Player } from './player.js'
 * @import { State } from './state.js'
 * @import { Dictionary } from './words/en.js'
 *
 * What a view may ask for.
 * @typedef {Pick<Player, 'generate' | 'compare' | 'goOn' | 'goTo' | 'stop' | 'retry' | 'measure' | 'clear'
 *   | 'flip' | 'setCache' | 'setPace' | 'setLesson' | 'setSounding' | 'setSliding'
 *   | 'replay' | 'skipReplay' | 'setPrompt' | 'setSampling'
 *   | 'resetSampling' | 'inspect' | 'experiment' | 'edit' | 'weigh' | 'useOther'
 *   | 'setKept' | 'useOwn' | 'useShipped' | 'setWhenFull' | 'sizeOf' | 'aside'>} Actions
 *
 * A part of the demo: `mount` fills `root` and returns what shows a state there. It knows its own root, the
 * state and the actions, and no other view but those it brings with it, which it knows by their names; when
 * `signal` aborts, it lets go of everything it listens to.
 * @typedef {(root: HTMLElement, context: Context) => (state: State) => void} Mount
 *
 * @typedef {object} Context
 * @property {Actions} actions
 * @property {AbortSignal} signal
 * @property {Dictionary} words
 * @property {Share} share
 * @property {(name: string, root: HTMLElement, signal: AbortSignal) => ReturnType<Mount>} mountView
 *
 * @typedef {object} View
 * @property {string} name
 * @property {Mount} mount
 * @property {string} [styles]  of a view that is fetched later: what demo.css does not say
 */
export {};
