/* random_model.h - models of random weights that every language can make to the bit.
 *
 * The recipe (tests/node repeats it):
 *   1. State: a 64-bit integer, at first the seed. One draw is one step of SplitMix64:
 *        state += 0x9e3779b97f4a7c15;  z = state
 *        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;  z = (z ^ z >> 27) * 0x94d049bb133111eb
 *        z ^ z >> 31                                            (all modulo 2^64)
 *   2. The tensors of a GPT-2 are drawn in this order: wte.weight, wpe.weight; for each
 *      layer
 *      ln_1.weight, ln_1.bias, attn.c_attn.weight, attn.c_attn.bias,
 *      attn.c_proj.weight, attn.c_proj.bias,
 *      ln_2.weight, ln_2.bias, mlp.c_fc.weight, mlp.c_fc.bias, mlp.c_proj.weight,
 *      mlp.c_proj.bias; at last ln_f.weight, ln_f.bias and, where there is one,
 *      lm_head.weight.
 *   3. Each tensor row by row in its Hugging Face shape, one draw an element:
 *        m = (draw >> 40) - 2^23                    an integer in [-2^23, 2^23)
 *        value = fround(mean + m * 2^-23 * scale)   exact in double, rounded once
 *   4. mean and scale:
 *        ln_*.weight                  mean 1, scale 1/4
 *        every bias                   mean 0, scale 1/4
 *        wte.weight and wpe.weight    mean 0, scale 2^(2 - e), 4^e <= n_embd
 *        the other weights [in, out]  mean 0, scale 2^(1 - e), 4^e <= in
 *   5. Of a Llama: embed_tokens.weight; for each layer input_layernorm.weight,
 *      self_attn.q_proj.weight and, where there are biases, .bias, the same of k_proj,
 *      v_proj, o_proj, post_attention_layernorm.weight, mlp.gate_proj, up_proj and
 *      down_proj; at last norm.weight and, where there is one, lm_head.weight. mean and
 *      scale are as above: of norms, of biases, of embed_tokens and lm_head, and of the
 *      other weights, which here are [out, in].
 *   6. Of a Qwen2 the same, but q_proj, k_proj and v_proj always have biases. Of a Qwen3
 *      the same, and self_attn.q_norm.weight and k_norm.weight [head_dim] after o_proj.
 *   7. Of a GPT-NeoX: embed_in.weight; for each layer the weight and bias of
 *      input_layernorm, attention.query_key_value, attention.dense,
 *      post_attention_layernorm, mlp.dense_h_to_4h and mlp.dense_4h_to_h, those of
 *      attention without a bias where it has none; at last final_layer_norm and, where
 *      there is one, embed_out.weight. mean and scale as of a Llama.
 *   8. Of a Phi: embed_tokens.weight; for each layer weight and bias of input_layernorm,
 *      self_attn.q_proj, k_proj, v_proj and dense, mlp.fc1 and fc2; at last
 *      final_layernorm and, where there is one, lm_head.
 *   9. Of an OPT: embed_tokens.weight, embed_positions.weight [n_positions + 2, n_embd];
 *      for each layer weight and bias of self_attn_layer_norm, self_attn.q_proj, k_proj,
 *      v_proj and out_proj, final_layer_norm, fc1 and fc2; at last final_layer_norm and,
 *      where there is one, lm_head.weight. Tables are drawn as embeddings are.
 *  10. Of a GPT-Neo as of a GPT-2, but for attn.attention.q_proj, k_proj and v_proj, with
 *      no biases, in place of attn.c_attn, attn.attention.out_proj in place of
 *      attn.c_proj, and all of these and those of the MLP [out, in].
 *  11. Of a Gemma 3 as of a Qwen3, and behind post_attention_layernorm.weight those of
 *      pre_ and post_feedforward_layernorm; the norms' mean is 0.
 *  12. Of a T5: shared.weight; then of each stack, "encoder." and then "decoder." before
 *      the names: block.0.layer.0.SelfAttention.relative_attention_bias.weight, scale 1;
 *      for each of its layers, block.i, layer.0.layer_norm.weight, q, k, v and o of
 *      layer.0.SelfAttention; in the decoder layer.1.layer_norm.weight and the same of
 *      layer.1.EncDecAttention; of the last one layer_norm.weight, DenseReluDense.wi, or
 *      wi_0 and wi_1, and wo; at last its final_layer_norm.weight. Then, where there is
 *      one, lm_head.weight.
 *  13. Of a BART or Marian: shared.weight; of the encoder, then of the decoder, in a BART
 *      embed_positions.weight [n_positions + 2, n_embd] and layernorm_embedding; for each
 *      layer weight and bias of self_attn.q_proj, k_proj, v_proj, out_proj,
 *      self_attn_layer_norm; in the decoder of encoder_attn.q_proj, k_proj, v_proj,
 *      out_proj, encoder_attn_layer_norm; of fc1, fc2, final_layer_norm; at last
 *      final_logits_bias [1, vocab_size], a bias.
 */
