// Where the parts of the page are found: the one place to change when the page is marked up anew.
export const figure = '#figure'; // with the state of the run in data-state

export const prompt = '#prompt';
export const go = '#go';
export const cache = '#cache';
export const pace = '#pace';
export const settings = '#sampling'; // folded away
export const setting = (name) => `#sampling-${name}`;

export const state = '#state';
export const written = '#story .written';
export const flip = (to) => `#story .flip.${to}`;

export const error = '#error';
export const errorMessage = '#error-message';
export const errorCode = '#error-code';
export const retry = '#retry';

export const prefill = (cached) => `#prefill-${cached}`;
export const now = (cached) => `#now-${cached}`;
export const median = (cached) => `#median-${cached}`;
export const work = (cached) => `#work-${cached}`;
export const position = '#position';
export const memory = '#memory';
export const engine = '#engine';

export const proof = '#proof'; // with data-verdict
export const proofWords = '#proof-words';
export const proofHashes = '#proof-hashes';
