// A stranger's JSON: whatever stands where in a file, a parser takes it or throws a KvcError whose message is
// short, in bounded time. Depth, length, number of values, odd numbers, odd keys, half characters.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../web/config/config.js';
import { parseGenerationConfig } from '../../web/config/generation.js';
import { KvcError } from '../../web/engine/errors.js';
import { openDirectory } from '../../web/files/files.js';
import { parseJson, shown } from '../../web/files/json.js';
import { parseHeader } from '../../web/files/safetensors-header.js';
import { openWeights } from '../../web/files/shards.js';
import { readTokenizer } from '../../web/files/tokenizer-json.js';
import { Tokenizer } from '../../web/files/tokenizer.js';
import { withoutTokenizerJson } from '../../web/files/vocab-merges.js';
import { blobOf, byteTokenizer, seeded, smallConfig } from './helpers.js';

const nested = (open, close, depth) => `${open.repeat(depth)}0${close.repeat(depth)}`;

/** Texts of JSON values, most of which nobody expects anywhere. */
const HOSTILE = {
  'arrays, 20,000 deep': nested('[', ']', 20_000),
  'objects, 20,000 deep': nested('{"a":', '}', 20_000),
  'arrays, as deep as is read': nested('[', ']', 60),
  'a text of 500 kB': JSON.stringify('x'.repeat(500_000)),
  'a text of quotes': JSON.stringify('"\\'.repeat(100_000)),
  'an array of 100,000': `[${'0,'.repeat(100_000)}0]`,
  'an array of 100,000 texts': `[${'"ab",'.repeat(100_000)}"ab"]`,
  'an array of 100,000 pairs': `[${'["a","b"],'.repeat(50_000)}["a","b"]]`,
  'an object of 50,000': `{${Array.from({ length: 50_000 }, (_, i) => `"k${i}":${i}`)}}`,
  'the same key twice': '{"a":1,"a":[2]}',
  'keys of JavaScript': '{"__proto__":{"length":5},"constructor":1,"toString":2,"toJSON":3,"then":4}',
  'astral characters': JSON.stringify(`a${'\u{1f600}'.repeat(100)}`),
  'half a character': '"\\ud800"', 'half a character in a key': '{"\\udc00":1}', 'a NUL': '"\\u0000"',
  'more than a double': '1e999', 'less than one': '1e-999', 'minus nothing': '-0', 'a fraction': '0.1',
  'a large integer': '9007199254740993', 'a negative one': '-1', 'many digits': `1${'0'.repeat(100_000)}`,
  null: 'null', true: 'true', 'an empty text': '""', 'an empty array': '[]', 'an empty object': '{}',
};

/** Every path into a value, itself included; of long lists and large objects the first few. */
function pathsOf(value, path = []) {
  const inner = typeof value === 'object' && value !== null ? Object.entries(value).slice(0, 12) : [];
  return [path, ...inner.flatMap(([key, item]) => pathsOf(item, [...path, key]))];
}

/** A copy of a value in which one place holds another. */
function planted(value, path, other) {
  if (path.length === 0) return other;
  const copy = structuredClone(value);
  path.slice(0, -1).reduce((at, key) => at[key], copy)[path.at(-1)] = other;
  return copy;
}

/** The text of a value in which one place holds other text. */
const plantedText = (value, path, text) => (
  JSON.stringify(planted(value, path, 'PLANTED')).replace('"PLANTED"', () => text));

const small = parseConfig(smallConfig());
const t5 = {
  model_type: 't5', architectures: ['T5ForConditionalGeneration'], d_model: 16, d_ff: 8, d_kv: 4,
  num_heads: 2, num_layers: 1, num_decoder_layers: 1, vocab_size: 9, n_positions: 8,
  feed_forward_proj: 'gated-gelu',
  dense_act_fn: 'gelu_new', is_gated_act: true, relative_attention_num_buckets: 8,
  relative_attention_max_distance: 16, tie_word_embeddings: false, scale_decoder_outputs: false,
  decoder_start_token_id: 0, pad_token_id: 0,
};
const withEncoder = parseConfig(t5);
const bytes = (text) => new TextEncoder().encode(text);
const read = async (name, text) => (await openDirectory({ [name]: blobOf(text) })).json(name);
const { model: bpe, ...others } = byteTokenizer();
const vocab = { a: 0, b: 1, c: 2, ab: 3, abc: 4 }; // not all bytes: it is read thousands of times
const tokenizer = { ...others, model: { ...bpe, vocab, merges: ['a b', 'ab c'] } };
const tokenizerOf = (json) => new Tokenizer(readTokenizer(json, undefined, 300), 300);

