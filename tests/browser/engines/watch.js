// Runs in the page before its own scripts, and keeps what must not happen in `globalThis.complaints`.

/** A violation of the page's policy is an event in every engine. */
export function watchPolicy() {
  globalThis.complaints = [];
  document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) => {
    complaints.push(`csp: ${effectiveDirective} ${blockedURI}`);
  });
}

/** For a driver that does not tell. */
export function watchScripts() {
  for (const kind of ['error', 'warn']) {
    const say = console[kind];
    console[kind] = (...words) => {
      complaints.push(`console: ${words.join(' ')}`);
      say.apply(console, words);
    };
  }
  addEventListener('error', ({ message, error }) => complaints.push(`uncaught: ${error ?? message}`));
  addEventListener('unhandledrejection', ({ reason }) => complaints.push(`uncaught: ${reason}`));
}

/** What they have kept: an expression for run(). */
export const KEPT = 'Promise.resolve(JSON.stringify(globalThis.complaints ?? []))';

/** The source of functions that run in the page, one after the other. */
export const sourceOf = (functions) => functions.map((fn) => `(${fn})();`).join('\n');

/** Is it a request to another site than that of `url`? Those within the page (data:, blob:) are not. */
export const foreign = (request, url) =>
  url !== undefined && /^(https?|wss?):/.test(request) && new URL(request).origin !== new URL(url).origin;
