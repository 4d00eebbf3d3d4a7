/// <reference path="../css.d.ts" />
// How much memory a cache takes: of models of which people talk, and of the one that is here. Computed, so it
// works without a model.
import { CACHE_TYPES, TYPE_NAMES, keptNumbers, scaleBytes } from '../../cache/types.js';
import { BATCHES, CLAIMS, CONTEXTS, MODELS, cacheSize, ownModel, sizesByType } from '../cache-size.js';
import { element, note, put, say, set, svg, uniqueId } from '../parts/dom.js';
import { framed, framedStyles } from '../parts/figure.js';
import { engineOf } from '../recorded.js';
import { CALCULATOR } from '../words/calculator.js';
import styles from './calculator.css' with { type: 'text' };

/**
 * @import { Config } from '../../config/config.js'
 * @import { Claim, Question, Sized } from '../cache-size.js'
 * @import { View } from '../view.js'
 * @import { Dictionary } from '../words/en.js'
 *
 * @typedef {(typeof CALCULATOR)[string]} Words
 */

const FIRST = 'Llama 3.1 8B';
const WIDTH = 560; // px of a picture of the bars

/** @type {View} */
export const calculator = {
  name: 'calculator',
  styles: framedStyles(styles),
  mount(root, context) {
    const { signal, words } = context;
    const said = CALCULATOR[words.lang];
    const form = formOf(said, words.format.counted);
    const table = tableOf(said, words);
    const frame = framed(context, {
      name: 'calculator', title: said.title, means: said.lead, controls: form.node, drawing: table.node,
      interactive: true, picture: table.picture,
    });
    set(frame.sentence, { role: 'status' });
    root.append(frame.node);
    const types = typesOf(said, words);
    frame.sentence.after(...types.nodes);
    frame.node.append(...claimsOf(said, words.format));
    const show = () => {
      const question = form.read();
      const chosen = table.show(question);
      types.show(chosen, question);
      frame.show(explained(said, chosen, question));
    };
    frame.node.addEventListener('change', show, { signal });
    show();
    /** @type {Readonly<Config> | undefined} */
    let config;
    return (state) => {
      const now = engineOf(state)?.config;
      if (now === config) return;
      config = now;
      table.setOwn(now && ownModel(state.other?.name ?? said.own, now));
      show();
    };
  },
};

/**
 * What is asked.
 * @param {Words} words  @param {(value: number) => string} counted
 */
function formOf({ fields, type: typeWords }, counted) {
  /**
   * @param {string} part  @param {string} name
   * @param {readonly (readonly [value: number | string, words: string])[]} options
   * @param {number | string} chosen
   */
  const choice = (part, name, options, chosen) => {
    const id = uniqueId(part);
    const select = element('select', { id, part }, ...options.map(([value, words]) => (
      element('option', { value, selected: value === chosen }, words))));
    return { select, node: element('p', { class: 'field' }, element('label', { for: id }, name), select) };
  };
  /** @param {string} part  @param {string} name */
  const tick = (part, name) => {
    const input = element('input', { type: 'checkbox', part, checked: true });
    return { input, node: element('label', {}, input, name) };
  };
  const numbers = (/** @type {readonly number[]} */ list) => (
    list.map((value) => /** @type {const} */ ([value, counted(value)])));
  const tokens = choice('cache-tokens', fields.tokens, numbers(CONTEXTS), 8192);
  const texts = choice('cache-texts', fields.texts, numbers(BATCHES), 1);
  const type = choice('cache-type', fields.type,
    TYPE_NAMES.map((each) => [each, typeWords(each, CACHE_TYPES[each])]), 'f16');
  const shared = tick('cache-shared', fields.shared);
  const windowed = tick('cache-windowed', fields.windowed);
  return {
    node: element('div', { class: 'fields' }, tokens.node, texts.node, type.node,
      element('div', { class: 'ticks' }, shared.node, windowed.node)),
    /** @returns {Question} */
    read: () => ({
      tokens: Number(tokens.select.value), texts: Number(texts.select.value),
      type: /** @type {Question['type']} */ (type.select.value),
      shared: shared.input.checked, windowed: windowed.input.checked,
    }),
  };
}

/**
 * A row for each model, one of them chosen: a bar to look at, and its numbers.
 * @param {Words} words  @param {Dictionary} dictionary
 */
function tableOf(words, { format: { size } }) {
  const group = uniqueId('model');
  let rows = MODELS.map((model) => rowOf(model, group, model.name === FIRST));
  const body = element('tbody', {}, ...rows.map(({ node }) => node));
  const node = element('table', { class: 'models', part: 'cache-sizes' },
    element('caption', { class: 'visually-hidden' }, words.caption),
    element('thead', {}, element('tr', {}, ...[words.model, words.perToken, words.whole].map((name) => (
      element('th', { scope: 'col' }, name))))), body);
  /** @param {Question} question  @returns {Sized}  the one that is chosen */
  const show = (question) => {
    const answers = rows.map(({ model }) => cacheSize(model, question));
    const most = Math.max(...answers.map(({ bytes }) => bytes));
    for (const [i, { bar, limit, cells: [perToken, whole] }] of rows.entries()) {
      const { bytes, bytesPerToken, tokens } = answers[i];
      put(bar, 'width', String(Math.max(0.2, 100 * bytes / most)));
      say(limit, tokens < question.tokens ? words.atMost(tokens) : '');
      limit.hidden = tokens === question.tokens;
      say(perToken, size(bytesPerToken));
      say(whole, size(bytes));
    }
    return (rows.find(({ radio }) => radio.checked) ?? rows[0]).model;
  };
  /** @param {Sized | undefined} own  stands first */
  const setOwn = (own) => {
    const others = rows.filter(({ model }) => MODELS.includes(model));
    rows = own ? [rowOf(own, group, !others.some(({ radio }) => radio.checked)), ...others] : others;
    if (!rows.some(({ radio }) => radio.checked)) rows[0].radio.checked = true;
    body.replaceChildren(...rows.map((row) => row.node));
  };
  return { node, show, setOwn, picture: () => pictureOf(rows) };
}