const BESIDE = ['vocab.json', 'added_tokens.json', 'special_tokens_map.json', 'tokenizer_config.json'];

/** A tokenizer of the files that stand where there is no tokenizer.json, given by name. */
async function tokenizerWithoutJson(files) {
  const texts = BESIDE.filter((name) => files?.[name] !== undefined)
    .map((name) => [name, blobOf(JSON.stringify(files[name]))]);
  const directory = await openDirectory({ ...Object.fromEntries(texts), 'merges.txt': blobOf('x y') });
  const config = await directory.json('tokenizer_config.json', { optional: true });
  const made = await withoutTokenizerJson(directory, config);
  return new Tokenizer(readTokenizer(made?.json, made?.settings, 300), 300).encode('xy');
}

/**
 * What a file should be, and its parser: of a value where all files are read in one way, else of text. Of
 * several files together, each is read anew with every place: what is large is put in place of a whole one.
 * @type {Record<string, { value: object, parse: Function, ofText?: boolean, several?: boolean }>}
 */

const FILES = {
  'config.json': {
    value: { ...smallConfig(), n_inner: 64, layer_norm_epsilon: 1e-5, scale_attn_weights: true,
      quantization_config: null },
    parse: parseConfig,
  },
  'config.json of a Llama': {
    value: { model_type: 'llama', architectures: ['LlamaForCausalLM'], hidden_size: 16, intermediate_size: 8,
      num_attention_heads: 2, num_key_value_heads: 1, num_hidden_layers: 1, vocab_size: 9, head_dim: 8,
      hidden_act: 'silu', rms_norm_eps: 1e-5, tie_word_embeddings: true, rope_theta: 1e4,
      rope_interleaved: false,
      rope_scaling: { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4 } },
    parse: parseConfig,
  },
  'config.json of a GPT-Neo': {
    value: { model_type: 'gpt_neo', hidden_size: 16, num_heads: 2, num_layers: 2, vocab_size: 9,
      intermediate_size: null, window_size: 4, attention_types: [[['global', 'local'], 1]] },
    parse: parseConfig,
  },
  'config.json of a Gemma 3': {
    value: { model_type: 'gemma3_text', hidden_size: 16, intermediate_size: 8, num_attention_heads: 2,
      num_key_value_heads: 1, num_hidden_layers: 2, vocab_size: 9, head_dim: 8, query_pre_attn_scalar: 8,
      sliding_window: 4, layer_types: ['sliding_attention', 'full_attention'],
      rope_parameters: { full_attention: { rope_type: 'linear', factor: 8, rope_theta: 1e6 },
        sliding_attention: { rope_type: 'default', rope_theta: 1e4 } } },
    parse: parseConfig,
  },
  'config.json of a GPT-NeoX': {
    value: { model_type: 'gpt_neox', architectures: ['GPTNeoXForCausalLM'], hidden_size: 16,
      intermediate_size: 8, num_attention_heads: 2, num_hidden_layers: 1, vocab_size: 9,
      hidden_act: 'gelu', layer_norm_eps: 1e-5, rotary_pct: 0.25, rotary_emb_base: 1e4,
      use_parallel_residual: true, attention_bias: true, tie_word_embeddings: false },
    parse: parseConfig,
  },
  'config.json of a Phi': {
    value: { model_type: 'phi', architectures: ['PhiForCausalLM'], hidden_size: 16, intermediate_size: 8,
      num_attention_heads: 2, num_key_value_heads: 1, num_hidden_layers: 1, vocab_size: 9,
      qk_layernorm: false,
      rope_parameters: { rope_type: 'linear', rope_theta: 1e4, factor: 2, partial_rotary_factor: 0.5 } },
    parse: parseConfig,
  },
  'config.json of an OPT': {
    value: { model_type: 'opt', architectures: ['OPTForCausalLM'], hidden_size: 16, ffn_dim: 8,
      num_attention_heads: 2, num_hidden_layers: 1, vocab_size: 9, word_embed_proj_dim: 16,
      do_layer_norm_before: true, enable_bias: true, activation_function: 'relu' },
    parse: parseConfig,
  },
  'config.json of a Qwen3': {
    value: { model_type: 'qwen3', hidden_size: 16, intermediate_size: 8, num_attention_heads: 2,
      num_key_value_heads: 1, num_hidden_layers: 2, vocab_size: 9, head_dim: 8, use_sliding_window: true,
      sliding_window: 4, max_window_layers: 1, layer_types: ['full_attention', 'sliding_attention'],
      rope_scaling: { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 32,
        attention_factor: 1, beta_fast: 32, beta_slow: 1, mscale: 1, mscale_all_dim: 1, truncate: true } },
    parse: parseConfig,
  },
  'config.json of a T5': { value: t5, parse: parseConfig },
  'config.json of a Marian': {
    value: { model_type: 'marian', architectures: ['MarianMTModel'], d_model: 16, encoder_layers: 1,
      decoder_layers: 1, encoder_attention_heads: 2, decoder_attention_heads: 2, encoder_ffn_dim: 8,
      decoder_ffn_dim: 8, vocab_size: 9, decoder_vocab_size: 9, pad_token_id: 8, scale_embedding: true,
      activation_function: 'swish', max_position_embeddings: 8, forced_eos_token_id: [0] },
    parse: parseConfig,
  },
  'generation_config.json': {
    value: { do_sample: true, temperature: 1, top_k: 5, top_p: 0.5, min_p: 0, repetition_penalty: 1,
      max_new_tokens: 5, eos_token_id: [3, 4], min_new_tokens: 1, no_repeat_ngram_size: 2,
      frequency_penalty: 0.1, stop_strings: ['a'], bad_words_ids: [[1]], sequence_bias: [[[1], 0.5]],
      suppress_tokens: [1], forced_eos_token_id: 3, num_beams: 2 },
    parse: (json) => parseGenerationConfig(json, small),
  },
  'generation_config.json of a model with an encoder': {
    value: { max_length: 5, decoder_start_token_id: 0, forced_bos_token_id: 1, forced_eos_token_id: [2] },
    parse: (json) => parseGenerationConfig(json, withEncoder),
  },
  'tokenizer.json': {
    value: { ...tokenizer, normalizer: { type: 'NFC' } },
    parse: (json) => tokenizerOf(json).encode('abc'),
  },
  'tokenizer.json of a Unigram': {
    value: {
      added_tokens: [{ id: 1, content: '</s>', special: true }],
      normalizer: { type: 'Sequence', normalizers: [
        { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' },
        { type: 'Precompiled', precompiled_charsmap: btoa('\x04\0\0\0\0\x04\0\0a\0') }] },
      pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always' },
      post_processor: { type: 'TemplateProcessing',
        single: [{ Sequence: { id: 'A' } }, { SpecialToken: { id: 'x' } }],
        special_tokens: { x: { ids: [1], tokens: ['</s>'] } } },
      decoder: { type: 'Metaspace', replacement: '▁' },
      model: { type: 'Unigram', unk_id: 0, vocab: [['<unk>', 0], ['</s>', 0], ['▁a', -1]] },
    },
    parse: (json) => tokenizerOf(json).encode('ab'),
  },
  'tokenizer_config.json': {
    value: { add_bos_token: false, model_max_length: 5 },
    parse: (json) => readTokenizer(tokenizer, json, 300),
  },
  'vocab.json and what else stands beside merges.txt': {
    value: {
      'vocab.json': { x: 0, y: 1, z: 2, xy: 3, c: 4 }, 'added_tokens.json': { d: 280 },
      'special_tokens_map.json': { eos_token: { content: 'z' }, additional_special_tokens: ['d'] },
      'tokenizer_config.json': { tokenizer_class: 'GPT2Tokenizer', add_bos_token: true, bos_token: 'c',
        added_tokens_decoder: { 4: { content: 'c', special: true } } },
    },
    parse: tokenizerWithoutJson, several: true,
  },
  'model.safetensors.index.json': {
    value: { metadata: { total_size: 24 }, weight_map: { a: 'a.safetensors', b: 'b.safetensors' } },
    ofText: true,
    parse: async (text) => openWeights(await openDirectory({ 'model.safetensors.index.json': blobOf(text) })),
  },
  'the header of model.safetensors': {
    value: { __metadata__: { format: 'pt' }, a: { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] } },
    ofText: true,
    parse: (text) => parseHeader(bytes(text)),
  },
};

