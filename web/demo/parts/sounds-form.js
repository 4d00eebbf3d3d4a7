// What a reader does with the view of sounds: a word, words to try, two switches, and how far it is.
import { EXAMPLES } from '../sounds.js';
import { button, element, onStartStop, put, say, uniqueId } from './dom.js';
import { failurePlace } from './failure.js';

/**
 * @import { Failure } from '../failure.js'
 * @import { Way } from '../sounds.js'
 * @import { Context } from '../view.js'
 * @import { SOUNDS } from '../words/sounds.js'
 *
 * @typedef {keyof Way} Name  of a switch
 *
 * @typedef {object} Asks  of the view
 * @property {(word: string) => void} start
 * @property {() => void} stop
 * @property {(name: Name) => void} flip
 * @property {(word: string) => void} typed
 *
 * @typedef {object} Doing
 * @property {string} word
 * @property {'go' | 'stop' | 'skip'} action  what the button does
 * @property {number} bytes  to be downloaded
 * @property {Way} way
 * @property {string} said
 * @property {boolean} isWrong  what is said is a problem
 * @property {boolean} isTicking  what is said changes too often to be told each time
 * @property {Failure} [failure]
 */

const ROOM = 64; // characters: a word that is too long is told

/**
 * @param {(typeof SOUNDS)[string]} said  @param {Pick<Context, 'words' | 'signal'>} context
 * @param {Asks} asks
 */
export function soundsForm(said, { words, signal }, { start, stop, flip, typed }) {
  const [fieldId, stateId] = [uniqueId('word'), uniqueId('sounds-state')];
  const field = element('input', {
    id: fieldId, part: 'sounds-word', type: 'text', maxlength: ROOM, lang: 'en',
    autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', enterkeyhint: 'go',
    'aria-describedby': stateId,
  });
  const [label, size] = [element('span'), element('span', { class: 'size' })];
  const go = button({ class: 'go', part: 'sounds-go' }, label, size);
  const switches = /** @type {const} */ (['cross', 'self']).map((name) => switchOf(said, name, flip, signal));
  const state = element('p', { id: stateId, class: 'sounds-state', part: 'sounds-state', role: 'status' });
  const failure = failurePlace(words);
  const alert = { class: 'error', part: 'sounds-error', role: 'alert', hidden: true };
  const error = element('p', alert, failure.node);
  let isBusy = false; // as the reader sees it
  const begin = () => start(field.value);
  onStartStop(go, () => isBusy, begin, stop, signal);
  field.addEventListener('keydown', ({ key, isComposing }) => {
    if (key === 'Enter' && !isComposing) begin();
  }, { signal });
  field.addEventListener('input', () => typed(field.value), { signal });
  const tries = EXAMPLES.map((word) => {
    const one = button({ part: 'sounds-example', lang: 'en' }, word);
    one.addEventListener('click', () => {
      typed(word);
      start(word);
    }, { signal });
    return one;
  });
  const node = element('div', { class: 'sounds-form' },
    element('label', { for: fieldId }, said.word), element('div', { class: 'sounds-entry' }, field, go),
    element('div', { class: 'examples', role: 'group', 'aria-label': said.examples }, ...tries),
    element('div', { class: 'sounds-switches', role: 'group', 'aria-label': said.switches },
      ...switches.map((each) => each.node)),
    state, error);
  /** @param {Doing} doing */
  const show = (doing) => {
    if (field.value !== doing.word) field.value = doing.word;
    isBusy = doing.action !== 'go';
    say(label, said[doing.action]);
    say(size, doing.bytes > 0 && !isBusy ? ` ${said.downloads(doing.bytes)}` : '');
    for (const each of switches) each.show(doing.way);
    put(field, 'aria-invalid', String(doing.isWrong));
    put(state, 'aria-live', doing.isTicking ? 'off' : 'polite');
    say(state, doing.said);
    state.classList.toggle('problem', doing.isWrong);
    failure.show(doing.failure);
    error.hidden = !doing.failure;
  };
  return { node, show };
}

/**
 * @param {(typeof SOUNDS)[string]} said  @param {Name} name
 * @param {Asks['flip']} flip  @param {AbortSignal} signal
 */
function switchOf(said, name, flip, signal) {
  const word = element('span', { class: 'word', 'aria-hidden': 'true' });
  const node = button({ class: 'switch', part: `sounds-${name}`, role: 'switch' },
    element('span', { class: 'track', 'aria-hidden': 'true' }),
    element('span', { class: 'name' }, `${said[name]} `, word));
  node.addEventListener('click', () => flip(name), { signal });
  /** @param {Way} way */
  const show = (way) => {
    put(node, 'aria-checked', String(way[name]));
    say(word, way[name] ? said.on : said.off);
  };
  return { node, show };
}
