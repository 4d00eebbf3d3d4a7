// The sampling settings: fields with a range each, their explanations, and their validation.

const SEEDS = 2 ** 32;

/**
 * @typedef {object} Field
 * @property {string} key        name in the generate request
 * @property {string} label
 * @property {string} help
 * @property {number} min
 * @property {number} max
 * @property {boolean} [above]   greater than min, not equal to it
 * @property {boolean} [whole]
 * @property {number} step       of the arrow keys
 * @property {number} preset     until the model brings its own
 */

/** @type {Field[]} */
const FIELDS = [
  { key: 'seed', label: 'Seed', help: 'Where the random numbers start. Another seed, another story.', min: 0, max: SEEDS - 1, whole: true, step: 1, preset: 2 },
  { key: 'maxTokens', label: 'Tokens to write', help: 'The run ends here, at the end of the story, or when the context is full.', min: 1, max: 1024, whole: true, step: 1, preset: 300 },
  { key: 'temperature', label: 'Temperature', help: 'Below 1: safer choices; above 1: wilder ones; 0: always the likeliest token.', min: 0, max: 10, step: 0.1, preset: 0.8 },
  { key: 'topK', label: 'Top-k', help: 'Only the k likeliest tokens may be drawn. 0: off.', min: 0, max: 1e6, whole: true, step: 1, preset: 0 },
  { key: 'topP', label: 'Top-p', help: 'Only the likeliest tokens that together have this probability. 1: off.', min: 0, above: true, max: 1, step: 0.05, preset: 1 },
  { key: 'minP', label: 'Min-p', help: 'Only tokens at least this likely, compared with the likeliest one. 0: off.', min: 0, max: 1, step: 0.01, preset: 0 },
  { key: 'repetitionPenalty', label: 'Repetition penalty', help: 'Above 1: tokens that were already used become less likely. 1: off.', min: 0, above: true, max: 10, step: 0.05, preset: 1 },
];

/** @typedef {Record<string, number>} Sampling */

export class SamplingForm {
  #fold;
  #summary;
  /** @type {Map<string, { field: Field, input: HTMLInputElement, problem: HTMLElement }>} */
  #entries = new Map();
  /** @type {Sampling} */
  #presets = Object.fromEntries(FIELDS.map(({ key, preset }) => [key, preset]));

  /** @param {HTMLDetailsElement} fold */
  constructor(fold) {
    this.#fold = fold;
    this.#summary = /** @type {HTMLElement} */ (fold.querySelector('#sampling-summary'));
    const fields = /** @type {HTMLElement} */ (fold.querySelector('#fields'));
    for (const field of FIELDS) fields.append(this.#build(field));
    fold.querySelector('#defaults')?.addEventListener('click', () => this.#fill(this.#presets));
    fields.addEventListener('input', () => this.#check());
    this.#fill(this.#presets);
  }

  /**
   * Takes over what the model suggests, where the reader has not chosen otherwise.
   * @param {{ temperature: number, topK: number, topP: number, minP: number, repetitionPenalty: number, maxNewTokens?: number }} generation
   * @param {number} capacity
   */
  adopt({ maxNewTokens, ...generation }, capacity) {
    const entry = /** @type {{ field: Field, input: HTMLInputElement }} */ (this.#entries.get('maxTokens'));
    entry.field.max = capacity;
    entry.input.max = String(capacity);
    const wanted = { ...generation, maxTokens: Math.min(maxNewTokens ?? this.#presets.maxTokens, capacity) };
    const chosen = this.#read();
    const before = this.#presets;
    this.#presets = { ...before };
    for (const [key, value] of Object.entries(wanted)) {
      if (!this.#entries.has(key)) continue;
      this.#presets[key] = value;
      if (chosen[key] === before[key]) chosen[key] = value;
    }
    this.#fill(chosen);
  }

  /** The settings; undefined, with the reader taken to the first wrong one, when there is one. @returns {Sampling | undefined} */
  take() {
    const wrong = this.#check();
    if (!wrong) return this.#read();
    this.#fold.open = true;
    wrong.focus();
    return undefined;
  }

  #read() {
    return Object.fromEntries([...this.#entries].map(([key, { input }]) => [key, input.valueAsNumber]));
  }

  /** @param {Sampling} values */
  #fill(values) {
    for (const [key, { input }] of this.#entries) if (!Number.isNaN(values[key])) input.value = String(values[key]);
    this.#check();
  }

  /** Marks what is wrong and returns the first such input. */
  #check() {
    /** @type {HTMLInputElement | undefined} */
    let first;
    for (const { field, input, problem } of this.#entries.values()) {
      const words = problemOf(field, input.valueAsNumber);
      problem.textContent = words;
      if (words) input.setAttribute('aria-invalid', 'true');
      else input.removeAttribute('aria-invalid');
      if (words) first ??= input;
    }
    const { seed, temperature, maxTokens } = this.#read();
    this.#summary.textContent = first ? '(a setting needs your attention)' : `seed ${seed}, temperature ${temperature}, ${maxTokens} tokens`;
    return first;
  }

  /** @param {Field} field */
  #build(field) {
    const box = withProperties(document.createElement('div'), { className: 'field' });
    const input = withProperties(document.createElement('input'), { id: `sampling-${field.key}`, type: 'number', step: String(field.step), inputMode: field.whole ? 'numeric' : 'decimal' });
    input.min = String(field.min);
    input.max = String(field.max);
    const help = withProperties(document.createElement('span'), { id: `${input.id}-help`, className: 'note', textContent: field.help });
    const problem = withProperties(document.createElement('span'), { id: `${input.id}-problem`, className: 'problem' });
    input.setAttribute('aria-describedby', `${help.id} ${problem.id}`);
    const entry = withProperties(document.createElement('div'), { className: 'entry' });
    entry.append(input);
    if (field.key === 'seed') entry.append(this.#seedButton(input));
    box.append(withProperties(document.createElement('label'), { htmlFor: input.id, textContent: field.label }), entry, help, problem);
    this.#entries.set(field.key, { field: { ...field }, input, problem });
    return box;
  }

  /** @param {HTMLInputElement} input */
  #seedButton(input) {
    const button = withProperties(document.createElement('button'), { type: 'button', textContent: 'New seed' });
    button.addEventListener('click', () => {
      input.value = String(crypto.getRandomValues(new Uint32Array(1))[0]);
      this.#check();
    });
    return button;
  }
}

/** What is wrong with a value, in words; '' when nothing is. @param {Field} field  @param {number} value */
function problemOf({ min, max, above, whole }, value) {
  if (Number.isFinite(value) && (above ? value > min : value >= min) && value <= max && (!whole || Number.isInteger(value))) return '';
  return `This must be a ${whole ? 'whole number' : 'number'} ${above ? `above ${min}, ${max} at most` : `from ${min} to ${max}`}.`;
}

/**
 * @template {HTMLElement} T
 * @param {T} node  @param {Partial<HTMLInputElement & HTMLLabelElement>} properties  @returns {T}
 */
function withProperties(node, properties) {
  return Object.assign(node, properties);
}
