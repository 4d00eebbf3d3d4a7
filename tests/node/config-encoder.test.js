// config.json of a T5, a Marian and a BART: what they mean, and what is refused with a sentence of its own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../web/config/config.js';
import { parseGenerationConfig } from '../../web/config/generation.js';
import { multiplyAdds, parameterCount } from '../../web/measure/analysis.js';
import { throwsCode } from './helpers.js';

/** As from a file: undefined is a key that is missing. */
const file = (json) => JSON.parse(JSON.stringify(json));

/** t5-small as it lies on the Hub. */
const t5 = (changes = {}) => file({
  architectures: ['T5ForConditionalGeneration'], d_ff: 2048, d_kv: 64, d_model: 512,
  decoder_start_token_id: 0, dropout_rate: 0.1, eos_token_id: 1, is_encoder_decoder: true,
  layer_norm_epsilon: 1e-06, model_type: 't5', n_positions: 512, num_heads: 8, num_layers: 6,
  output_past: true, pad_token_id: 0, relative_attention_num_buckets: 32,
  task_specific_params: { summarization: { num_beams: 4, prefix: 'summarize: ' } }, vocab_size: 32128,
  ...changes,
});

/** flan-t5-small, the same. */
const flan = (changes = {}) => t5({
  d_ff: 1024, feed_forward_proj: 'gated-gelu', num_decoder_layers: 8, num_heads: 6, num_layers: 8,
  relative_attention_max_distance: 128, tie_word_embeddings: false, ...changes,
});

/** opus-mt-en-de, the same. */
const marian = (changes = {}) => file({
  activation_function: 'swish', add_bias_logits: false, add_final_layer_norm: false,
  architectures: ['MarianMTModel'], bad_words_ids: [[58100]], bos_token_id: 0, d_model: 512,
  decoder_attention_heads: 8, decoder_ffn_dim: 2048, decoder_layers: 6, decoder_start_token_id: 58100,
  decoder_vocab_size: 58101, encoder_attention_heads: 8, encoder_ffn_dim: 2048, encoder_layers: 6,
  eos_token_id: 0, forced_eos_token_id: 0, is_encoder_decoder: true, max_length: 512,
  max_position_embeddings: 512, model_type: 'marian', normalize_before: false, normalize_embedding: false,
  num_beams: 6, pad_token_id: 58100, scale_embedding: true, share_encoder_decoder_embeddings: true,
  static_position_embeddings: true, vocab_size: 58101, ...changes,
});

/** bart-base, the same. */
const bart = (changes = {}) => file({
  activation_function: 'gelu', add_bias_logits: false, add_final_layer_norm: false,
  architectures: ['BartForConditionalGeneration'], bos_token_id: 0, d_model: 768, decoder_attention_heads: 12,
  decoder_ffn_dim: 3072, decoder_layers: 6, decoder_start_token_id: 2, encoder_attention_heads: 12,
  encoder_ffn_dim: 3072, encoder_layers: 6, eos_token_id: 2, forced_bos_token_id: 0, forced_eos_token_id: 2,
  is_encoder_decoder: true, max_position_embeddings: 1024, model_type: 'bart', normalize_before: false,
  normalize_embedding: true, pad_token_id: 1, scale_embedding: false, vocab_size: 50265, ...changes,
});

function refused(config, code, cases) {
  for (const [key, values] of Object.entries(cases)) {
    for (const value of values) {
      throwsCode(() => parseConfig(config({ [key]: value })), code, new RegExp(`${key} is `));
    }
  }
}

test('t5-small and flan-t5-small', () => {
  const config = parseConfig(t5());
  assert.deepEqual(config, {
    modelType: 't5', nLayer: 6, nHead: 8, nKvHead: 8, headDim: 64, nEmbd: 512, nPositions: 512,
    vocabSize: 32128, nInner: 2048, layerNormEpsilon: 1e-6, ownHead: false, gated: false, scoreScale: 1,
    encoder: { nLayer: 6, scaledHead: true, buckets: 32, distance: 128 }, padTokenId: 0, startTokenId: 0,
    bosTokenId: null, eosTokenId: [1],
  });
  assert.ok(Object.isFrozen(config.encoder));
  assert.equal(parameterCount(config), 60_506_624);
  const gated = parseConfig(flan());
  assert.deepEqual([gated.nLayer, gated.nHead * gated.headDim, gated.nEmbd], [8, 384, 512]);
  assert.deepEqual([gated.gated, gated.ownHead, gated.encoder.scaledHead], [true, true, false]);
  assert.equal(parameterCount(gated), 76_961_152);
});

