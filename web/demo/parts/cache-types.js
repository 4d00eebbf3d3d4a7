// What was measured of every type of cache: a row for each.
import { element, note } from './dom.js';

/**
 * @import { Caches } from '../../measure/narrow.js'
 * @import { Measured } from '../words/measured.js'
 */

/** @param {Measured} words  @param {Caches} caches */
export function cacheTypes({ benchmark, format: { measured, size } }, { context, tokens, rows }) {
  const { caches: said } = benchmark;
  const heads = [said.type, said.kept, said.decode, said.same, said.kl].map((head) => (
    element('th', { scope: 'col' }, head)));
  const body = rows.map((row, i) => {
    const { median, min, max } = row.decode;
    return element('tr', {}, element('th', { scope: 'row' }, row.type),
      element('td', {}, size(row.bytesPerToken)),
      element('td', {}, measured(median), note(` ${measured(min)}–${measured(max)}`)),
      element('td', {}, i > 0 ? said.share(row.same) : said.exact),
      element('td', {}, i > 0 ? measured(row.kl) : '0'));
  });
  const box = { class: 'table-box', tabindex: 0, role: 'group', 'aria-label': said.title };
  return element('div', { part: 'cache-type-figures' },
    element('h3', {}, said.title), element('p', {}, said.means(context, tokens)),
    element('div', box, element('table', { class: 'data-table' },
      element('caption', { class: 'visually-hidden' }, said.title),
      element('thead', {}, element('tr', {}, ...heads)), element('tbody', {}, ...body))));
}