#ifndef RANDOM_MODEL_H
#define RANDOM_MODEL_H

#include "kvc.h"
#include "oracle.h"

/* The same weights twice: plain for the oracle, packed for the engine. */
typedef struct random_model {
    oracle_model plain;
    kvc_model *packed;
} random_model;

uint64_t random_next(uint64_t *state);
size_t random_below(uint64_t *state, size_t n); /* 0 .. n-1 */
float random_value(uint64_t *state, double mean, double scale);
void random_values(float *x, size_t n, uint64_t *state); /* [n], in [-1, 1) */
float *random_array(size_t n, uint64_t *state);          /* the same, a new array */
void random_ids(uint32_t *ids, size_t n, size_t V, uint64_t *state);

/* The fields of a GPT-2 whose heads make up its channels:
 *     {GPT2_SIZES(2, 2, 8, 32, 64, 37)} */
#define GPT2_SIZES(L, H, C, F, P, V) .arch = KVC_GPT2, GPT_SIZES(L, H, C, F, P, V)
#define GPT_SIZES(L, H, C, F, P, V)                                                      \
    .n_layer = (L), .n_head = (H), .n_kv_head = (H), .head_dim = (C) / (H),              \
    .n_embd = (C), .n_inner = (F), .n_positions = (P), .vocab_size = (V),                \
    .norm_epsilon = 1e-5f

/* The same of a GPT-Neo, whose window is in the layers of a mask. */
#define NEO_SIZES(L, H, C, F, P, V, W, LAYERS)                                           \
    .arch = KVC_GPT_NEO, GPT_SIZES(L, H, C, F, P, V), .score_scale = 1.0f,               \
    .window = (W), .window_layers = {LAYERS}

/* The same of a Llama, which has a rope_factor besides:
 *     {LLAMA_SIZES(2, 4, 2, 8, 24, 32, 64, 37), .rope_factor = 1.0f} */
#define LLAMA_SIZES(L, H, K, D, C, F, P, V)                                              \
    .arch = KVC_LLAMA, KIN_SIZES(L, H, K, D, C, F, P, V)
/* And without its arch, for its kin. */
#define KIN_SIZES(L, H, K, D, C, F, P, V)                                                \
    .n_layer = (L), .n_head = (H), .n_kv_head = (K), .head_dim = (D), .n_embd = (C),     \
    .n_inner = (F), .n_positions = (P), .vocab_size = (V), .norm_epsilon = 1e-5f,        \
    .rotary_dim = (D), .rope_theta = 1e4f

/* Of a Phi, and without K of a GPT-NeoX: of both a part of each head turns, .rotary_dim.
 */
#define PHI_SIZES(L, H, K, D, C, F, P, V)                                                \
    .arch = KVC_PHI, PART_SIZES(L, H, K, D, C, F, P, V)
#define GPT_NEOX_SIZES(L, H, D, C, F, P, V)                                              \
    .arch = KVC_GPT_NEOX, PART_SIZES(L, H, H, D, C, F, P, V)