test('opus-mt-en-de and bart-base', () => {
  const config = parseConfig(marian());
  assert.deepEqual(config, {
    modelType: 'marian', nLayer: 6, nHead: 8, nKvHead: 8, headDim: 64, nEmbd: 512, nPositions: 512,
    vocabSize: 58101, nInner: 2048, layerNormEpsilon: 1e-5, ownHead: false, encoder: { nLayer: 6 },
    padTokenId: 58100, startTokenId: 58100, forcedTokenId: null, forcedEndId: 0, bosTokenId: 0,
    eosTokenId: [0], sampledIds: 58100,
  });
  // what transformers counts, without two tables of sinusoids, and with the bias of the head
  assert.equal(parameterCount(config), 74_410_496 - 2 * 512 * 512 + 58101);
  const base = parseConfig(bart());
  assert.deepEqual([base.nPositions, base.positionRows, base.sampledIds], [1024, 1026, undefined]);
  assert.deepEqual([base.startTokenId, base.forcedTokenId, base.padTokenId], [2, 0, 1]);
  assert.equal(parameterCount(base), 139_420_416 + 50265);
});

test('the head of a T5: both versions of transformers write down what it is', () => {
  const headOf = (changes) => {
    const { ownHead, encoder } = parseConfig(flan({ tie_word_embeddings: undefined, ...changes }));
    return [ownHead, encoder.scaledHead];
  };
  assert.deepEqual(headOf({}), [false, true]);
  assert.deepEqual(headOf({ tie_word_embeddings: true }), [false, true]);
  assert.deepEqual(headOf({ tie_word_embeddings: false }), [true, false]);
  assert.deepEqual(headOf({ tie_word_embeddings: true, scale_decoder_outputs: false }), [true, false]);
  assert.deepEqual(headOf({ tie_word_embeddings: true, scale_decoder_outputs: true }), [false, true]);
  const same = { dense_act_fn: 'gelu_new', is_gated_act: true };
  assert.deepEqual(parseConfig(flan(same)), parseConfig(flan()));
});

test('mt5-small: a gate and a head of its own, whatever the file says', () => {
  const mt5 = (changes) => parseConfig({
    ...flan(), architectures: ['MT5ForConditionalGeneration'], model_type: 'mt5', vocab_size: 250112,
    feed_forward_proj: undefined, ...changes,
  });
  assert.equal(parameterCount(mt5()), 300_176_768, 'what transformers counts');
  const headOf = ({ ownHead, gated, encoder: { scaledHead } }) => [ownHead, gated, scaledHead];
  for (const tie_word_embeddings of [undefined, true, false]) {
    assert.deepEqual(headOf(mt5({ tie_word_embeddings })), [true, true, false]);
  }
  assert.equal(mt5({ feed_forward_proj: 'relu' }).gated, false);
  throwsCode(() => mt5({ architectures: ['MT5EncoderModel'] }), 'unsupported_architecture', /architectures/);
});

test('what a text begins with, and what none has', () => {
  const starts = (config, json) => parseGenerationConfig(json, parseConfig(config)).startTokenIds;
  assert.deepEqual(starts(t5()), [0]);
  assert.deepEqual(starts(t5(), { decoder_start_token_id: 7 }), [7]);
  assert.deepEqual(starts(t5({ decoder_start_token_id: undefined, pad_token_id: 3 })), [3]);
  assert.deepEqual(starts(bart()), [2, 0], 'the forced one is no choice');
  assert.deepEqual(starts(bart({ forced_bos_token_id: undefined }), { forced_bos_token_id: 5 }), [2, 5]);
  assert.deepEqual(starts(bart({ forced_bos_token_id: null })), [2]);
  assert.deepEqual(starts(marian()), [58100]);
  const json = { bad_words_ids: [[58100], [7]], forced_eos_token_id: 0, num_beams: 4 };
  const { logitBias, ignored, forcedEosTokenId } = parseGenerationConfig(json, parseConfig(marian()));
  assert.deepEqual(logitBias, { 7: -Infinity }, 'padding is no choice either');
  assert.deepEqual([ignored, forcedEosTokenId], [['num_beams'], 0]);
  for (const bad_words_ids of [[[1, 2]], [7], [[58101]], 'x', [[-1]]]) {
    const { ignored } = parseGenerationConfig({ bad_words_ids }, parseConfig(marian()));
    assert.deepEqual(ignored, ['bad_words_ids']);
  }
});