/** Whether it was taken; anything else than a value or a short KvcError fails. */
async function taken(parse, what) {
  const start = performance.now();
  try {
    await parse();
    return true;
  } catch (error) {
    assert.ok(error instanceof KvcError, `${what}: ${error?.stack}`);
    assert.ok(error.message.length < 500, `${what}: a message of ${error.message.length} characters`);
    assert.ok(error.message.isWellFormed?.() ?? true, what);
    return false;
  } finally {
    const ms = performance.now() - start;
    assert.ok(ms < 5000, `${what}: ${ms} ms`);
  }
}

const LARGE = 10_000; // characters
const LARGE_VALUES = new Map(Object.entries(HOSTILE)
  .filter(([kind, text]) => text.length > LARGE && !kind.includes('20,000 deep')) // which nothing reads
  .map(([kind, text]) => [kind, JSON.parse(text)]));

for (const [name, { value, parse, ofText, several }] of Object.entries(FILES)) {
  const file = name.split(' ')[0];
  const parseText = ofText ? parse : async (text) => parse(await read(file, text));

  test(`${name}: hostile values in every place`, async (t) => {
    assert.ok(await taken(() => parseText(JSON.stringify(value)), 'as it should be'));
    let [accepted, refused] = [0, 0];
    for (const [i, path] of pathsOf(value).entries()) {
      for (const [kind, text] of Object.entries(HOSTILE)) {
        if (several && path.length > 1 && LARGE_VALUES.has(kind)) continue;
        // Where all files are read in one way, what is large is read in two places and put into the others.
        const put = i > 1 && !ofText && LARGE_VALUES.has(kind);
        const given = put ? planted(value, path, LARGE_VALUES.get(kind)) : plantedText(value, path, text);
        const what = `${kind} at ${path.join('.')}`;
        if (await taken(() => (put ? parse(given) : parseText(given)), what)) accepted++;
        else refused++;
      }
      const deep = plantedText(value, path, HOSTILE['arrays, 20,000 deep']);
      assert.equal(await taken(() => parseText(deep), path.join('.')), false);
    }
    t.diagnostic(`${accepted} taken, ${refused} refused`);
    assert.ok(refused > 20);
  });

  test(`${name}: cut anywhere, or with one character changed`, async () => {
    const text = JSON.stringify(value);
    const random = seeded(11);
    for (let i = 0; i < 150; i++) {
      const at = random.below(text.length);
      await taken(() => parseText(text.slice(0, at)), `cut at ${at}`);
      const other = random.pick([...'[]{}",:\\-.e9\u0000é']);
      await taken(() => parseText(text.slice(0, at) + other + text.slice(at + 1)), `${other} at ${at}`);
    }
  });
}

