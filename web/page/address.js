// What the page's own address says: ?model=FOLDER loads another model of this site, ?variant=scalar
// (simd, relaxed) another build of the engine.
const MODULES = { relaxed: 'kvc-relaxed.wasm', simd: 'kvc.wasm', scalar: 'kvc-scalar.wasm' };
const parameters = new URLSearchParams(location.search);

/**
 * @returns {URL | undefined | null}  undefined: the address names none; null: one of another site, and a link
 *   must not make the page fetch from elsewhere
 */
export function modelUrl() {
  const model = parameters.get('model');
  if (model === null) return undefined;
  const url = new URL(model, document.baseURI);
  return url.origin === location.origin ? url : null;
}

/** @returns {URL | undefined}  what is no build counts for nothing */
export function wasmUrl() {
  const module = MODULES[/** @type {keyof typeof MODULES} */ (parameters.get('variant') ?? '')];
  return module ? new URL(`engine/${module}`, document.baseURI) : undefined;
}
