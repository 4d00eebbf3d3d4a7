// The special tokens that belong around a text, such as "begin of text": as the post_processor of
// tokenizer.json says, or, where it says nothing of them, tokenizer_config.json.
import { invalid, isObject, listAt, objectAt, unlike } from './tokenizer-values.js';
import { shown } from './json.js';

/**
 * @import { Json } from './tokenizer-values.js'
 *
 * @typedef {object} Frame
 * @property {readonly number[]} before  ids
 * @property {readonly number[]} after
 * @property {string} [contradiction]    what tokenizer_config.json says otherwise, as a sentence
 */

const KNOWN = ['ByteLevel', 'TemplateProcessing', 'RobertaProcessing'];

/**
 * @param {Json} json                            tokenizer.json
 * @param {Json} config                          tokenizer_config.json
 * @param {(token: string) => number | undefined} idOf
 * @returns {Frame}
 */
export function frameOf(json, config, idOf) {
  const frames = postProcessors(json.post_processor).filter(({ type }) => type !== 'ByteLevel');
  if (frames.length > 1) throw unlike('post_processor', json.post_processor, 'one TemplateProcessing');
  if (frames.length === 0) return configured(config, idOf);
  const isTemplate = frames[0].type === 'TemplateProcessing';
  const frame = isTemplate ? templateFrame(frames[0], idOf) : pairFrame(frames[0], idOf);
  return { ...frame, contradiction: contradictionOf(frame, config) };
}

/** @param {unknown} value  @returns {Json[]} */
function postProcessors(value) {
  if (value === undefined || value === null) return [];
  const what = 'post_processor';
  const step = objectAt(value, what);
  if (step.type === 'Sequence') return listAt(step.processors, `${what}.processors`).flatMap(postProcessors);
  if (typeof step.type === 'string' && KNOWN.includes(step.type)) return [step];
  throw unlike(what, step.type, `${KNOWN.join(', ')} or a Sequence of them`);
}

/**
 * Of an older kind, as a BART has it: one token before a text, one after it.
 * @param {Json} step  @param {(token: string) => number | undefined} idOf  @returns {Frame}
 */
function pairFrame({ cls, sep }, idOf) {
  const [before, after] = [cls, sep].map((pair) => {
    const [token, id] = Array.isArray(pair) ? pair : [];
    if (typeof token === 'string' && typeof id === 'number' && idOf(token) === id) return [id];
    throw invalid(`tokenizer.json: post_processor has ${shown(pair)}, which is not a token with its id.`);
  });
  return { before, after };
}

/** @param {Json} template  @param {(token: string) => number | undefined} idOf  @returns {Frame} */
function templateFrame(template, idOf) {
  const what = 'post_processor.single';
  const pieces = listAt(template.single, what).map((piece) => objectAt(piece, what));
  const at = pieces.findIndex(({ Sequence }) => isObject(Sequence) && Sequence.id === 'A');
  const around = pieces.filter((_, i) => i !== at);
  if (at < 0 || !around.every(({ SpecialToken }) => isObject(SpecialToken))) {
    throw unlike(what, template.single, 'the sequence A once, special tokens around it');
  }
  const idsOf = (/** @type {Json} */ { SpecialToken: special }) => (
    specialIds(template, objectAt(special, what).id, idOf));
  return { before: around.slice(0, at).flatMap(idsOf), after: around.slice(at).flatMap(idsOf) };
}

/**
 * @param {Json} template  @param {unknown} name
 * @param {(token: string) => number | undefined} idOf
 */
function specialIds(template, name, idOf) {
  const what = 'post_processor.special_tokens';
  const known = objectAt(template.special_tokens, what);
  if (typeof name !== 'string' || !Object.hasOwn(known, name)) {
    throw invalid(`tokenizer.json: ${what} lacks ${shown(name)}, which is to be added to texts.`);
  }
  const { ids, tokens } = objectAt(known[name], what);
  const names = listAt(tokens, `${what}.tokens`);
  return listAt(ids, `${what}.ids`).map((id, i) => {
    const token = names[i];
    if (typeof token === 'string' && idOf(token) === id) return /** @type {number} */ (id);
    throw invalid(`tokenizer.json: ${what} gives ${shown(token)} the id ${shown(id)}, but the vocabulary `
      + 'does not.');
  });
}

/** Without a template. @param {Json} config  @param {(token: string) => number | undefined} idOf */
function configured(config, idOf) {
  const ids = (/** @type {'bos' | 'eos'} */ kind) => {
    if (config[`add_${kind}_token`] !== true) return [];
    const given = config[`${kind}_token`];
    const token = isObject(given) ? given.content : given;
    const id = typeof token === 'string' ? idOf(token) : undefined;
    if (id !== undefined) return [id];
    throw invalid(`tokenizer_config.json asks for add_${kind}_token, but its ${kind}_token, ${shown(token)}, `
      + 'is not in the vocabulary.');
  };
  return { before: ids('bos'), after: ids('eos') };
}

/** @param {Frame} frame  @param {Json} config */
function contradictionOf({ before, after }, config) {
  for (const [kind, ids] of /** @type {const} */ ([['bos', before], ['eos', after]])) {
    const asked = config[`add_${kind}_token`];
    if (typeof asked !== 'boolean' || asked === (ids.length > 0)) continue;
    return `tokenizer_config.json has add_${kind}_token: ${asked}, but tokenizer.json adds `
      + `${asked ? 'none' : 'one'}. tokenizer.json is obeyed; encode(text, { addSpecialTokens: false }) adds `
      + 'none.';
  }
  return undefined;
}
