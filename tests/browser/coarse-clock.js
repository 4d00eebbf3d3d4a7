// A worker whose clock is as coarse as a test wants, and which tells beside every measured burst how long the
// browser's own clock saw it take, from the beginning of its first pass to the end of its last one.

/** Runs in the worker before its own script. @param {number} tick  ms */
function prelude(tick) {
  const fine = performance.now.bind(performance);
  performance.now = () => Math.floor(fine() / tick) * tick;
  const starts = [], ends = []; // by position, of the session that was sampled last
  const instantiate = WebAssembly.instantiate;
  WebAssembly.instantiate = async (...args) => {
    const { exports } = await instantiate(...args);
    let session;
    const kvc_session_sample = (pointer, sampling, rng, ids, id) => {
      session = pointer;
      return exports.kvc_session_sample(pointer, sampling, rng, ids, id);
    };
    const kvc_session_begin = (pointer, ids, n) => {
      if (pointer === session) starts[exports.kvc_session_position(pointer)] = fine();
      return exports.kvc_session_begin(pointer, ids, n);
    };
    const kvc_session_step = (pointer) => {
      const error = exports.kvc_session_step(pointer);
      if (error === 0 && pointer === session) ends[exports.kvc_session_position(pointer) - 1] = fine();
      return error;
    };
    return { exports: { ...exports, kvc_session_sample, kvc_session_begin, kvc_session_step } };
  };
  const post = self.postMessage.bind(self);
  self.postMessage = (message) => {
    for (const { burst } of message.type === 'tokens' ? message.tokens : []) {
      if (burst) burst.real = ends[burst.first + burst.tokens - 1] - starts[burst.first];
    }
    post(message);
  };
}

/** From now on the page's workers have such a clock. @param {import('playwright-core').Page} page */
export async function coarsen(page, tick) {
  const script = (body) => ({ contentType: 'text/javascript', body });
  await page.route(/\/worker\/worker\.js$/, (route) => route.fulfill(script(
    "import './prelude.js'; import './worker.js?real';")));
  await page.route('**/worker/prelude.js', (route) => route.fulfill(script(`(${prelude})(${tick});`)));
}
