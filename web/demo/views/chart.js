// The two lines: tokens per second against position, and what is under the pointer.
import { noCurves } from '../curves.js';
import { element, note, put, say } from '../parts/dom.js';
import { Plot } from '../parts/plot.js';
import { CHART_NAMES, chartWords, pointWords } from '../words.js';

/** @import { View } from '../player.js' */

/** @type {View} */
export const chart = {
  name: 'chart',
  mount(root, { signal }) {
    const box = element('div', { class: 'chart', part: 'chart', role: 'img' });
    const title = element('h2', {}, 'Tokens per second ', note('(log scale)'));
    const pointed = element('p', { part: 'pointed' });
    root.append(element('figure', { class: 'chart-box' },
      element('figcaption', { class: 'chart-head' }, title, pointed), box));
    let curves = noCurves();
    /** @type {number | null} */
    let position = null;
    const showPoint = () => { // in place of the title
      const words = position === null ? '' : pointWords(curves, position);
      say(pointed, words);
      title.classList.toggle('away', words !== '');
    };
    const plot = new Plot(box, { curves }, CHART_NAMES, (at) => {
      position = at;
      showPoint();
    }, signal);
    return (state) => {
      curves = state.curves;
      plot.show({ curves, position: state.status === 'running' ? state.run.position : undefined });
      showPoint();
      put(box, 'aria-label', `Chart of tokens per second against position. ${chartWords(curves)}`);
    };
  },
};
