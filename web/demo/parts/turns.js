// Turns of what can wait a little: while a run goes on, one of them draws in a frame, and each a few times a
// second; else as many as fit. So no frame is long, however many views there are. What was asked for last is
// always drawn in the end.
/** @typedef {{ draw: () => void, last: number, due: number, often: boolean }} Turn  times in ms */

const FRAME_MS = 4;    // of script; the browser's own work comes on top
const LEAST_MS = 100;  // from one drawing to the next

/** Those that wait, the longest first. @type {Set<Turn>} */
const waiting = new Set();
let frame = 0;
/** When the frame began whose time is counted. @type {CSSNumberish | null} */
let began = null;
let spent = 0;

/**
 * A function that asks for a turn to draw; it may have come already when that returns.
 * @param {() => void} draw  the newest state
 * @param {AbortSignal} signal
 * @returns {(often: boolean) => void}  often: it will be asked for with every token
 */
export function turnsOf(draw, signal) {
  /** @type {Turn} */
  const turn = { draw, last: -Infinity, due: 0, often: false };
  signal.addEventListener('abort', () => waiting.delete(turn));
  return (often) => {
    turn.often = often;
    turn.due = often ? turn.last + LEAST_MS : 0;
    waiting.add(turn);
    take();
  };
}

/** A turn of its own, for what comes once. @param {AbortSignal} signal  @returns {Promise<void>} */
export const nextTurn = (signal) => new Promise((draw) => {
  turnsOf(draw, signal)(true);
});

function take() {
  const currentTime = globalThis.document?.timeline.currentTime ?? performance.now();
  if (currentTime !== began) spent = 0;
  began = currentTime;
  const now = performance.now();
  for (const turn of waiting) {
    if (spent >= FRAME_MS) break;
    if (turn.due > now) continue;
    waiting.delete(turn);
    turn.last = performance.now();
    try {
      turn.draw();
    } finally {
      spent += turn.often ? FRAME_MS : performance.now() - turn.last;
    }
  }
  if (waiting.size === 0) return;
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    take();
  });
}
