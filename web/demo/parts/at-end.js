// A box that scrolls and stays at its end while its content grows, unless the reader has scrolled back.

const CLOSE = 40; // px: a reader this near the end follows the text

/**
 * @param {HTMLElement} box  scrolls  @param {HTMLElement} content  inside it  @param {AbortSignal} signal
 * @returns {{ follow: (on: boolean) => void }}  off: it stays where it is, wherever that is
 */
export function stayAtEnd(box, content, signal) {
  let may = true;
  let follows = true;
  let end = 0; // where it was put last
  // Both come when the page is laid out already, so that asking for sizes costs nothing.
  box.addEventListener('scroll', () => {
    const { scrollHeight, scrollTop, clientHeight } = box;
    const isClose = scrollHeight - scrollTop - clientHeight < CLOSE;
    // Text that has come since it was put there is no reader who has scrolled back.
    follows = may && (isClose || (follows && Math.abs(scrollTop - end) <= 1));
  }, { signal, passive: true });
  const grown = new ResizeObserver(() => {
    if (!follows) return;
    box.scrollTop = box.scrollHeight;
    end = box.scrollTop;
  });
  grown.observe(content);
  signal.addEventListener('abort', () => grown.disconnect());
  return { follow: (on) => { may = follows = on; } };
}
