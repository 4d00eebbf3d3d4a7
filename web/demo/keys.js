// Keys that are typed in the figure. Hosts (slides, books, documentation) have shortcuts on single keys; they
// look at the document's active element and see no field inside a shadow root. So what belongs to the figure
// does not leave it. Tab, and every key that the figure has no use for, stays the host's.

const MOVES = ['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight', 'Home', 'End', 'PageUp', 'PageDown'];

/** Those that scroll a box or move about in it. */
const SCROLLS = [' ', ...MOVES];
const PRESSES = [' ', 'Enter'];

/**
 * Whether a key means something to the element it is typed in.
 * @param {Element} target  @param {string} key
 */
export function isUsedBy(target, key) {
  if (key === 'Tab') return false;
  if (target.matches('input, textarea, select')) return true;
  if (target.matches('button, summary, a[href]')) return PRESSES.includes(key);
  return target.matches('[tabindex="0"]') && SCROLLS.includes(key);
}

/**
 * Keeps such keys from the host.
 * @param {HTMLElement} figure
 * @param {() => boolean} escape  called for Esc; whether it stopped something
 * @param {AbortSignal} signal
 */
export function keepKeys(figure, escape, signal) {
  /** Down, and the figure's until they are up. @type {Set<string>} */
  const held = new Set();
  /** @param {KeyboardEvent} event */
  const typed = (event) => {
    const { type, key, code } = event;
    const target = /** @type {Element} */ (event.composedPath()[0]);
    const stopped = type === 'keydown' && key === 'Escape' && escape();
    const ours = stopped || isUsedBy(target, key) || (type !== 'keydown' && held.has(code));
    if (ours && type === 'keydown') held.add(code);
    else if (type !== 'keypress') held.delete(code);
    if (ours) event.stopPropagation();
  };
  for (const type of /** @type {const} */ (['keydown', 'keypress', 'keyup'])) {
    figure.addEventListener(type, typed, { signal });
  }
}
