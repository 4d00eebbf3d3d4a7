/// <reference path="../css.d.ts" />
// The frame of a figure: what it is called, what it means, the drawing, what is seen in it, the same as a
// table, and what may be taken away.
import { sourceOf } from '../recorded.js';
import { gapAt, heldTo, slideOf } from '../sliding.js';
import { FRAME } from '../words/frame.js';
import { element, note, put, say } from './dom.js';
import styles from './figure.css' with { type: 'text' };
import { toolsOf } from './tools.js';

/**
 * @import { Context } from '../view.js'
 * @import { State } from '../state.js'
 * @import { Subject } from './tools.js'
 *
 * @typedef {object} Table  made only while it is open
 * @property {string} caption
 * @property {readonly string[]} heads
 * @property {() => readonly (readonly string[])[]} rows  the first cell of each is its head
 *
 * @typedef {object} Framed
 * @property {string} name    of the view, and of the drawing's part
 * @property {string} title   what one sees
 * @property {string} means   in one sentence
 * @property {Element} drawing
 * @property {boolean} [interactive]  the drawing has something to be pointed at
 * @property {Subject['draw']} [picture]  of a drawing that is no SVG, made when it is wanted
 * @property {Node} [controls]  stand above the drawing
 * @property {Table} [table]
 */

/** The style sheet of a view in a frame. @param {string} own */
export const framedStyles = (own) => `${styles}${own}`;

/**
 * @param {Pick<Context, 'signal' | 'words' | 'share'>} context
 * @param {Framed} framed
 */
export function framed(context, { name, title, means, drawing, interactive, picture, controls, table }) {
  const { signal, words } = context;
  const recorded = note(words.recorded.tag);
  const role = interactive ? 'group' : 'img';
  const box = element('div', { class: 'drawing', part: name, role }, drawing);
  const sentence = element('p', { class: 'said', part: `${name}-said` });
  const twin = table && tableOf(name, table, FRAME[words.lang].table, signal);
  /** @type {State | undefined} */
  let shown;
  const crossed = element('p', { class: 'note', part: `${name}-besides`, hidden: true });
  const node = element('figure', { class: `framed ${name}` },
    element('figcaption', {},
      element('h2', {}, `${title} `, recorded), element('p', { class: 'means' }, means)),
    ...(controls ? [controls] : []), box, sentence, crossed, ...(twin ? [twin.node] : []));
  const draw = picture ?? (drawing instanceof SVGSVGElement ? () => drawing : undefined);
  const now = () => ({ sentence: sentence.textContent ?? '', state: shown });
  const { tools, news, field } = toolsOf(context, { name, title, node, now, draw });
  node.append(element('p', { class: 'actions tools' }, ...tools, news), field);
  /**
   * What is seen now.
   * @param {string} said
   * @param {State} [state]  if it is of a run: the newest, or the recorded one
   * @param {boolean} [isRecorded]
   */
  const show = (said, state, isRecorded = state?.recorded !== undefined) => {
    shown = state;
    say(sentence, said);
    const more = state ? besidesOf(FRAME[words.lang], state) : '';
    crossed.hidden = more === '';
    say(crossed, more);
    put(box, 'aria-label', `${title}. ${said}`);
    recorded.hidden = !isRecorded;
    twin?.show();
  };
  return { node, sentence, show };
}

/**
 * What a reader has to know of any picture of this state: of a source, or of a text past its context.
 * @param {(typeof FRAME)[string]} said  @param {State} state
 */
function besidesOf(said, state) {
  const { memory } = state;
  const source = sourceOf(state);
  if (source) return said.crossed(source, memory?.crossUsedBytes ?? 0);
  const { first, end } = gapAt(heldTo(state), slideOf(state));
  return end > first ? said.slid(end - first, first, memory?.cacheBytes ?? 0) : '';
}

/**
 * Folded away.
 * @param {string} name  @param {Table} table  @param {string} summary  @param {AbortSignal} signal
 */
function tableOf(name, { caption, heads, rows }, summary, signal) {
  const body = element('tbody');
  const head = element('tr', {}, ...heads.map((each) => element('th', { scope: 'col' }, each)));
  const table = element('table', { class: 'data-table', part: `${name}-table` },
    element('caption', {}, caption), element('thead', {}, head), body);
  const attributes = { class: 'table-box', tabindex: 0, role: 'group', 'aria-label': caption };
  const node = element('details', { class: 'fold', part: `${name}-data` },
    element('summary', {}, summary), element('div', attributes, table));
  const show = () => {
    if (!node.open) return;
    const wanted = rows();
    while (body.rows.length > wanted.length) body.deleteRow(-1);
    for (const [i, cells] of wanted.entries()) {
      const row = body.rows[i] ?? body.appendChild(rowOf(cells.length));
      for (const [j, cell] of cells.entries()) say(row.cells[j], cell);
    }
  };
  node.addEventListener('toggle', show, { signal });
  return { node, show };
}

/** @param {number} cells */
const rowOf = (cells) => element('tr', {}, element('th', { scope: 'row' }),
  ...Array.from({ length: cells - 1 }, () => element('td')));
