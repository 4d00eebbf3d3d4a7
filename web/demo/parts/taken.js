// A picture of a figure with its caption, as it is now.
import { fileName, sourceOf } from '../caption.js';
import { browser } from '../surroundings.js';
import { FRAME } from '../words/frame.js';
import { element } from './dom.js';
import { pictureOf } from './picture.js';

export { pngOf as png, svgOf as svg } from './picture.js';

/**
 * @import { Context } from '../view.js'
 * @import { Subject } from './tools.js'
 */

/**
 * @param {Pick<Context, 'words' | 'share'>} context  @param {Subject} subject  that can be drawn
 * @returns {Promise<{ file: string, picture: SVGSVGElement }>}  file: its name, without its ending
 */
export async function taken({ words: { lang, format }, share }, { name, title, node, now, draw }) {
  const machine = await browser.describeMachine();
  const { sentence, state } = now();
  const facts = sourceOf(state, { lang, model: share.model, now: browser.now(), machine });
  const source = FRAME[lang].source(facts && { ...facts, day: format.day(facts.day) });
  const studio = element('div', { class: 'visually-hidden', 'aria-hidden': 'true' });
  node.append(studio); // where the style sheet holds
  const drawing = /** @type {NonNullable<typeof draw>} */ (draw)(studio);
  if (!drawing.isConnected) studio.append(drawing);
  const picture = pictureOf(drawing, { title, sentence, source }, node);
  studio.remove();
  return { file: fileName(name, state), picture };
}