/** @param {Sized} model  @param {string} group  @param {boolean} checked */
function rowOf(model, group, checked) {
  const radio = element('input', { type: 'radio', name: group, checked });
  const bar = svg('rect', { height: 1 });
  const shape = { viewBox: '0 0 100 1', preserveAspectRatio: 'none', 'aria-hidden': 'true' };
  const picture = svg('svg', shape, bar);
  const limit = note('');
  const cells = [element('td'), element('td')];
  const node = element('tr', {}, element('th', { scope: 'row' },
    element('label', {}, radio, model.name), limit, picture), ...cells);
  return { model, radio, bar, limit, cells, node };
}

/** The bars with names and sizes. @param {readonly ReturnType<typeof rowOf>[]} rows */
function pictureOf(rows) {
  const lines = rows.flatMap(({ model, radio, bar, cells: [, whole] }, i) => {
    const y = 48 * i;
    const kind = radio.checked ? 'chosen' : '';
    const width = WIDTH * Number(bar.getAttribute('width')) / 100;
    return [
      svg('text', { x: 0, y: y + 18, class: kind }, model.name),
      svg('text', { x: WIDTH, y: y + 18, class: kind, 'text-anchor': 'end' }, whole.textContent ?? ''),
      svg('rect', { x: 0, y: y + 26, width, height: 8, class: kind }),
    ];
  });
  const size = { width: WIDTH, height: 48 * rows.length, class: 'bars-picture' };
  return /** @type {SVGSVGElement} */ (svg('svg', size, ...lines));
}

/**
 * The formula with the numbers of a model, and what its heads and window save.
 * @param {Words} words  @param {Sized} model  @param {Question} question
 */
function explained(words, { name, sizes }, question) {
  const { type, texts, shared, windowed } = question;
  const { parts, heads, bytes, crossBytesPerToken: cross } = cacheSize({ name, sizes }, question);
  const { headDim, nHead, nKvHead, window } = sizes;
  const { each } = CACHE_TYPES[type];
  const [scale, numbers] = [scaleBytes(type, headDim), keptNumbers(type, headDim)];
  const filled = { parts, heads, numbers, each, scale, texts, bytes };
  const remarks = [];
  if (nKvHead === nHead) remarks.push(words.separate);
  else if (shared) remarks.push(words.unshared(nHead, nKvHead));
  if (window && windowed) remarks.push(words.window(window.layers.length, window.size));
  if (cross > 0) remarks.push(words.cross(cross));
  return `${name}: ${[`${words.formula(filled)}.`, ...remarks].join(' ')}`;
}

/** A row for each type of the model that is chosen. @param {Words} words  @param {Dictionary} dictionary */
function typesOf(words, { format: { size } }) {
  const caption = element('caption');
  const rows = TYPE_NAMES.map((type) => {
    const cells = [element('td'), element('td'), element('td')];
    const name = words.type(type, CACHE_TYPES[type]);
    return { cells, node: element('tr', {}, element('th', { scope: 'row' }, name), ...cells) };
  });
  const heads = [words.stored, words.perToken, words.whole, words.ofFirst].map((name) => (
    element('th', { scope: 'col' }, name)));
  const table = element('table', { class: 'data-table', part: 'cache-by-type' },
    caption, element('thead', {}, element('tr', {}, ...heads)),
    element('tbody', {}, ...rows.map(({ node }) => node)));
  /** @param {Sized} model  @param {Question} question */
  const show = (model, question) => {
    say(caption, words.byType(model.name));
    const answers = sizesByType(model, question);
    for (const [i, { type, bytesPerToken, bytes }] of answers.entries()) {
      const [perToken, whole, share] = rows[i].cells;
      say(perToken, size(bytesPerToken));
      say(whole, size(bytes));
      say(share, words.percent(bytes / answers[0].bytes));
      put(rows[i].node, 'class', type === question.type ? 'chosen' : '');
    }
  };
  return { nodes: [table, element('p', { class: 'note' }, words.cost)], show };
}

/** @param {Words} words  @param {Dictionary['format']} format */
function claimsOf({ claims: words, percent }, { size, counted }) {
  /** @param {Claim['right']} right */
  const value = (right) => {
    if ('bytes' in right) return size(right.bytes);
    return 'share' in right ? percent(right.share) : counted(right.count);
  };
  /** @param {Claim} claim */
  const item = ({ key, said, source, url, right }) => element('li', {},
    element('p', {}, element('q', { lang: 'en', translate: 'no' }, said), ' ',
      note(`${words[key].of}, `), element('a', { href: url }, source)),
    element('p', {}, element('strong', {}, `${words.right}: ${value(right)}`), `. ${words[key].why}`));
  return [element('h3', {}, words.title), element('ul', { part: 'cache-claims' }, ...CLAIMS.map(item))];
}
