// One cell of the cache map: which it is, its key and its value, as bars and as a table.
import { button, element, put, say, set, uniqueId } from './dom.js';
import { vectorsPlace } from './vectors.js';
import { PAGE } from '../../engine/page.js';
import { kindAt, seenOf } from '../map.js';

/**
 * @import { CacheMap, Cell } from '../map.js'
 * @import { State } from '../state.js'
 * @import { Seen } from '../../worker/messages.js'
 * @import { Vectors } from './vectors.js'
 * @import { MAP } from '../words/map.js'
 * @import { Dictionary } from '../words/en.js'
 *
 * @typedef {(typeof MAP)[string]['cell']} Words
 */

/**
 * The chosen cell.
 * @param {(typeof MAP)[string]} words  @param {Dictionary} dictionary
 * @param {(change?: Partial<Cell>) => void} choose  undefined: the newest  @param {AbortSignal} signal
 */
export function cellPanel({ cell: words }, { format }, choose, signal) {
  const fields = cellFields(words, choose, signal);
  const where = element('p', { class: 'said', part: 'map-cell' });
  const why = element('p', { class: 'note', part: 'map-why' });
  const vectors = vectorsPlace((name, numbers) => (
    words.vector(name, numbers.length, Math.min(...numbers), Math.max(...numbers))));
  const table = tableOf(words, format.measured, signal);
  const node = element('div', { class: 'map-part' }, element('h3', {}, words.title), fields.node, where,
    element('div', { class: 'map-numbers' }, vectors.node, why), table.node);
  /**
   * @param {State} state  @param {CacheMap} map  @param {Cell} cell  @param {boolean} following
   * @param {Seen | null | undefined} seen  null: nothing is to be seen
   * @param {boolean} isComing  a look at this cell
   */
  const show = (state, map, cell, following, seen, isComing) => {
    fields.show(map, cell, following);
    put(where, 'aria-live', following ? 'off' : 'polite'); // it is told where a reader went
    const found = seen ? seenOf(seen, cell, map) : undefined;
    const { prefill, tokens } = state.run;
    const text = found?.text ?? tokens.at(cell.position - (prefill?.tokens ?? 0))?.text;
    const { layer, head, position } = cell;
    const spot = {
      position: position + 1, text: text?.replaceAll('\n', '↵'), layer: layer + 1, head: head + 1,
    };
    const kind = kindAt(map, { layer, position });
    const isEmpty = kind === 'missing' || kind === 'freed' || kind === 'free';
    const page = found?.page === undefined ? undefined : found.page + 1;
    say(where, isEmpty ? words[kind](spot) : words.there(spot, position % PAGE + 1, page));
    const shown = isEmpty ? undefined : found?.vectors;
    const isReady = Boolean(shown || isEmpty || !seen || !isComing);
    put(table.node, 'aria-busy', String(!isReady)); // those of the cell before stay for a moment
    if (isReady) {
      vectors.show(shown);
      table.show(shown);
    }
    say(why, whyNot(words, state, isEmpty || seen !== null, format.size));
  };
  return { node, show };
}

/**
 * Why there are no numbers; nothing where they are there, or on their way.
 * @param {Words} words  @param {State} state  @param {boolean} isFine
 * @param {(bytes: number) => string} size
 */
function whyNot(words, { recorded, download }, isFine, size) {
  if (recorded) return words.recorded(download.total > 0 ? size(download.total) : '');
  return isFine ? '' : words.unseen;
}

/**
 * The fields that name a cell.
 * @param {Words} words
 * @param {(change?: Partial<Cell>) => void} choose  @param {AbortSignal} signal
 */
function cellFields(words, choose, signal) {
  /** @param {string} part  @param {string} name  @param {HTMLElement} input */
  const field = (part, name, input) => {
    const id = uniqueId(part);
    set(input, { id, part });
    return element('p', { class: 'field' }, element('label', { for: id }, name), input);
  };
  const [layer, head] = [element('select'), element('select')];
  const token = element('input', { type: 'number', min: 1, inputmode: 'numeric' });
  const follow = button({ part: 'map-follow' }, words.follow);
  const node = element('div', { class: 'map-fields' }, field('map-layer', words.layer, layer),
    field('map-head', words.head, head), field('map-token', words.token, token), follow);
  layer.addEventListener('change', () => choose({ layer: Number(layer.value) }), { signal });
  head.addEventListener('change', () => choose({ head: Number(head.value) }), { signal });
  token.addEventListener('input', () => {
    const { valueAsNumber: position } = token;
    if (Number.isInteger(position) && position >= 1) choose({ position: position - 1 });
  }, { signal });
  follow.addEventListener('click', () => choose(), { signal });
  /** @param {CacheMap} map  @param {Cell} cell  @param {boolean} following */
  const show = ({ layers, heads }, cell, following) => {
    fillUp(layer, layers, cell.layer);
    fillUp(head, heads, cell.head);
    if (token.valueAsNumber !== cell.position + 1) token.value = String(cell.position + 1);
    put(follow, 'aria-pressed', String(following));
  };
  return { node, show };
}

/** @param {HTMLSelectElement} select  @param {number} count  @param {number} chosen */
function fillUp(select, count, chosen) {
  if (select.length !== count) {
    select.replaceChildren(...Array.from({ length: count }, (_, i) => (
      element('option', { value: i }, `${i + 1}`))));
  }
  if (select.selectedIndex !== chosen) select.selectedIndex = chosen;
}

/**
 * The same to read, folded away.
 * @param {Words} words  @param {(value: number) => string} measured  @param {AbortSignal} signal
 */
function tableOf(words, measured, signal) {
  const body = element('tbody');
  const heads = [words.number, words.key, words.value].map((name) => element('th', { scope: 'col' }, name));
  const table = element('table', { class: 'data-table', part: 'cell-table' },
    element('caption', {}, words.caption), element('thead', {}, element('tr', {}, ...heads)), body);
  const box = element('div',
    { class: 'table-box', tabindex: 0, role: 'group', 'aria-label': words.group }, table);
  const node = element('details', { class: 'fold', part: 'cell-data' },
    element('summary', {}, words.show), box);
  /** @type {Vectors | undefined} */
  let shown;
  const fill = () => {
    if (!node.open) return;
    const count = shown?.keys.length ?? 0;
    while (body.rows.length > count) body.deleteRow(-1);
    for (let i = body.rows.length; i < count; i++) {
      body.append(element('tr', {},
        element('th', { scope: 'row' }, `${i + 1}`), element('td'), element('td')));
    }
    for (const [i, { cells: [, key, value] }] of [...body.rows].entries()) {
      say(key, measured(shown?.keys[i] ?? 0));
      say(value, measured(shown?.values[i] ?? 0));
    }
  };
  node.addEventListener('toggle', fill, { signal });
  return {
    node,
    /** @param {Vectors | undefined} vectors */
    show(vectors) {
      if (vectors === shown) return;
      shown = vectors;
      fill();
    },
  };
}
