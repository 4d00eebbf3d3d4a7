// The text of a run, and one of its tokens: the one that is pointed at, or chosen, or else the newest.
import { failureOf } from '../failure.js';
import { Looks } from '../looks.js';
import { engineOf } from '../recorded.js';
import { isApart, languageOf } from '../state.js';
import { deedOn, factorsOf, keyOf, reachIn, sightOf, taleOf } from '../text.js';
import { failureText } from '../words.js';
import { put } from './dom.js';
import { visible } from './story-text.js';
import { tokenCard } from './token-card.js';
import { TokenText } from './token-text.js';

/**
 * @import { Config } from '../../config/config.js'
 * @import { Seen } from '../../worker/messages.js'
 * @import { Wanted } from '../looks.js'
 * @import { Context } from '../view.js'
 * @import { State } from '../state.js'
 * @import { Newest, Sight, Tale } from '../text.js'
 * @import { TEXT } from '../words/text.js'
 * @import { Vectors } from './vectors.js'
 *
 * @typedef {(typeof TEXT)[string]} Words
 * @typedef {{ key: string, vectors?: Vectors }} Found  what a look has brought
 */

export class TokenLook {
  text;
  card;
  #said;
  #words;
  #looks;
  /** @type {State | undefined} */
  #state;
  /** @type {Newest | undefined} */
  #newest;
  /** @type {Readonly<Config> | undefined} */
  #config;
  /** Positions. @type {number | undefined} */
  #pointed;
  /** @type {number | undefined} */
  #chosen;
  /** @type {Tale | undefined} */
  #tale;
  /** @type {Found} */
  #found = { key: '' };
  /** Why nothing was found; '' after the next answer. */
  #failure = '';
  /** @type {Sight | undefined} */
  #sight;

  /** @param {Words} said  @param {Context} context */
  constructor(said, { actions, signal, words }) {
    this.#said = said;
    this.#words = words;
    this.#looks = new Looks(actions, signal, (seen) => this.#take(seen), (error) => this.#fail(error));
    this.card = tokenCard(said.token, words, () => this.#move(), signal);
    this.text = new TokenText(said.group, this.card.id, {
      point: (position) => {
        this.#pointed = position;
        this.#move();
      },
      choose: (position) => {
        this.#chosen = position;
        this.#move();
        this.text.focus();
      },
    }, signal);
  }

  /** K and V that are shown. */
  get vectors() {
    const sight = this.#sight;
    return sight && 'key' in sight && sight.key === this.#found.key ? this.#found.vectors : undefined;
  }

  /** @param {State} state  @param {Newest | undefined} newest */
  show(state, newest) {
    const { run } = state;
    const isNew = !this.text.isOf(run);
    if (run.number !== this.#state?.run.number) this.#looks.forget();
    if (isNew) this.#failure = '';
    if (isNew || (this.#chosen ?? 0) >= (newest?.total ?? 0)) this.#chosen = this.#pointed = undefined;
    const isNext = !isNew && newest !== undefined && newest.step > (this.#newest?.step ?? 0);
    this.#state = state;
    this.#newest = newest;
    this.text.show(run);
    put(this.text.story, 'lang', languageOf(state));
    if (newest) this.text.mark(newest, isNext);
    const config = engineOf(state)?.config;
    if (config && config !== this.#config) this.card.setShape(config);
    this.#config = config;
    this.#move();
  }

  /** Another token, or the same in another state. */
  #move() {
    this.#showToken();
    const [state, sight] = [this.#state, this.#sight];
    this.#looks.want(state && sight && this.#wantedOf(state, sight));
  }

  #showToken() {
    const { token: said, point } = this.#said;
    const [state, newest] = [this.#state, this.#newest];
    this.#sight = undefined;
    if (!state || !newest) {
      return this.card.show({ text: '', lang: '', where: point, deed: '', bytes: '', none: '' });
    }
    const { run, memory } = state;
    const asked = this.#pointed ?? this.#chosen;
    const position = asked ?? newest.total - 1;
    this.text.choose(this.#chosen ?? newest.total - 1, this.#chosen !== undefined);
    const token = this.text.at(run, position);
    const tale = this.#tale = taleOf(run, position, this.#tale, reachIn(state));
    this.#sight = sightOf(state, { position, ...this.card.place }, asked !== undefined);
    const bytes = this.#config && memory && said.bytes(factorsOf(this.#config, memory));
    return this.card.show({
      text: shownText(token?.text ?? '') || said.blank, lang: languageOf(state),
      where: said.at(position + 1, newest.total, token?.id),
      deed: `${said.deeds[deedOn(newest, position)]} ${said.tale(tale.computed, tale.read)}`,
      bytes: bytes ?? '', vectors: this.vectors, none: this.#failure || this.#noneWords(this.#sight),
    });
  }

  /**
   * What is missing: the tokens of the prompt, which are not in the state, and K and V.
   * @param {State} state  @param {Sight} sight
   * @returns {Wanted | undefined}
   */
  #wantedOf(state, sight) {
    const { model, recorded, run: { number, prefill } } = state;
    if (!model || recorded || isApart(state)) return undefined;
    const look = {
      ...(this.text.isWhole && { tokens: { count: prefill?.tokens } }),
      ...(!('none' in sight) && this.#found.key !== sight.key && { vectors: sight.vectors }),
    };
    return Object.keys(look).length > 0 ? { key: JSON.stringify([number, look]), look } : undefined;
  }

  /** @param {Seen} seen */
  #take({ tokens, vectors }) {
    const state = this.#state;
    if (!state) return;
    this.#failure = '';
    if (tokens) this.text.takeApart(tokens);
    if (vectors) this.#found = { key: keyOf(state.run, placeOf(vectors)), vectors };
    this.show(state, this.#newest); // the prompt may be in stretches now
  }

  /** @param {Error & { code?: string }} error */
  #fail(error) {
    const isAway = error.code === 'not_ready'; // another figure of the page writes
    this.#failure = isAway ? this.#said.token.none.away : failureText(this.#words, failureOf(error, true));
    this.#showToken();
  }

  /** Why there are no numbers. @param {Sight} sight */
  #noneWords(sight) {
    const { none } = this.#said.token;
    if (!('none' in sight)) return '';
    return sight.none === 'recorded' ? none.recorded(this.#state?.download.total ?? 0) : none[sight.none];
  }
}

/** Of the one token that was looked at. @param {NonNullable<Seen['vectors']>} vectors */
const placeOf = ({ first, layers: [layer], heads: [head] }) => ({ position: first, layer, head });

/** On one line. @param {string} text */
const shownText = (text) => visible(text).replaceAll('\n', '↵');
