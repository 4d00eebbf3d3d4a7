// The drawing of letters and sounds, in which a step is chosen: by a click, or by keys.
import { currentOf, pictureOf, stepAt, stepWords, stepsOf } from '../sounds-shown.js';
import { element, put } from './dom.js';

/**
 * @import { Shown } from '../sounds-shown.js'
 * @import { SOUNDS } from '../words/sounds.js'
 * @import { soundsDrawing } from './sounds-drawing.js'
 */

/**
 * @param {(typeof SOUNDS)[string]} said  @param {ReturnType<typeof soundsDrawing>} drawing
 * @param {(step: number) => void} choose  @param {AbortSignal} signal
 */
export function soundsSlider(said, drawing, choose, signal) {
  const node = element('div', {
    class: 'sounds-box', part: 'sounds-steps', role: 'slider', tabindex: 0, 'aria-label': said.steps,
    'aria-valuemin': 1, 'aria-orientation': 'vertical',
  }, drawing.node);
  /** @type {Shown | undefined} */
  let shown;
  /** @param {number} step */
  const go = (step) => {
    if (shown && step >= 0 && step < stepsOf(shown)) choose(step);
  };
  node.addEventListener('click', ({ clientY }) => {
    go(drawing.rowAt(clientY - drawing.node.getBoundingClientRect().top));
  }, { signal });
  node.addEventListener('keydown', (event) => {
    const to = shown && stepAt(shown, event.key);
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault(); // of scrolling
    go(to);
  }, { signal });
  /** @param {Shown} now */
  const show = (now) => {
    shown = now;
    drawing.show(pictureOf(said, now), node.clientWidth);
    put(node, 'aria-valuemax', String(Math.max(1, stepsOf(now))));
    put(node, 'aria-valuenow', String(Math.max(1, currentOf(now) + 1)));
    put(node, 'aria-valuetext', stepWords(said, now));
  };
  return { node, show };
}