test('how long a text is, and what its last token is', () => {
  const of = (json, config = bart()) => {
    const { maxNewTokens, forcedEosTokenId, ignored } = parseGenerationConfig(json, parseConfig(config));
    return [maxNewTokens, forcedEosTokenId, ignored];
  };
  assert.deepEqual(of({ max_length: 142, forced_eos_token_id: 2 }), [140, 2, undefined], 'two begin it');
  assert.deepEqual(of({ max_length: 142, max_new_tokens: 9 }), [8, undefined, undefined], 'one is forced');
  assert.deepEqual(of({ max_new_tokens: 9 }, t5()), [9, undefined, undefined]);
  const none = [{ max_length: 1 }, { max_length: 2 }, { max_new_tokens: 1 }];
  assert.deepEqual(none.map((json) => of(json)[0]), [0, 0, 0]);
  const least = (min_new_tokens, config) => (
    parseGenerationConfig({ min_new_tokens }, parseConfig(config)).minTokens);
  assert.deepEqual([least(4, bart()), least(1, bart()), least(4, t5())], [3, undefined, 4]);
  assert.deepEqual(of({ max_length: 20 }, t5()), [19, undefined, undefined]);
  assert.deepEqual(of(undefined), [undefined, 2, undefined], 'of the old files config.json says it');
  assert.deepEqual(of(undefined, bart({ forced_eos_token_id: null }))[1], undefined);
  assert.deepEqual(of(undefined, bart({ forced_eos_token_id: undefined }))[1], 2, 'as the class');
  assert.deepEqual(of({}), [undefined, undefined, undefined]);
  assert.deepEqual(of({ forced_eos_token_id: [2, 3] })[2], ['forced_eos_token_id']);
  throwsCode(() => of({ forced_eos_token_id: 60000 }), 'config_invalid', /forced_eos_token_id/);
  throwsCode(() => of({ max_length: -1 }), 'config_invalid', /max_length/);
});

test('of a T5, refused', () => {
  refused(t5, 'unsupported_architecture', {
    architectures: [['T5EncoderModel'], ['T5ForTokenClassification'], 'x'], is_encoder_decoder: [false],
    feed_forward_proj: ['gelu', 'gated-silu', 'gated-relu', 7], dense_act_fn: ['gelu_new', 'gelu'],
    is_gated_act: [true],
  });
  refused(flan, 'unsupported_architecture', { dense_act_fn: ['relu', 'gelu'], is_gated_act: [false] });
  refused(t5, 'config_invalid', {
    relative_attention_num_buckets: [0, 3, 30, 132, '32'],
    relative_attention_max_distance: [0, 16, 4097, 1.5],
    num_layers: [0, undefined], num_decoder_layers: [-1], d_model: [1.5, null], vocab_size: [undefined],
    tie_word_embeddings: ['yes'], scale_decoder_outputs: [1], is_encoder_decoder: ['x'],
    decoder_start_token_id: [32128, -1], pad_token_id: ['0'], layer_norm_epsilon: [0],
  });
  throwsCode(() => parseConfig(t5({ d_kv: 6 })), 'config_invalid', /d_model 512 and d_kv 6 must be mult/);
  throwsCode(() => parseConfig(t5({ d_model: 65536, d_ff: 65536 })), 'config_invalid', /billion weights/);
  assert.equal(parseConfig(t5({ architectures: ['T5WithLMHeadModel'] })).modelType, 't5');
  assert.deepEqual(parseConfig(t5({ num_decoder_layers: null })), parseConfig(t5()));
});

test('of a Marian and a BART, refused', () => {
  const both = {
    architectures: [['MarianModel'], ['BartForSequenceClassification']], is_encoder_decoder: [false],
    tie_word_embeddings: [false], normalize_before: [true], add_final_layer_norm: [true],
  };
  refused(marian, 'unsupported_architecture', {
    ...both, activation_function: ['gelu', 'relu', undefined], scale_embedding: [false, undefined],
    share_encoder_decoder_embeddings: [false], decoder_vocab_size: [100], pad_token_id: [0, 58099],
    decoder_attention_heads: [4], decoder_ffn_dim: [1024],
  });
  refused(bart, 'unsupported_architecture', {
    ...both, activation_function: ['relu', 'gelu_new', 'swish'], scale_embedding: [true],
    decoder_attention_heads: [16], decoder_ffn_dim: [1024],
  });
  refused(bart, 'config_invalid', {
    d_model: [0], encoder_layers: [undefined], decoder_layers: ['6'], max_position_embeddings: [0],
    decoder_start_token_id: [50265], scale_embedding: ['x'],
  });
  throwsCode(() => parseConfig(bart({ d_model: 84 })), 'config_invalid', /d_model 84 over encoder_attention/);
});

test('the work of a T5, computed', () => {
  const config = parseConfig(flan());
  const { projections, cross, total, attention, head } = multiplyAdds(config, 9, 10, 100);
  const [C, Q, F] = [512, 384, 1024];
  assert.equal(projections, 8 * (6 * C * Q + 3 * C * F), 'K and V of the source are no part of it');
  assert.equal(attention, 8 * 10 * 2 * Q);
  assert.equal(cross.crossAttention, 8 * 100 * 2 * Q);
  assert.equal(cross.crossProjections, 8 * 100 * 2 * C * Q);
  assert.equal(cross.encoder, 8 * (100 * (4 * C * Q + 3 * C * F) + 100 * 100 * 2 * Q));
  assert.equal(total, projections + attention + head + cross.crossAttention);
});
