// Files and folders that are dropped somewhere.

/** @import { DroppedItem } from '../../files/dropped.js' */

/**
 * @param {HTMLElement | Document} target
 * @param {(items: DroppedItem[]) => void} take
 * @param {AbortSignal} [signal]
 */
export function onDrop(target, take, signal) {
  /** @param {Event} event */
  const heed = (event) => {
    const items = [.../** @type {DragEvent} */ (event).dataTransfer?.items ?? []];
    const isTaken = event.defaultPrevented; // by something further in
    if (isTaken || !items.some(({ kind }) => kind === 'file')) return;
    event.preventDefault(); // or the browser opens them
    if (event.type === 'drop') take(items.flatMap(given));
  };
  target.addEventListener('dragover', heed, { signal });
  target.addEventListener('drop', heed, { signal });
}

/**
 * What can be read later, when the drag itself has nothing more to give: as files/dropped.js would take it.
 * @param {DataTransferItem} item
 */
function given(item) {
  const entry = item.webkitGetAsEntry?.();
  const taken = entry?.isDirectory ? entry : item.getAsFile() ?? entry;
  return taken ? [/** @type {DroppedItem} */ (taken)] : [];
}
