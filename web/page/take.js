// Buttons that copy a link to the page as it stands, or code that brings its figure to another page.
import { embedCode, linkTo, parseState } from '../demo/link.js';

/** @import { EmbedKind } from '../demo/link.js' */

const COPIED = { link: 'The link', tag: 'The tag and its script', iframe: 'The iframe' };

/** @typedef {keyof typeof COPIED} Copied */

/**
 * @param {HTMLElement} root  has the buttons, a line for what happened, and a place for what was copied
 * @param {() => string} state  of the figure, as it travels in an address
 */
export function offerCode(root, state) {
  const code = /** @type {HTMLElement} */ (root.querySelector('pre'));
  const words = /** @type {HTMLElement} */ (root.querySelector('[role="status"]'));
  root.addEventListener('toggle', () => hideAbsent(root), { once: true });
  root.addEventListener('click', async ({ target }) => {
    const what = /** @type {Copied | undefined} */ (/** @type {HTMLElement} */ (target).dataset.copy);
    if (!what) return;
    const text = textFor(what, state());
    code.hidden = false;
    code.textContent = text;
    try {
      await navigator.clipboard.writeText(text);
      words.textContent = `${COPIED[what]} is on your clipboard:`;
    } catch { // not everywhere allowed, as in a frame or over http
      getSelection()?.selectAllChildren(code);
      words.textContent = `${COPIED[what]}, marked below: copy it with Ctrl+C or ⌘C.`;
    }
  });
}

/** A site may go without its large files. @param {HTMLElement} root */
async function hideAbsent(root) {
  for (const link of root.querySelectorAll('a')) {
    const { ok } = await fetch(link.href, { method: 'HEAD' }).catch(() => ({ ok: false }));
    link.hidden = !ok;
  }
}

/** @param {Copied} what  @param {string} state */
function textFor(what, state) {
  const folder = new URL('.', document.baseURI).href;
  if (what !== 'link') return embedCode(/** @type {EmbedKind} */ (what), parseState(state), folder);
  return linkTo(location.href, parseState(state));
}
