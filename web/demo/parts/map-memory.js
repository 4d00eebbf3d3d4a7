// The memory of the cache map: the formula with the numbers of the run, what is allocated, and what other
// types of numbers would make of it.
import { element, put, say, set, svg } from './dom.js';
import { askPlace } from './map-ask.js';
import { TYPE_NAMES } from '../../cache/types.js';
import { PAGE } from '../../engine/page.js';
import { SHIPPED } from '../attributes.js';
import { billsOf, ownBill, pagesOf } from '../map.js';
import { shippedOf } from '../state.js';

/**
 * @import { SeenStored } from '../../worker/seen.js'
 * @import { Bill, CacheMap } from '../map.js'
 * @import { Actions } from '../view.js'
 * @import { State } from '../state.js'
 * @import { Dictionary } from '../words/en.js'
 * @import { MAP } from '../words/map.js'
 *
 * @typedef {(typeof MAP)[string]['memory']} Words
 */

/**
 * @param {(typeof MAP)[string]} said  @param {Dictionary['format']} format
 * @param {Pick<Actions, 'inspect'>} actions  @param {AbortSignal} signal
 */
export function memoryMeter({ ask: asking, memory: words }, { size }, actions, signal) {
  const formula = element('p', { class: 'formula', part: 'map-formula' });
  const meter = bar();
  const rooms = element('p', { part: 'map-rooms' });
  const table = typesOf(words, size);
  const ask = async () => (await actions.inspect({ stored: {} })).stored;
  const place = askPlace('map-measure', asking, ask, table.take, signal);
  const node = element('div', { class: 'map-part', part: 'map-memory' }, element('h3', {}, words.title),
    formula, meter.node, rooms, table.node, place.node);
  /** @param {State} state  @param {CacheMap} map */
  const show = (state, map) => {
    place.show(state, map.text, words.measure);
    const bill = ownBill(map);
    if (!map.memory || !bill) return;
    const { usedBytes, freedBytes, cacheBytes, totalBytes, bytesPerToken } = map.memory;
    const { layers, heads, headDim: numbers, held: tokens, slots } = map;
    const bytes = bill.perToken * tokens;
    const isSame = bytes === usedBytes + freedBytes;
    const given = freedBytes > 0 ? `${words.given(freedBytes, usedBytes)} ` : '';
    say(formula, `${words.formula({ ...bill, layers, heads, numbers, tokens, bytes })}. ${given}`
      + (isSame ? words.same : words.other(usedBytes)));
    const { open } = pagesOf(map);
    const begun = Math.min(1, (usedBytes + open * bytesPerToken) / cacheBytes);
    meter.show(usedBytes / cacheBytes, begun, words.bar(usedBytes, cacheBytes));
    const allocated = words.rooms({ allocated: cacheBytes, slots, pages: slots / PAGE, session: totalBytes });
    say(rooms, [allocated, ...(cacheBytes < slots * bytesPerToken ? [words.fewer] : []),
      ...(open > 0 ? [words.open(open)] : [])].join(' '));
    table.show(billsOf(map), bill, shippedOf(state) === SHIPPED[0]);
  };
  return { node, show };
}

/** How much of what is allocated is in use. */
function bar() {
  const [used, begun] = ['map-read', 'map-begun'].map((name) => svg('rect', { class: name, height: 1 }));
  const shape = { class: 'map-meter', viewBox: '0 0 1 1', preserveAspectRatio: 'none', role: 'img' };
  const node = svg('svg', shape, begun, used);
  /**
   * @param {number} share  @param {number} withPage  that and the rest of the newest page
   * @param {string} words
   */
  const show = (share, withPage, words) => {
    set(used, { width: share });
    set(begun, { width: withPage });
    put(node, 'aria-label', words);
  };
  return { node, show };
}

/**
 * The same cache in each type.
 * @param {Words} words  @param {(bytes: number) => string} size
 */
function typesOf(words, size) {
  const heads = [words.type, words.now, words.full, words.same1].map((name) => (
    element('th', { scope: 'col' }, name)));
  const body = element('tbody');
  const cost = element('p', { class: 'note', part: 'map-cost' });
  const table = element('table', { class: 'data-table', part: 'map-types' },
    element('caption', {}, words.caption), element('thead', {}, element('tr', {}, ...heads)), body);
  /** Measured on the text of the run. @type {readonly SeenStored[] | undefined} */
  let measured;
  /** @type {readonly Bill[]} */
  let shown = [];
  let isOwn = true; // the figure's own model, of which the cost is known
  const tell = () => {
    const known = isOwn ? shown : [];
    const costs = measured ?? known.flatMap(({ type, cost: each }) => (each ? { type, ...each } : []));
    put(cost, 'aria-live', measured ? 'polite' : 'off');
    say(cost, measured ? words.here(measured[0].tokens, costs)
      : costs.length > 0 ? `${words.only} ${words.cost(costs)}` : words.only);
    for (const [i, { type, cost: usual }] of shown.entries()) {
      const found = measured?.find((each) => each.type === type);
      const { cells } = body.rows[i];
      const same = found ? found.same / found.tokens : isOwn ? usual?.same : undefined;
      say(cells[3], type === TYPE_NAMES[0] ? words.exact : same === undefined ? '' : words.share(same));
    }
  };
  /** @param {readonly Bill[]} bills  @param {Bill} own  @param {boolean} isKnown */
  const show = (bills, own, isKnown) => {
    isOwn = isKnown;
    while (body.rows.length < bills.length) {
      body.append(element('tr', {}, element('th', { scope: 'row' }),
        element('td'), element('td'), element('td')));
    }
    for (const [i, { type, bytes, full }] of bills.entries()) {
      const [name, now, all] = body.rows[i].cells;
      say(name, type === own.type ? `${type} (${words.own})` : type);
      say(now, bytes > 0 ? size(bytes) : '0');
      say(all, size(full));
    }
    shown = bills;
    tell();
  };
  /** @param {readonly SeenStored[] | undefined} news */
  const take = (news) => {
    measured = news;
    tell();
  };
  return { node: element('div', { class: 'map-types' }, table, cost), show, take };
}
