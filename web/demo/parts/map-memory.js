// The memory of the cache map: the formula with the numbers of the run, what is allocated, and what other
// types of numbers would make of it.
import { element, put, say, set, svg } from './dom.js';
import { PAGE } from '../../engine/abi.js';
import { billsOf, ownBill, pagesOf } from '../map.js';

/**
 * @import { Bill, CacheMap } from '../map.js'
 * @import { Dictionary } from '../words/en.js'
 * @import { MAP } from '../words/map.js'
 *
 * @typedef {(typeof MAP)[string]['memory']} Words
 */

/** @param {Words} words  @param {Dictionary['format']} format */
export function memoryMeter(words, { size }) {
  const formula = element('p', { class: 'formula', part: 'map-formula' });
  const meter = bar();
  const rooms = element('p', { part: 'map-rooms' });
  const table = typesOf(words, size);
  const node = element('div', { class: 'map-memory', part: 'map-memory' }, element('h3', {}, words.title),
    formula, meter.node, rooms, table.node);
  /** @param {CacheMap} map */
  const show = (map) => {
    const bill = ownBill(map);
    if (!map.memory || !bill) return;
    const { usedBytes, cacheBytes, totalBytes } = map.memory;
    const { layers, heads, headDim: numbers, tokens, slots } = map;
    const filled = words.formula({ ...bill, layers, heads, numbers, tokens });
    say(formula, `${filled}. ${bill.bytes === usedBytes ? words.same : words.other(usedBytes)}`);
    const { open } = pagesOf(map);
    meter.show(usedBytes / cacheBytes, (tokens + open) / slots, words.bar(usedBytes, cacheBytes));
    const allocated = words.rooms({ allocated: cacheBytes, slots, pages: slots / PAGE, session: totalBytes });
    say(rooms, open > 0 ? `${allocated} ${words.open(open)}` : allocated);
    table.show(billsOf(map), bill);
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
  const cost = element('p', { class: 'note' });
  const table = element('table', { class: 'data-table', part: 'map-types' },
    element('caption', {}, words.caption), element('thead', {}, element('tr', {}, ...heads)), body);
  /** @param {readonly Bill[]} bills  @param {Bill} own */
  const show = (bills, own) => {
    while (body.rows.length < bills.length) {
      body.append(element('tr', {}, element('th', { scope: 'row' }),
        element('td'), element('td'), element('td')));
    }
    for (const [i, { type, bytes, full, cost: each }] of bills.entries()) {
      const [name, now, all, same] = body.rows[i].cells;
      say(name, type === own.type ? `${words.types[type]} (${words.here})` : words.types[type]);
      say(now, bytes > 0 ? size(bytes) : '0');
      say(all, size(full));
      say(same, each ? words.share(each.same) : words.exact);
    }
    const [half, byte] = bills.flatMap((bill) => bill.cost ?? []);
    say(cost, words.cost(half.error, byte.error));
  };
  return { node: element('div', { class: 'map-types' }, table, cost), show };
}
