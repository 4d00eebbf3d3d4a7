// The two lines: tokens per second against position, and what is under the pointer.
import { noCurves } from '../curves.js';
import { element, note, put, say } from '../parts/dom.js';
import { Plot } from '../parts/plot.js';
import { besideOf, engineOf } from '../recorded.js';
import { chartWords, pointWords } from '../words.js';

/** @import { View } from '../view.js' */

/** @type {View} */
export const chart = {
  name: 'chart',
  mount(root, { signal, words }) {
    const box = element('div', { class: 'chart', part: 'chart', role: 'img' });
    const kind = note('');
    const title = element('h2', {}, `${words.chart.title} `, kind);
    const pointed = element('p', { part: 'pointed' });
    root.append(element('figure', { class: 'chart-box' },
      element('figcaption', { class: 'chart-head' }, title, pointed), box));
    let curves = noCurves();
    /** @type {number | null} */
    let position = null;
    const showPoint = () => { // in place of the title
      const said = position === null ? '' : pointWords(words, curves, position);
      say(pointed, said);
      title.classList.toggle('away', said !== '');
    };
    const plot = new Plot(box, { curves }, words, (at) => {
      position = at;
      showPoint();
    }, signal);
    return (state) => {
      curves = state.curves;
      const { status, recorded: shown, race, run } = state;
      const isRunning = status === 'running' || shown?.playing;
      const { position: at } = race?.lanes?.off.run ?? run; // of a race, that of the slower lane
      const config = engineOf(state)?.config;
      plot.show({ curves, config, beside: besideOf(state), position: isRunning ? at : undefined });
      say(kind, shown ? words.recorded.tag : words.chart.scale);
      showPoint();
      put(box, 'aria-label', `${words.chart.means} ${chartWords(words, curves)} ${words.chart.countedMeans}`);
    };
  },
};
