// The text as the cache has it: pages that stay, pages that are there, and pages that are gone, told apart by
// a line under them as well. A page is a node, and is touched when it changes.
import { element, put } from './dom.js';
import { kindOf } from '../window.js';

/** @import { Story } from '../window.js' */

/** @param {string} label */
export function windowText(label) {
  const body = element('p', { class: 'window-story', part: 'window-text', lang: 'en', translate: 'no' });
  const node = element('div', { class: 'window-box', tabindex: 0, role: 'group', 'aria-label': label }, body);
  /** @type {HTMLElement[]} */
  let nodes = [];
  /** @param {Story} story  @param {number} [chosen]  page  @param {boolean} [follows]  to the newest */
  const show = (story, chosen, follows = false) => {
    if (story.pages.length < nodes.length || story.tokens === 0) {
      body.replaceChildren();
      nodes = [];
    }
    for (const [page, text] of story.pages.entries()) {
      const one = nodes[page] ??= body.appendChild(element('span'));
      if (page >= nodes.length - 2 && one.textContent !== text) one.textContent = text;
      put(one, 'class', `window-${kindOf(story, page)}${page === chosen ? ' chosen' : ''}`);
    }
    if (follows) node.scrollTop = node.scrollHeight;
  };
  /** @param {number} page  into view, within the box */
  const reveal = (page) => {
    const one = nodes[page];
    if (one) node.scrollTop = one.offsetTop - node.offsetTop - node.clientHeight / 2;
  };
  /** The page that a click is on. @param {EventTarget | null} target */
  const pageOf = (target) => nodes.findIndex((one) => one === target);
  return { node, show, reveal, pageOf };
}
