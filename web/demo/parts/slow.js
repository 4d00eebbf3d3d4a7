// Shows in slow motion what was measured: moments that come one after the other.

/**
 * @param {readonly number[]} moments  in ms, in order
 * @param {(passed: number) => void} show  how many of them have passed; once for each that has
 * @returns {(toEnd?: boolean) => void}  that stops it, where it is or at its end
 */
export function playSlowly(moments, show) {
  let start = -1;
  let shown = 0;
  let frame = 0;
  /** @param {number} now */
  const tick = (now) => {
    if (start < 0) start = now;
    const passed = moments.filter((moment) => moment <= now - start).length;
    frame = passed < moments.length ? requestAnimationFrame(tick) : 0;
    if (passed > shown) show(shown = passed);
  };
  frame = requestAnimationFrame(tick);
  return (toEnd = false) => {
    if (!frame) return;
    cancelAnimationFrame(frame);
    frame = 0;
    if (toEnd) show(moments.length);
  };
}
