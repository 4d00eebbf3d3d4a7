// The text of a run, and one of its tokens: the one that is pointed at, or chosen, or else the newest.
import { failureOf } from '../failure.js';
import { Looks } from '../looks.js';
import { engineOf } from '../recorded.js';
import { deedOn, factorsOf, sightOf, taleOf } from '../text.js';
import { failureText } from '../words.js';
import { visible } from './story-text.js';
import { tokenCard } from './token-card.js';
import { TokenText } from './token-text.js';

/**
 * @import { Config } from '../../config/config.js'
 * @import { Wish } from '../looks.js'
 * @import { Context } from '../player.js'
 * @import { State } from '../state.js'
 * @import { Newest, Sight, Tale } from '../text.js'
 * @import { TEXT } from '../words/text.js'
 * @import { Vectors } from './vectors.js'
 *
 * @typedef {(typeof TEXT)[string]} Words
 * @typedef {{ key: string, vectors?: Vectors, error?: unknown }} Found  what a look has brought
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
  /** The run whose prompt was asked for, by number. */
  #asked = 0;

  /** @param {Words} said  @param {Context} context */
  constructor(said, { actions, signal, words }) {
    this.#said = said;
    this.#words = words;
    this.#looks = new Looks((fields) => actions.inspect(fields), signal);
    this.card = tokenCard(said.token, words, () => this.#showToken(), signal);
    this.text = new TokenText(said.group, this.card.id, {
      point: (position) => {
        this.#pointed = position;
        this.#showToken();
      },
      choose: (position) => {
        this.#chosen = position;
        this.#showToken();
        this.text.focus();
      },
    }, signal);
  }

  /** K and V that are shown. */
  get vectors() {
    return this.#found.vectors;
  }

  /** @param {State} state  @param {Newest | undefined} newest */
  show(state, newest) {
    const { run } = state;
    const isNew = run.number !== this.#state?.run.number;
    if (isNew || (this.#chosen ?? 0) >= (newest?.total ?? 0)) this.#chosen = this.#pointed = undefined;
    const isNext = !isNew && newest !== undefined && newest.step > (this.#newest?.step ?? 0);
    this.#state = state;
    this.#newest = newest;
    this.text.show(run);
    if (newest) this.text.mark(newest, isNext);
    const config = engineOf(state)?.config;
    if (config && config !== this.#config) this.card.setShape(config);
    this.#config = config;
    this.#showToken();
  }

  #showToken() {
    const { token: said, point } = this.#said;
    const [state, newest] = [this.#state, this.#newest];
    if (!state || !newest) {
      this.#looks.want();
      return this.card.show({ text: '', where: point, deed: '', bytes: '', none: '' });
    }
    const { run, memory } = state;
    const asked = this.#pointed ?? this.#chosen;
    const position = asked ?? newest.total - 1;
    this.text.choose(this.#chosen ?? newest.total - 1, this.#chosen !== undefined);
    const token = this.text.at(run, position);
    const tale = this.#tale = taleOf(run, position, this.#tale);
    const sight = sightOf(state, { position, ...this.card.place }, asked !== undefined);
    this.#lookAt(state, sight);
    const bytes = this.#config && memory && said.bytes(factorsOf(this.#config, memory));
    return this.card.show({
      text: shownText(token?.text ?? '') || said.blank,
      where: said.at(position + 1, newest.total, token?.id),
      deed: `${said.deeds[deedOn(newest, position)]} ${said.tale(tale.computed, tale.read)}`,
      bytes: bytes ?? '', vectors: this.#found.vectors, none: this.#noneWords(sight),
    });
  }

  /**
   * Asks for what is missing: first the tokens of the prompt, then K and V.
   * @param {State} state  @param {Sight} sight
   */
  #lookAt(state, sight) {
    const key = 'none' in sight ? sight.none : sight.key;
    if (this.#found.key !== key) this.#found = { key: '' };
    const isHere = state.model && !state.recorded;
    const isNews = isHere && this.text.isWhole && this.#asked !== state.run.number;
    if (isNews) this.#looks.want(this.#promptOf(state));
    else if ('none' in sight || this.#found.key === key) this.#looks.want();
    else this.#looks.want(this.#vectorsAt(sight));
  }

  /** @param {State} state  @returns {Wish} */
  #promptOf({ run: { number, prefill } }) {
    const answered = () => {
      this.#asked = number;
      if (this.#state && this.#state.run.number === number) this.show(this.#state, this.#newest);
    };
    return {
      key: `prompt ${number}`,
      fields: { tokens: { first: 0, count: prefill?.tokens } },
      show: ({ tokens = [] }) => {
        this.text.takeApart(tokens);
        answered();
      },
      fail: answered, // it stays one piece; the next look says why
    };
  }

  /** @param {Extract<Sight, { key: string }>} sight  @returns {Wish} */
  #vectorsAt({ key, fields }) {
    /** @param {Found} found */
    const find = (found) => {
      this.#found = found;
      this.#showToken();
    };
    return {
      key, fields,
      show: ({ vectors }) => find({ key, vectors }),
      fail: (error) => find({ key, error }),
    };
  }

  /** Why there are no numbers. @param {Sight} sight */
  #noneWords(sight) {
    const { none } = this.#said.token;
    const { error } = this.#found;
    if (error) {
      const failure = failureOf(error, true);
      return failure.code === 'not_ready' ? none.away : failureText(this.#words, failure);
    }
    if (!('none' in sight)) return '';
    return sight.none === 'recorded' ? none.recorded(this.#state?.download.total ?? 0) : none[sight.none];
  }
}

/** On one line. @param {string} text */
const shownText = (text) => visible(text).replaceAll('\n', '↵');