#define PART_SIZES(L, H, K, D, C, F, P, V)                                               \
    .n_layer = (L), .n_head = (H), .n_kv_head = (K), .head_dim = (D), .n_embd = (C),     \
    .n_inner = (F), .n_positions = (P), .vocab_size = (V), .norm_epsilon = 1e-5f,        \
    .rope_theta = 1e4f

/* Of an OPT, as of a GPT-2. */
#define OPT_SIZES(L, H, C, F, P, V)                                                      \
    .arch = KVC_OPT, .n_layer = (L), .n_head = (H), .n_kv_head = (H),                    \
    .head_dim = (C) / (H), .n_embd = (C), .n_inner = (F), .n_positions = (P),            \
    .vocab_size = (V), .norm_epsilon = 1e-5f

/* 1 .. 4 layers, head_dim 4 .. 40, up to 64 channels, an MLP and a vocabulary of any
 * width; heads that share K and V, and heads that are more or less than the channels. */
kvc_config random_config(uint64_t *state, size_t n_positions);

/* Makes a Llama of a config, or a Qwen2 or 3: angles of all kinds, a head of its own or
 * not, with biases or without. */
void random_llama(kvc_config *config, uint64_t *state);

/* A window in some of its layers, and a scale of its own, or not. */
void random_windows(kvc_config *config, uint64_t *state);

/* Another number of layers; a window only where one of them has it. */
void random_layers(kvc_config *config, uint32_t n_layer);

/* The same of a GPT-NeoX, which turns a part of each head. */
void random_gpt_neox(kvc_config *config, uint64_t *state);

/* The same of a Phi; and an OPT, whose angles it has none of. */
void random_phi(kvc_config *config, uint64_t *state);
void random_opt(kvc_config *config, uint64_t *state);

/* A T5 of either kind, a Marian or a BART, with up to 3 layers in the encoder; buckets
 * that short texts run out of, or those of all T5s. */
void random_seq2seq(kvc_config *config, uint64_t *state);

/* Of these, as of a Llama: E layers of the encoder. */
#define T5_SIZES(L, E, H, D, C, F, P, V)                                                 \
    .n_layer = (L), .n_encoder_layer = (E), .n_head = (H), .n_kv_head = (H),             \
    .head_dim = (D), .n_embd = (C), .n_inner = (F), .n_positions = (P),                  \
    .vocab_size = (V), .norm_epsilon = 1e-5f, .score_scale = 1.0f,                       \
    .relative_buckets = 32, .relative_distance = 128
#define BART_SIZES(L, E, H, D, F, P, V)                                                  \
    .n_layer = (L), .n_encoder_layer = (E), .n_head = (H), .n_kv_head = (H),             \
    .head_dim = (D), .n_embd = (H) * (D), .n_inner = (F), .n_positions = (P),            \
    .vocab_size = (V), .norm_epsilon = 1e-5f

/* Leaves two configs of eight a GPT-2, and makes others of the rest. */
void random_architecture(kvc_config *config, uint64_t *state);

/* random_config of any architecture, some with windows. */
kvc_config random_any_config(uint64_t *state, size_t n_positions);

/* Only the plain half: names, shapes, values. */
oracle_model random_weights(const kvc_config *config, uint64_t seed);
void random_weights_free(oracle_model *plain);

/* Asserts that the engine takes them. */
random_model random_model_new(const kvc_config *config, uint64_t seed);
void random_model_free(random_model *model);

/* Gives a tensor to the engine as f32. */
kvc_error random_model_set(kvc_model *model, const oracle_tensor *tensor);
size_t oracle_tensor_elements(const oracle_tensor *tensor);

/* The sizes of a session with one sequence, all float. */
kvc_session_config random_sizes(size_t capacity);

/* A session in memory full of NaN: reading what nobody wrote shows. End it with
 * free(). */
kvc_session *random_model_session(const random_model *model, size_t capacity);
kvc_session *random_model_sequences(const random_model *model,
                                    const kvc_session_config *sizes);

/* The logits that follow ids: [T], from a session of their own with the cache off.
 *   logits: [V] out */
void random_model_logits(float *logits, const random_model *model, const uint32_t *ids,
                         size_t T);

#endif