test('parseJson: the limits of depth and of number, and strings that look like either', () => {
  assert.deepEqual(parseJson('{"[[[":["]]]","\\"[",{}]}'), { '[[[': [']]]', '"[', {}] });
  assert.equal(parseJson(JSON.stringify('['.repeat(1e6))).length, 1e6);
  assert.equal(parseJson(`[${'[],'.repeat(1000)}[]]`).length, 1001);
  parseJson(`${'['.repeat(64)}${']'.repeat(64)}`);
  assert.throws(() => parseJson(`${'['.repeat(65)}${']'.repeat(65)}`), /deeper than 64 levels/);
  assert.equal(parseJson(`[${'0,'.repeat(2 ** 22 - 1)}0]`).length, 2 ** 22);
  assert.throws(() => parseJson(`[${'0,'.repeat(2 ** 22)}0]`), /more than 4194304 values/);
  for (const text of ['', '"', '"\\', '[', '{"a', 'nul', '[1,]', '\\"[']) {
    assert.throws(() => parseJson(text), SyntaxError, text);
  }
});

test('shown: what it is, in at most 83 characters', () => {
  const cases = [[undefined, 'missing'], [null, 'null'], [NaN, 'NaN'], [-0.5, '-0.5'], ['a"b', '"a\\"b"'],
    [[1, 'a', null], '[1,"a",null]'], [{ a: { b: [1] } }, '{"a":{"b":[...]}}'], ['\ud800', '"\\ud800"'],
    [[], '[]']];
  for (const [value, text] of cases) assert.equal(shown(value), text);
  const deep = JSON.parse(HOSTILE['objects, 20,000 deep']);
  const long = ['x'.repeat(1e6), Array(1e6).fill('y'.repeat(1e3)), deep];
  for (const value of [...long, Object.fromEntries(long.entries()), { ['k'.repeat(1e6)]: 1 }]) {
    assert.ok(shown(value).length <= 83);
  }
  assert.equal(shown('x'.repeat(100)), `"${'x'.repeat(79)}...`);
  for (const before of ['', 'a']) {
    const text = shown(before + '\u{1f600}'.repeat(100));
    assert.doesNotMatch(text, /[\ud800-\udfff]/u, 'a character cut in two');
  }
});
