// Every error this package throws on purpose is a KvcError: one class, told apart by `code`.
// The message is a sentence for people; the code is for programs, and is part of the API.

/** What each code means. The first group comes from the C core (KVC_ERR_<CODE> in kvc.h). */
export const ERROR_CODES = Object.freeze({
  __proto__: null,
  invalid_argument: 'a function was called with a value it cannot take',
  config_invalid: 'a size or setting of the model is missing or outside the supported range',
  out_of_memory: 'the memory asked for is not available',
  tensor_unknown: 'the file holds a tensor that this model does not have',
  tensor_dtype: 'a tensor has a number format that the engine does not take',
  tensor_shape: 'the shape of a tensor does not follow from the config',
  tensor_bytes: 'the bytes of a tensor are fewer or more than its shape needs',
  tensor_duplicate: 'the same tensor was given twice',
  tensor_missing: 'a tensor that the model needs was never given',
  token_out_of_range: 'a token id is not in the vocabulary',
  position_out_of_range: 'a position is not within the context',
  context_full: 'the model has no more positions',
  cache_full: 'the session has no more room for keys and values',
  not_ready: 'a step was asked for before what it needs was there',
  not_finite: 'a weight or a logit is NaN or infinite',
  busy: 'the session is already working on something else',
  unsupported: 'what was asked for is mathematically wrong for this model',
  state_invalid: 'the bytes are not a saved state, or were cut short or altered',
  state_foreign: 'the saved state is of another version, model or shape',
  no_source: 'a model with an encoder was asked for tokens before it was given a source',
  source_too_long: 'the source has more tokens than the session has room for',

  file_unreachable: 'a file could not be opened or fetched',
  file_is_html: 'a web page came where a model file was expected',
  file_truncated: 'a file ended before all its bytes had come',
  json_invalid: 'a JSON file is not valid JSON, or too long or too deep',
  index_invalid: 'the index of weights in several files is damaged, or is wrong about them',
  weights_format: 'the weights are there, but only in a format that is not read',
  unsupported_architecture: 'the model computes something that this engine does not',
  tokenizer_invalid: 'tokenizer.json is damaged, of another kind, or does not fit the model',
  chat_template_missing: 'the model has no chat template, or none of that name',
  chat_template_failed: 'the chat template is damaged, refuses the conversation, or asks for too much',

  safetensors_header_too_small: 'the file is shorter than the 8 bytes that give the header length',
  safetensors_header_too_large: 'the header is longer, or names more tensors, than is accepted',
  safetensors_header_length: 'the header would end after the end of the file',
  safetensors_header_utf8: 'the header is not UTF-8',
  safetensors_header_json: 'the header is not one JSON object, or too deep',
  safetensors_duplicate_key: 'a name stands twice in the same object of the header',
  safetensors_metadata: '__metadata__ is not an object of strings',
  safetensors_tensor_info: 'the entry of a tensor is malformed',
  safetensors_dtype: 'a dtype is not known, or known but not usable here',
  safetensors_offsets: 'the tensors do not lie back to back from the first byte on',
  safetensors_overflow: 'a size is too large to count with',
  safetensors_size_mismatch: 'the byte range of a tensor is not what its shape and dtype need',
  safetensors_trailing_bytes: 'the file goes on after its last tensor',

  wasm_unsupported: 'this JavaScript engine cannot run the WebAssembly asked for',
  wasm_invalid: 'the WebAssembly file is missing, damaged, or of another version',
  trapped: 'the WebAssembly code crashed; the model has to be loaded again',
  outputs_differ: 'logits that have to be equal to the last bit are not',
  disposed: 'the model or session was used after dispose()',
  aborted: 'the work was stopped by its AbortSignal',
});

/** @typedef {Exclude<keyof typeof ERROR_CODES, '__proto__'>} ErrorCode */

export class KvcError extends Error {
  /**
   * @param {ErrorCode} code
   * @param {string} message  a whole sentence: what happened, the numbers, what to do
   * @param {{ cause?: unknown }} [options]
   */
  constructor(code, message, options) {
    if (!Object.hasOwn(ERROR_CODES, code)) throw new TypeError(`Unknown error code ${String(code)}.`);
    super(message, options);
    /** @type {ErrorCode} */
    this.code = code;
    // The platform's own name for an abort, so that `error.name === 'AbortError'` works as ever.
    this.name = code === 'aborted' ? 'AbortError' : 'KvcError';
  }
}

/**
 * The error of an aborted piece of work; `cause` is the signal's reason.
 * @typedef {{ readonly aborted: boolean, readonly reason?: unknown }} Halt  what this needs of an AbortSignal
 * @param {Halt} signal
 */
export function abortError(signal) {
  return new KvcError('aborted', 'The work was stopped by its AbortSignal.', { cause: signal.reason });
}

/** @param {Halt | null | undefined} [signal] */
export function throwIfAborted(signal) {
  if (signal?.aborted) throw abortError(signal);
}

/** The words of anything that was thrown. @param {unknown} thrown */
export function reasonOf(thrown) {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
