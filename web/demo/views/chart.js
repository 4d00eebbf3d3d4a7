// The two lines: tokens per second against position, and what they say.
import { lengthOfCurves, noCurves } from '../curves.js';
import { button, element, note, put, say } from '../parts/dom.js';
import { Plot } from '../parts/plot.js';
import { isWorking } from '../state.js';
import { chartWords, pointWords } from '../words.js';

/** @import { View } from '../player.js' */

/** @type {View} */
export const chart = {
  name: 'chart',
  mount(root, { actions, signal, words }) {
    const clear = button({ class: 'quiet', part: 'clear' }, words.chart.clear);
    const box = element('div', { class: 'chart', part: 'chart', role: 'img' });
    const caption = element('figcaption', { part: 'caption' });
    const title = element('h2', {}, `${words.chart.title} `, note(words.chart.scale));
    const head = element('div', { class: 'chart-head' }, title, clear);
    root.append(element('figure', { class: 'chart-box' }, head, box, caption));
    clear.addEventListener('click', () => actions.clear(), { signal }); // does nothing during a run
    let curves = noCurves();
    /** @type {number | null} */
    let pointed = null;
    let meaning = '';
    const showCaption = () => (
      say(caption, (pointed !== null && pointWords(words, curves, pointed)) || meaning));
    const plot = new Plot(box, curves, words, (position) => {
      pointed = position;
      showCaption();
    }, signal);
    return (state) => {
      curves = state.curves;
      meaning = chartWords(words, curves);
      plot.show(curves);
      showCaption();
      put(box, 'aria-label', `${words.chart.means} ${meaning}`);
      const idle = isWorking(state) || lengthOfCurves(curves) === 0;
      put(clear, 'aria-disabled', String(idle)); // disabled, it would lose the focus
    };
  },
};
