/* kvc.h - a transformer's KV cache and cached attention, and models that run on them.
 *
 *     size_t n;
 *     kvc_model *model;
 *     kvc_session *session;
 *     kvc_model_bytes(&config, &n);                   // ask ...
 *     kvc_model_init(&model, &config, malloc(n), n);  // ... then give
 *     kvc_model_set_tensor(model, "wte.weight", KVC_F16, shape, 2, data, n);  // each one
 *     kvc_session_config sizes = {.capacity = 1024, .n_sequence = 1};
 *     kvc_session_bytes(model, &sizes, &n);
 *     kvc_session_init(&session, model, &sizes, malloc(n), n);
 *     kvc_session_prefill(session, prompt, n_prompt); // the whole prompt in one pass
 *     kvc_session_sample(session, &sampling, &rng, vocab_size, &id);
 *     kvc_session_decode(session, id);                // one more token: one row
 *
 * The contract
 *   - A MODEL is a set of immutable weights. A SESSION runs one or more sequences of
 *     tokens through it and owns their history, KV cache, logits and scratch memory. Any
 *     number of sessions may share a model.
 *   - The cache changes the speed, never a bit of the output. Logits are bit-identical
 *     with the cache on and off, for every split of a prompt into prefills, and in every
 *     build: native gcc and clang at any -O and -march; wasm scalar, SIMD128 and relaxed.
 *   - Memory: a *_bytes() call says how much is needed. The caller gives one block of
 *     that size, 16-byte aligned, and frees it when done with the object. Nothing else is
 *     ever allocated.
 *   - The library never prints, exits, reads files or clocks, or keeps globals. A
 *     function that can fail returns a kvc_error and then leaves its object as it was.
 *     Untrusted bytes give an error.
 *   - An object must not be used by two threads at the same time.
 *
 * Shapes: B sequences, T tokens, L layers, H heads, Hkv heads of K and V, D head_dim,
 *         C channels (n_embd), S slots of capacity, V vocab_size. Arrays are row-major
 *         f32, last index fastest.
 */
#ifndef KVC_H
#define KVC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- errors ------------------------------------------------------------------------ */

typedef enum kvc_error {
    KVC_OK = 0,
    KVC_PENDING,              /* not an error: kvc_session_step has more to do */
    KVC_ERR_INVALID_ARGUMENT, /* an argument is NULL, zero or out of range */
    KVC_ERR_CONFIG_INVALID,   /* sizes that no model has, or that this library refuses */
    KVC_ERR_OUT_OF_MEMORY,    /* the block is too small, or the sizes overflow size_t */
    KVC_ERR_TENSOR_UNKNOWN,   /* the model has no tensor of this name */
    KVC_ERR_TENSOR_DTYPE,     /* not F32, F16, BF16 or F8 */
    KVC_ERR_TENSOR_SHAPE,     /* not the shape that the config asks for */
    KVC_ERR_TENSOR_BYTES,     /* not the number of bytes that shape and dtype ask for */
    KVC_ERR_TENSOR_DUPLICATE, /* this tensor is already there */
    KVC_ERR_TENSOR_MISSING,   /* the model is not complete */
    KVC_ERR_TOKEN_OUT_OF_RANGE,    /* a token id >= vocab_size */
    KVC_ERR_POSITION_OUT_OF_RANGE, /* no such position, layer, sequence or length */
    KVC_ERR_CONTEXT_FULL,          /* the session's capacity is used up */
    KVC_ERR_CACHE_FULL,            /* the cache's capacity is used up */
    KVC_ERR_NOT_READY,             /* no logits yet: prefill or decode first */
    KVC_ERR_NOT_FINITE,            /* NaN or infinity in a weight or in the logits */
    KVC_ERR_BUSY,            /* a pass or a tensor is under way: finish or cancel it */
    KVC_ERR_UNSUPPORTED,     /* refused, since it would be mathematically wrong here */
    KVC_ERR_STATE_INVALID,   /* not a saved state, or a truncated or altered one */
    KVC_ERR_STATE_FOREIGN,   /* an intact state of another version, model or shape */
    KVC_ERR_WINDOW_PASSED,   /* K and V from before the layers' window were given back */
    KVC_ERR_NO_SOURCE,       /* the model needs a source: set_source first */
    KVC_ERR_SOURCE_TOO_LONG, /* longer than the session's source_capacity */
    KVC_ERROR_COUNT
} kvc_error;

/* The name of an error in lower case ("context_full"); "unknown" for any other number.
 * Static. */
const char *kvc_error_name(kvc_error error);

/* ---- the model: immutable weights -------------------------------------------------- */

/* Tensors arrive as F32, F16, BF16 or either F8. Weights are kept as F32 or I8, and K and
 * V in a cache as F32, F16, I8 or I4: in blocks of 32 numbers, each with a scale. */
typedef enum kvc_dtype {
    KVC_F32 = 0,
    KVC_F16,
    KVC_BF16,
    KVC_I8,
    KVC_I4,
    KVC_F8_E4M3, /* a byte: sign, 4 bits of exponent, 3 of fraction; no infinity */
    KVC_F8_E5M2  /* the upper byte of a half */
} kvc_dtype;

/* Architectures: what tensors a model has, and how a pass uses them (src/model/arch). */
typedef enum kvc_arch {
    KVC_GPT2 = 0,
    KVC_LLAMA,
    KVC_QWEN2, /* and 2.5 */
    KVC_QWEN3,
    KVC_GPT_NEOX, /* Pythia */
    KVC_PHI,      /* 1, 1.5 and 2 */
    KVC_OPT,
    KVC_GPT_NEO,
    KVC_GEMMA3,   /* text only */
    KVC_T5,       /* with an encoder, as those that follow */
    KVC_T5_GATED, /* 1.1, flan and mT5: a gated MLP */
    KVC_MARIAN,
    KVC_BART,
    KVC_ARCH_COUNT
} kvc_arch;

/* The sizes of a model. None is derived from another. In a GPT-2, n_kv_head is n_head,
 * head_dim is n_embd / n_head, and n_inner, the width of the MLP, is 4 * n_embd where
 * config.json says null.
 *   n_kv_head: heads of K and V; each serves n_head / n_kv_head heads of queries
 *   head_dim, n_embd: multiples of 4
 *   norm_epsilon: layer_norm_epsilon in a GPT-2's config.json
 *   weights: how the matrices are kept (those of the linear layers, and wte, which is
 *     both the embedding and the head). F32: exactly. I8: in about a quarter of the
 *     bytes, every 32 inputs of an output with one scale:
 *       w is about scale * i
 *       scale = max |w| / 63, i rounded to the nearest, ties to even
 *     They meet activations in 8 bits, also in blocks of 32, scale = max |x| / 127. I8
 *     gives the same bits in every build as well, and the cache changes none of them.
 *   own_head: 1 if the head is a matrix of its own, 0 if it is the embedding's (tied)
 * Zero in a GPT-2:
 *   attention_bias, mlp_bias: 1 if the matrices of these blocks have biases; 0 where the
 *     architecture leaves no choice, as in a Qwen2, whose q, k and v always have them
 *   rotary_dim: numbers of a head that turn with the position, even (RoPE)
 *   rope_theta: pair i turns by theta^(-2i/rotary_dim) from one position to the next
 *   rope_factor: 1, or the divisor of these angles: of all of them; or, where
 *     rope_original, the positions that the model was made for, is not 0, of those alone
 *     that take more than 1 / rope_low of the positions for a full turn, of those that
 *     take less than 1 / rope_high not at all, and of those between in part (Llama 3)
 *   rope_yarn: 1 if that part grows evenly from pair to pair (YaRN, where rope_low is
 *     beta_slow and rope_high beta_fast), between whole pairs; 2 if its borders lie
 *     between pairs (truncate: false). Only then may these be other than 0:
 *   rope_attention: turned heads are longer by this; 0: as follows from rope_factor,
 *     (0.1 m ln(factor) + 1) / (0.1 a ln(factor) + 1)
 *   rope_mscale, rope_mscale_all: m and a of this; 1 and 0 where the file is silent
 *   parallel: 1 if the blocks of a layer stand side by side, in a GPT-NeoX; 0 in a Phi,
 *     whose always do
 * Zero in most models:
 *   score_scale: what q . k is multiplied by, 1 in a GPT-Neo; 0: 1 / sqrt(head_dim)
 *   window: tokens that a query sees in some layers, itself the last of them; 0: every
 *     layer sees all
 *   window_layers: those layers; bit i % 32 of word i / 32 is layer i
 *   rope_local_theta: rope_theta in these layers, whose angles are never divided
 *     (Gemma 3); 0: they turn like the others
 * Zero where there is no encoder:
 *   n_encoder_layer: its layers; n_layer is the decoder's. All other sizes are those of
 *     both, and n_positions the most tokens of each
 *   relative_buckets, relative_distance: distances between tokens share so many weights,
 *     which are added to scores, half of them one by one, then ever more of them together
 *     up to this distance; an encoder has half of them for each direction (T5)
 *   scaled_head: 1 if the head takes rows divided by sqrt(n_embd), in a T5 */
typedef struct kvc_config {
    kvc_arch arch;
    uint32_t n_layer, n_head, n_kv_head, head_dim, n_embd, n_inner, n_positions,
        vocab_size;
    float norm_epsilon;
    kvc_dtype weights;
    uint32_t own_head, attention_bias, mlp_bias, rotary_dim, rope_original;
    float rope_theta, rope_factor, rope_low, rope_high;
    float score_scale;
    uint32_t window, window_layers[2];
    uint32_t rope_yarn;
    float rope_attention, rope_mscale, rope_mscale_all;
    uint32_t parallel;
    float rope_local_theta;
    uint32_t n_encoder_layer, relative_buckets, relative_distance, scaled_head;
} kvc_config;

typedef struct kvc_model kvc_model;

/* Errors: INVALID_ARGUMENT (NULL); CONFIG_INVALID: an unknown arch; a size that is 0
 * or beyond any model; head_dim or n_embd not a multiple of 4; n_head not a multiple
 * of n_kv_head, or another number in a GPT-NeoX; norm_epsilon not between 0 and 1;
 * weights other than F32 and I8; a flag other than 0 and 1, or for what the
 * architecture never has; rotary_dim odd, beyond head_dim, or 0 where positions are
 * rotations; rope_theta or rope_factor below 1 or not finite; rope_low and rope_high
 * not 0 < low < high where rope_original is not 0; rope_yarn without rope_original or
 * with a rope_theta of 1; what is only of YaRN elsewhere, negative or not finite;
 * score_scale negative or not finite; a window without layers, layers without a
 * window or that there are not; rope_local_theta other than 0, and below 1, not finite,
 * or without rotations; n_encoder_layer 0 where the architecture has an encoder, or not 0
 * where it has none; relative_buckets not a multiple of 4 up to 128, or not 0 elsewhere
 * than in a T5, relative_distance not beyond half of them or above 4096, and a
 * score_scale other than 1 with them. */
kvc_error kvc_config_check(const kvc_config *config);

/* The bytes that a model of these sizes takes, packed weights included.
 * Errors: those of kvc_config_check, OUT_OF_MEMORY (more than size_t can hold). */
kvc_error kvc_model_bytes(const kvc_config *config, size_t *bytes);

/* Lays a model without weights into memory. Errors: those of kvc_model_bytes,
 * OUT_OF_MEMORY (fewer bytes than asked for), INVALID_ARGUMENT (memory is NULL or not
 * 16-byte aligned). */
kvc_error kvc_model_init(kvc_model **model, const kvc_config *config, void *memory,
                         size_t bytes);

/* Takes one tensor as it lies in a safetensors file: little-endian, row-major, under its
 * Hugging Face name with or without its prefix ("transformer.", "model.", "gpt_neox.",
 * "model.decoder."), Conv1D weights [in, out], Linear weights [out, in].
 *   shape: [rank]     data: [bytes], any alignment, read during the call only
 * Tensors that files contain and no pass needs (masks as attn.bias and masked_bias,
 * rotary_emb.inv_freq, and the head's weight where it is tied) are accepted and
 * ignored. Errors: TENSOR_UNKNOWN, _DTYPE, _SHAPE, _BYTES, _DUPLICATE; NOT_FINITE;
 * BUSY. */
kvc_error kvc_model_set_tensor(kvc_model *model, const char *name, kvc_dtype dtype,
                               const uint64_t *shape, size_t rank, const void *data,
                               size_t bytes);

/* The same in pieces, for a file that streams in. begin names the tensor; each write
 * brings the next whole elements, which are packed on arrival; the last one completes the
 * tensor. An error in a write drops the whole tensor; a write without a begin is
 * INVALID_ARGUMENT. cancel drops an unfinished tensor. Names that set_tensor ignores are
 * TENSOR_UNKNOWN here: ask kvc_model_ignores first and skip their bytes. */
kvc_error kvc_model_begin_tensor(kvc_model *model, const char *name, kvc_dtype dtype,
                                 const uint64_t *shape, size_t rank);
kvc_error kvc_model_write_tensor(kvc_model *model, const void *data, size_t bytes);
void kvc_model_cancel_tensor(kvc_model *model);

/* True for a name that is accepted and ignored, whatever its dtype and shape. */
bool kvc_model_ignores(const kvc_model *model, const char *name);

/* KVC_OK once every tensor is there; else TENSOR_MISSING, and *name is the first one
 * missing (valid as long as the model, until the next call). */
kvc_error kvc_model_complete(kvc_model *model, const char **name);

/* The same of tensors that were begun, cancelled or not: a loader begins and cancels what
 * the headers of its files list, and knows before the first byte of weights what they
 * lack. */
kvc_error kvc_model_announced(kvc_model *model, const char **name);

const kvc_config *kvc_model_config(const kvc_model *model);

/* A hash of the config and of every weight, by which a saved state knows its model. Takes
 * O(weights) the first time and is then remembered; 0 while the model is not complete. */
uint64_t kvc_model_fingerprint(kvc_model *model);

/* ---- the session: tokens, cache and logits ----------------------------------------- */

typedef struct kvc_session kvc_session;
typedef struct kvc_cache kvc_cache;

/* What happens when a sequence has as many tokens as the cache holds.
 *   KVC_STOP:  no more of them: CONTEXT_FULL
 *   KVC_EVICT: the same, but kvc_session_evict can make room
 *   KVC_SLIDE: the oldest page of KVC_PAGE tokens goes, but for the first ones, the
 *     sinks, and the next token is computed with what is left (Xiao et al. 2023).
 *     Of C slots, E(t) = max(0, ceil((t + 1 - C) / KVC_PAGE)) pages are gone when token t
 *     of a text is computed: it sees the sinks and those from sinks + E(t) * KVC_PAGE on,
 *     numbered without a gap, itself at place t - E(t) * KVC_PAGE. So places never go
 *     beyond C, and what is computed depends on the text, C and the sinks alone.
 * Only where positions are rotations and no layer has a window; elsewhere UNSUPPORTED: a
 * token cannot move where its position was learned. */
typedef enum kvc_when_full { KVC_STOP = 0, KVC_EVICT, KVC_SLIDE } kvc_when_full;

/* Which tokens go first when kvc_cache_make_room evicts some.
 *   KVC_OLDEST:      the first ones
 *   KVC_LEAST_SEEN:  those whose attention weights are least, summed over all heads of
 *     all layers and all queries so far (H2O, Zhang et al. 2023). Weights are counted in
 *     multiples of 2^-24, rounded down, so that no order of queries matters
 *   KVC_LARGEST_KEY: those whose keys have the largest norms, summed over layers and
 *     heads (Devoto et al. 2024); of keys as they are stored */
typedef enum kvc_policy { KVC_OLDEST = 0, KVC_LEAST_SEEN, KVC_LARGEST_KEY } kvc_policy;

typedef struct kvc_session_config {
    size_t capacity;   /* tokens of each sequence in the cache, 1 .. n_positions; rounded
                        down to whole pages where it slides */
    size_t n_sequence; /* 1, or more for samples, beams and batches */
    kvc_dtype key_type, value_type; /* of the cache: F32, F16, I8, I4 */
    size_t source_capacity; /* tokens of the source, 1 .. n_positions; 0: no encoder */
    kvc_when_full when_full;
    size_t sinks;         /* first tokens that stay, rounded up to whole pages; at least a
                             page less than the capacity. 0 but where it slides */
    size_t text_capacity; /* tokens of each text, 4 bytes for each, at least the capacity;
                             0: the capacity. 0 with KVC_STOP */
    kvc_policy policy; /* where it slides, which page goes: of those between the sinks and
                          the last `recent` tokens the one that matters least. Of
                          KVC_LEAST_SEEN, all layers count but the last */
    size_t recent;     /* at least a page less than what the sinks leave */
} kvc_session_config;

/* Errors: INVALID_ARGUMENT, OUT_OF_MEMORY, UNSUPPORTED (what when_full says). */
kvc_error kvc_session_bytes(const kvc_model *model, const kvc_session_config *config,
                            size_t *bytes);

/* Lays an empty session into memory: position 0, cache on. The model must outlive it.
 * Errors: those of kvc_session_bytes, TENSOR_MISSING (the model is not complete). */
kvc_error kvc_session_init(kvc_session **session, kvc_model *model,
                           const kvc_session_config *config, void *memory, size_t bytes);

/* Appends T tokens and computes the logits that follow the last of them.
 *   ids: [T]
 * Cache on: one pass over the tokens that the cache does not hold yet. Cache off: one
 * pass over all tokens so far; K and V go into scratch memory of one layer and are thrown
 * away. (Where the cache slides, it is this memory itself: it is emptied first, and up to
 * date afterwards.) Errors, all leaving the session as it was: INVALID_ARGUMENT (T is 0),
 * TOKEN_OUT_OF_RANGE, CONTEXT_FULL, BUSY, WINDOW_PASSED (kvc_session_evict took some, and
 * this pass would have to compute them again), NOT_FINITE (this one also loses the old
 * logits). */
kvc_error kvc_session_prefill(kvc_session *session, const uint32_t *ids, size_t T);

/* The same for one token. */
kvc_error kvc_session_decode(kvc_session *session, uint32_t id);

/* A prefill in steps, for hosts that must stay responsive. begin checks and queues the
 * tokens; each step takes up to 32 rows through one layer and returns KVC_PENDING until
 * the logits are there (KVC_OK). cancel drops the pass and leaves the session as it was
 * before begin; but a page that had to go is gone, and where more of them had, so is the
 * rest of the cache: the next pass fills it again. Errors of step: NOT_READY (no pass is
 * under way), NOT_FINITE. */
kvc_error kvc_session_begin(kvc_session *session, const uint32_t *ids, size_t T);
kvc_error kvc_session_step(kvc_session *session);
void kvc_session_cancel(kvc_session *session);

/* Makes the sequence ids[0 .. T-1] and reuses what the cache holds of the longest common
 * prefix, compared by token id; continued by step, as after begin. *reused: tokens that
 * need no computing. The other T - *reused are computed: at least one, unless the
 * sequence is already these tokens and has logits. With the cache off, nothing is reused.
 * cancel leaves the common prefix. Nor is anything reused where layers with a window have
 * given back what the first token to compute needs. Errors, all leaving the session as it
 * was:
 * INVALID_ARGUMENT, TOKEN_OUT_OF_RANGE, CONTEXT_FULL, BUSY. */
kvc_error kvc_session_begin_sync(kvc_session *session, const uint32_t *ids, size_t T,
                                 size_t *reused);

/* Scores a text: log_probs[t] = ln p(ids[t+1] | ids[0 .. t]), the full-sequence pass of
 * training. It is apart from the session's sequences: tokens, cache and logits are
 * neither read nor written.
 *   ids: [T], 2 <= T <= capacity + 1   log_probs: [T-1] out
 * Where the cache slides, T may be more: as if these tokens had been decoded one by one.
 * Such a text goes through the memory of a sequence without tokens, whose element types
 * round it; CONTEXT_FULL where there is none.
 * Errors: INVALID_ARGUMENT, TOKEN_OUT_OF_RANGE, CONTEXT_FULL, BUSY, NOT_FINITE.
 * begin_score is the form in steps, continued by step (the last ones each compute 4 rows
 * of logits) and dropped by cancel; both arrays must stay valid until it ends. */
kvc_error kvc_session_score(kvc_session *session, const uint32_t *ids, size_t T,
                            float *log_probs);
kvc_error kvc_session_begin_score(kvc_session *session, const uint32_t *ids, size_t T,
                                  float *log_probs);

/* The logits after the last token: [V], valid until the next pass or change of sequences.
 * NULL where there are none: before the first pass, after truncate or reset, and after
 * NOT_FINITE. */
const float *kvc_session_logits(const kvc_session *session);

/* FNV-1a 64 over the 4 * V bytes of the logits, little-endian; 0 where there are none. */
uint64_t kvc_session_logits_hash(const kvc_session *session);

/* The number of tokens, and how many of them the cache has taken (fewer after tokens that
 * were computed with the cache off): it holds these, but for those that are evicted. */
size_t kvc_session_position(const kvc_session *session);
size_t kvc_session_cached(const kvc_session *session);

/* As they are, in whole pages where the session slides. */
size_t kvc_session_capacity(const kvc_session *session);
size_t kvc_session_sinks(const kvc_session *session);

/* The ids of these tokens.   [position], valid until the next call that changes them */
const uint32_t *kvc_session_ids(const kvc_session *session);

/* Turns the cache on or off between any two tokens. While off, the cache keeps what it
 * holds; once it is on again, the next pass first brings it up to date. Error: BUSY. */
kvc_error kvc_session_set_cache(kvc_session *session, bool use_cache);
bool kvc_session_uses_cache(const kvc_session *session);

/* Rewinds to the first n tokens. Truncating to the current position changes nothing; the
 * logits stay. Layers with a window give back pages that are out of reach: the last 17
 * tokens can always be taken back, and so can all, but otherwise WINDOW_PASSED where the
 * next token needs what is gone; so it is where tokens were evicted when the text was
 * longer than n. rewind goes anywhere: there, it empties the cache, and the next pass
 * first fills it again. Errors: POSITION_OUT_OF_RANGE (n > position), WINDOW_PASSED
 * (0 < n < kvc_cache_freed + window - 1, and that has freed some; or as said), BUSY. */
kvc_error kvc_session_truncate(kvc_session *session, size_t n);
kvc_error kvc_session_rewind(kvc_session *session, size_t n);

/* Every sequence back to position 0, the cache zeroed, a pass under way dropped. The
 * cache stays on or off. */
void kvc_session_reset(kvc_session *session);

/* Drops what the cache holds in slots first .. first + n - 1; later ones move down, and
 * the tokens to come see what is left, at these places. The text and its logits stay, but
 * no pass can do the same from the first token on: until the sequence is rewound to
 * before, the cache has to stay on (WINDOW_PASSED). Errors: UNSUPPORTED (KVC_STOP),
 * NOT_READY (the cache has not taken all tokens), POSITION_OUT_OF_RANGE, BUSY. */
kvc_error kvc_session_evict(kvc_session *session, size_t first, size_t n);

/* What the cache holds, slot by slot: which token of the text, and the slot that this was
 * when it was written, by whose place its key is turned.
 *   tokens, places: [kvc_cache_length of the selected sequence] out
 * Error: INVALID_ARGUMENT. */
kvc_error kvc_session_held(const kvc_session *session, uint32_t *tokens,
                           uint32_t *places);

typedef struct kvc_memory {
    size_t total_bytes;     /* the session's whole block: cache, scratch, logits */
    size_t cache_bytes;     /* of all slots: kvc_cache_memory.slot_bytes */
    size_t used_bytes;      /* of slots that hold tokens, shared ones counted once */
    size_t bytes_per_token; /* L * Hkv * (bytes of a K and a V vector) */
    size_t freed_bytes;     /* of slots given back: kvc_cache_memory.freed_bytes */
    size_t cross_bytes, cross_used_bytes,
        cross_bytes_per_token; /* the same of the cross cache, for a source's tokens */
} kvc_memory;
kvc_memory kvc_session_memory(const kvc_session *session);

/* The session's cache, for inspection. Lives as long as the session. */
kvc_cache *kvc_session_cache(const kvc_session *session);

/* Attention weights of the last token of the selected sequence in one layer and head:
 *   weights[j] = softmax_j(q . k[j] * score_scale),  j < position
 *   weights: [position] out, 0 where j lies before the layer's window; where tokens were
 *     evicted, of the slots that are left: [kvc_cache_length]
 * Recomputed from the cache, bit for bit those of the pass. Errors: NOT_READY (no logits,
 * or the last pass ran with the cache off, or what it saw is gone),
 * POSITION_OUT_OF_RANGE, INVALID_ARGUMENT. */
kvc_error kvc_session_attention(const kvc_session *session, size_t layer, size_t head,
                                float *weights);

/* The query that these weights come from: no pass needs it again, so only that of the
 * last token is there.   query: [D] out. Errors as above. */
kvc_error kvc_session_query(const kvc_session *session, size_t layer, size_t head,
                            float *query);

/* The work of all passes since init or the last clear, counted where it is done. A
 * multiply-add is one multiplication and one addition; lanes that are only padding do not
 * count. Bytes are those that the kernels asked for: a weight once for up to 32 rows, a
 * slot of the cache once for two successive queries of a sequence. */
typedef struct kvc_counts {
    uint64_t projection_macs; /* q, k, v and o; the MLP */
    uint64_t attention_macs;  /* q . k and p . v */
    uint64_t head_macs;       /* logits */
    uint64_t weight_bytes;    /* read */
    uint64_t cache_bytes_read,
        cache_bytes_written; /* K and V, also those in scratch while the cache is off */
    uint64_t encoder_macs;   /* all of the encoder's */
    uint64_t cross_projection_macs; /* k and v of the source; q and o stand above */
    uint64_t cross_attention_macs;  /* q . k and p . v over the source */
    uint64_t cross_bytes_read, cross_bytes_written; /* as above, of the source */
} kvc_counts;
kvc_counts kvc_session_counts(const kvc_session *session);
void kvc_session_clear_counts(kvc_session *session);

/* ---- several sequences: samples, beams, batches -------------------------------------
 *
 * A session has n_sequence sequences over one cache, each with its own tokens, position
 * and logits. The functions above work on the selected one, which is 0 at first.
 * Sequences share pages of the cache copy on write: a shared page is copied before it is
 * written. */

/* Errors: POSITION_OUT_OF_RANGE, BUSY. */
kvc_error kvc_session_select(kvc_session *session, size_t sequence);
size_t kvc_session_selected(const kvc_session *session);

/* Sequence `to` becomes a copy of `from`: tokens and logits are copied, the cache's pages
 * are shared, O(pages). Errors: POSITION_OUT_OF_RANGE, BUSY. */
kvc_error kvc_session_fork(kvc_session *session, size_t from, size_t to);

/* Sequence i becomes what from[i] was, all simultaneously: beam search.
 *   from: [n_sequence]
 * Errors: POSITION_OUT_OF_RANGE, BUSY, INVALID_ARGUMENT. */
kvc_error kvc_session_reorder(kvc_session *session, const uint32_t *from);

/* Empties a sequence; or all but one. Errors: POSITION_OUT_OF_RANGE, BUSY. */
kvc_error kvc_session_drop(kvc_session *session, size_t sequence);
kvc_error kvc_session_keep(kvc_session *session, size_t sequence);

/* One more token for each of n different sequences, of any lengths, in one pass that
 * reads each weight once for up to 32 of them. Continued by step, dropped by cancel; the
 * bits are those of each sequence alone.
 *   sequences, ids: [n]
 * Errors, all leaving the session as it was: those of kvc_session_begin, INVALID_ARGUMENT
 * (a sequence twice), POSITION_OUT_OF_RANGE. */
kvc_error kvc_session_begin_batch(kvc_session *session, const uint32_t *sequences,
                                  const uint32_t *ids, size_t n);

/* The k likeliest next tokens among the ids below n_ids, likeliest first, lower ids first
 * among equals, and their log-probabilities, with the bits of kvc_session_score.
 *   ids, log_probs: [k] out
 * Errors: INVALID_ARGUMENT (k is 0 or > n_ids, n_ids > V), NOT_READY. */
kvc_error kvc_session_top(kvc_session *session, size_t n_ids, size_t k, uint32_t *ids,
                          float *log_probs);

/* ---- models with an encoder: the source ----------------------------------------------
 *
 * An encoder reads a source, once; the decoder's sequences attend to what it makes of it.
 * A session has one source, which all its sequences share, and one cross cache: K and V
 * of the source in every layer of the decoder, projected once, never masked. Passes need
 * a source: without one, those that begin return NO_SOURCE. The first token of a sequence
 * (decoder_start_token_id) is the caller's to give. */

/* Makes ids[0 .. n-1] the source, and empties every sequence: what they hold was computed
 * from another. Continued by step: up to 32 tokens through half a layer of the encoder,
 * or into a layer of the cross cache; cancel leaves no source, and so does NOT_FINITE.
 * Errors, all leaving the session as it was: INVALID_ARGUMENT (n is 0), UNSUPPORTED (the
 * model has no encoder), SOURCE_TOO_LONG, TOKEN_OUT_OF_RANGE, BUSY. */
kvc_error kvc_session_begin_source(kvc_session *session, const uint32_t *ids, size_t n);
kvc_error kvc_session_set_source(kvc_session *session, const uint32_t *ids, size_t n);

/* The number of the source's tokens, 0 where there is none, and their ids, valid until
 * the next source. truncate and drop keep the source; reset does not. */
size_t kvc_session_source_length(const kvc_session *session);
const uint32_t *kvc_session_source(const kvc_session *session);

/* Turns the cross cache on, as it is at first, or off between any two passes. While off,
 * every pass projects the source again in each layer, into scratch memory, with the same
 * bits in F32; once it is on again, the next pass first fills it where it is empty.
 * Scoring never reads it. Errors: BUSY, UNSUPPORTED (no encoder). */
kvc_error kvc_session_set_cross_cache(kvc_session *session, bool use_cache);
bool kvc_session_uses_cross_cache(const kvc_session *session);

/* The cross cache, for inspection: one sequence. NULL where the model has no encoder. */
kvc_cache *kvc_session_cross_cache(const kvc_session *session);

/* kvc_session_attention over the source, from the cross cache: in all of it.
 *   weights: [source length] out. Errors: those of kvc_session_attention; NOT_READY also
 * where the cross cache is empty. */
kvc_error kvc_session_cross_attention(const kvc_session *session, size_t layer,
                                      size_t head, float *weights);

/* ---- a session as bytes --------------------------------------------------------------
 *
 * Version, model fingerprint, shape, the tokens and logits of every sequence, the cache,
 * the source with its cross cache, and a checksum; little-endian. A restored session
 * continues bit for bit. restore accepts any bytes: what it cannot take whole leaves the
 * session as it was. */

/* Errors: INVALID_ARGUMENT (NULL); of save also OUT_OF_MEMORY (fewer bytes than asked
 * for) and BUSY. */
kvc_error kvc_session_state_bytes(const kvc_session *session, size_t *bytes);
kvc_error kvc_session_save(kvc_session *session, void *state, size_t bytes);

/* The session needs the same element types, and room for the state's tokens and
 * sequences; where tokens are gone, the same when_full, capacity and sinks. Errors:
 * INVALID_ARGUMENT (NULL), STATE_INVALID, STATE_FOREIGN, CONTEXT_FULL (no room),
 * SOURCE_TOO_LONG, BUSY, UNSUPPORTED (tokens are gone, and none can leave this cache). */
kvc_error kvc_session_restore(kvc_session *session, const void *state, size_t bytes);

/* ---- the sampler ------------------------------------------------------------------- */

/* Applied in the order of Hugging Face's generate: repetition_penalty, temperature,
 * top_k, top_p, min_p. Each has a value that switches it off. */
typedef struct kvc_sampling {
    float temperature; /* 0: greedy, the largest logit, the lowest id among equals */
    uint32_t top_k;    /* keep the k likeliest; 0: off */
    float top_p;       /* keep the smallest set of at least this probability; 1: off */
    float min_p;       /* keep p >= min_p * p of the likeliest; 0: off */
    float repetition_penalty; /* for every id in the history (CTRL paper); 1: off */
} kvc_sampling;

/* Draws the next token id.
 *   logits: [V] in   history: [n_history] in, ids >= V are skipped
 *   scratch: 12 * V bytes without a declared type, as malloc gives them, 4-byte aligned
 *   rng: in/out, any value is a seed (SplitMix64); one step a draw, none when greedy
 * Ties go to the lowest id. Errors: INVALID_ARGUMENT (a parameter out of range),
 * NOT_FINITE. */
kvc_error kvc_sample(uint32_t *id, const float *logits, size_t V,
                     const kvc_sampling *sampling, uint64_t *rng, const uint32_t *history,
                     size_t n_history, void *scratch);

/* kvc_sample over the session's logits and history, among the ids below n_ids (1 .. V).
 * Errors: those of kvc_sample, NOT_READY. */
kvc_error kvc_session_sample(kvc_session *session, const kvc_sampling *sampling,
                             uint64_t *rng, size_t n_ids, uint32_t *id);

/* ---- building blocks: the cache ---------------------------------------------------- */

/* One K and one V of (B, H, S, D) for each layer; H counts the heads of K and V; D is a
 * multiple of 4. In memory, S is rounded up to whole pages of KVC_PAGE slots. (Layers of
 * a session that have a window of W tokens have room for the pages of W + 31 and of
 * W + 62 slots instead, if that is less.)
 *   F32: what was written, bit for bit.
 *   F16: rounded to the nearest, ties to even; what is too large becomes +-65504.
 *   I8:  x = scale * i, scale = max |x| / 127 for each head and token, i rounded to the
 *        nearest, ties to even.
 * K and V may have different types. */
enum { KVC_PAGE = 16 };

typedef struct kvc_cache_shape {
    size_t batch, n_layer, n_kv_head, capacity, head_dim;
    kvc_dtype key_type, value_type;
    kvc_policy policy;
} kvc_cache_shape;

/* Errors: INVALID_ARGUMENT (a size is 0, head_dim is not a multiple of 4, BF16 or F8, an
 * unknown policy), OUT_OF_MEMORY (overflow). */
kvc_error kvc_cache_bytes(const kvc_cache_shape *shape, size_t *bytes);

/* Lays an empty, zeroed cache into memory. Errors: those of kvc_cache_bytes,
 * OUT_OF_MEMORY (fewer bytes than asked for). */
kvc_error kvc_cache_init(kvc_cache **cache, const kvc_cache_shape *shape, void *memory,
                         size_t bytes);

const kvc_cache_shape *kvc_cache_get_shape(const kvc_cache *cache);

/* The number of tokens that sequence b holds. */
size_t kvc_cache_length(const kvc_cache *cache, size_t b);

/* Writes K and V of T tokens into the slots length .. length + T - 1 of one layer of
 * sequence b, in O(T): earlier slots are not touched, except that a page shared with
 * another sequence is copied once. The length stays until kvc_cache_advance.
 *   k, v: [T, H, D], stride floats from token to token, at least H * D
 * Errors: POSITION_OUT_OF_RANGE (layer, b), CACHE_FULL, INVALID_ARGUMENT (NULL, stride),
 * NOT_FINITE (NaN or infinity, which F16 and I8 cannot store). */
kvc_error kvc_cache_append(kvc_cache *cache, size_t b, size_t layer, size_t T,
                           const float *k, const float *v, size_t stride);

/* Makes T appended tokens part of the history, once all layers have them.
 * Errors: POSITION_OUT_OF_RANGE (b), CACHE_FULL. */
kvc_error kvc_cache_advance(kvc_cache *cache, size_t b, size_t T);

/* Rewinds sequence b to n tokens. Errors: POSITION_OUT_OF_RANGE (b, or n > length),
 * WINDOW_PASSED (only in a session's cache: kvc_session_truncate). */
kvc_error kvc_cache_truncate(kvc_cache *cache, size_t b, size_t n);

/* Removes the tokens first .. first + n - 1 of sequence b; later ones move down. Whole
 * pages (first and n multiples of KVC_PAGE) cost O(pages), anything else costs
 * O(length - first). Only for keys that do not depend on their position.
 * Error: POSITION_OUT_OF_RANGE. */
kvc_error kvc_cache_evict(kvc_cache *cache, size_t b, size_t first, size_t n);

/* Evicts n tokens of sequence b: of those behind the first `sinks` and before the last
 * `recent`, the ones that matter least by the cache's policy, the older of equals; one by
 * one, or as whole pages.
 *   unit: 1, or KVC_PAGE, of which n and sinks are multiples then
 * What queries looked at counts from kvc_cache_advance on, also that of tokens that it
 * leaves out, and stays when a sequence is truncated.
 * Errors: INVALID_ARGUMENT, POSITION_OUT_OF_RANGE (b; no n tokens there). */
kvc_error kvc_cache_make_room(kvc_cache *cache, size_t b, size_t n, size_t sinks,
                              size_t recent, size_t unit);

/* What decides about each token of sequence b: its sum of weights, or minus the norms'.
 *   importance: [length] out
 * Errors: INVALID_ARGUMENT, POSITION_OUT_OF_RANGE, UNSUPPORTED (age decides). */
kvc_error kvc_cache_importance(const kvc_cache *cache, size_t b, float *importance);

/* fork: sequence `to` becomes a copy of `from` and shares its pages, O(pages).
 * reorder: sequence i becomes what from[i] was, all simultaneously; from: [B].
 * drop empties one sequence, keep all others. Error: POSITION_OUT_OF_RANGE. */
kvc_error kvc_cache_fork(kvc_cache *cache, size_t from, size_t to);
kvc_error kvc_cache_reorder(kvc_cache *cache, const uint32_t *from);
kvc_error kvc_cache_drop(kvc_cache *cache, size_t b);
kvc_error kvc_cache_keep(kvc_cache *cache, size_t b);

/* Every length 0, every slot zero: bit for bit a new cache. */
void kvc_cache_reset(kvc_cache *cache);

/* Copies n tokens of one head out as floats, from token `first` on: k, v: [n, D].
 * Errors: POSITION_OUT_OF_RANGE (first + n > length, layer, head, b), WINDOW_PASSED (a
 * layer with a window, and first < kvc_cache_freed). */
kvc_error kvc_cache_read(const kvc_cache *cache, size_t b, size_t layer, size_t head,
                         size_t first, size_t n, float *k, float *v);

typedef struct kvc_cache_memory {
    size_t slot_bytes;   /* all pages: 2 * B * L * H * S * D * 4 in F32, S rounded up */
    size_t used_bytes;   /* bytes_per_token * distinct slots that hold tokens */
    size_t shared_bytes; /* what sharing saves: more bytes in use without it */
    size_t bytes_per_token; /* L * H * (key + value); F32 4D, F16 2D, I8 D + 4 each */
    size_t freed_bytes;     /* what windows save: more bytes in use without giving back */
} kvc_cache_memory;
kvc_cache_memory kvc_cache_get_memory(const kvc_cache *cache);

/* The page that holds a slot of sequence b, 0 .. B * pages - 1; SIZE_MAX where there is
 * none. Slots of two sequences with the same page are shared. Layers with a window have
 * pages of their own, shared in the same way, and lack the first ones. */
size_t kvc_cache_page(const kvc_cache *cache, size_t b, size_t slot);

/* Of a session's cache: how many of the first slots of sequence b layers with a window
 * have given back, whole pages; 0 where there are none. */
size_t kvc_cache_freed(const kvc_cache *cache, size_t b);

/* Cache events. Off until kvc_cache_listen(); nothing is recorded while off. Replayed
 * from an empty cache, or from kvc_cache_page at the time of kvc_cache_listen, the events
 * give the length and the pages of every sequence.
 *   WRITE: K and V of `count` slots from `first` on, all within `page`, in one layer. Or
 *          in all layers (layer is UINT32_MAX): these slots are history now (advance), or
 *          hold what an eviction moved there, and the length is at least first + count.
 *   READ:  attention went over `count` slots from `first` on, in one layer.
 *   EVICT: `count` tokens from `first` on are gone and later ones have moved down: by
 *          whole pages where first and count are multiples of KVC_PAGE, else WRITEs
 *          follow that say where to. Pages beyond the new length are given back. A reset
 *          is an eviction of every sequence.
 *   REUSE: a new prompt begins with `count` tokens that are already there.
 *   SHARE: the sequence is now the first `count` tokens of what sequence `page` was, and
 *          has no page beyond them; `layer` more SHAREs follow that happen
 *          simultaneously.
 *   FREE:  layers with a window gave back `count` slots from `first` on, whole pages; the
 *          sequence's length and the pages of the other layers stay.
 * layer and page are UINT32_MAX where there is none. */
typedef enum kvc_event_type {
    KVC_EVENT_WRITE = 1,
    KVC_EVENT_READ,
    KVC_EVENT_EVICT,
    KVC_EVENT_REUSE,
    KVC_EVENT_SHARE,
    KVC_EVENT_FREE
} kvc_event_type;
typedef struct kvc_event {
    uint32_t type, sequence, layer, first, count, page;
} kvc_event;

/* Starts recording into events: [capacity], which stay the caller's. NULL stops it. */
void kvc_cache_listen(kvc_cache *cache, kvc_event *events, size_t capacity);

/* The number of events recorded since listen or the last take; recording starts over at
 * events[0]. *lost: the number of further events that found no room. */
size_t kvc_cache_take_events(kvc_cache *cache, size_t *lost);

/* The cache as bytes, in the way of kvc_session_save. fingerprint: identifies what
 * computed K and V. Capacity and number of sequences may differ between the caches, and
 * so may their policies, but KVC_LEAST_SEEN is that of both or of neither.
 * Errors of save: INVALID_ARGUMENT (NULL), OUT_OF_MEMORY (fewer bytes than asked for).
 * Errors of restore, all leaving the cache as it was: INVALID_ARGUMENT (NULL),
 * STATE_INVALID, STATE_FOREIGN (another version, fingerprint, shape of a token, or
 * KVC_LEAST_SEEN in one alone), CACHE_FULL (no room for its sequences or tokens). */
size_t kvc_cache_state_bytes(const kvc_cache *cache);
kvc_error kvc_cache_save(const kvc_cache *cache, uint64_t fingerprint, void *state,
                         size_t bytes);
kvc_error kvc_cache_restore(kvc_cache *cache, uint64_t fingerprint, const void *state,
                            size_t bytes);

/* ---- building blocks: cached attention --------------------------------------------- */

/* Causal attention: T new queries of sequence b, at positions length .. length + T - 1,
 * against everything cached and themselves. Append their K and V before, advance after.
 *   y[t,h] = sum_j softmax_j(q[t,h] . k[j,g] / sqrt(D)) v[j,g],  j <= length + t
 *   g      = h / (n_head / n_kv_head)
 * One K and V for a group of heads is grouped-query attention; n_head = n_kv_head is
 * multi-head.
 *   y: [T, n_head, D] out   q: [T, n_head, D]
 *   scratch: kvc_attention_scratch(cache) floats, 16-byte aligned
 * Errors: INVALID_ARGUMENT (n_head is not a multiple of n_kv_head, T is 0),
 * POSITION_OUT_OF_RANGE, CACHE_FULL. Source: Vaswani et al. 2017, section 3.2; Ainslie et
 * al. 2023 for groups. */
size_t kvc_attention_scratch(const kvc_cache *cache);
kvc_error kvc_attention(float *y, const float *q, size_t T, size_t n_head,
                        const kvc_cache *cache, size_t b, size_t layer, float *scratch);

/* The same without a mask, against everything cached: cross-attention over a source whose
 * K and V were appended and advanced once. One more error: NOT_READY (nothing cached). */
kvc_error kvc_cross_attention(float *y, const float *q, size_t T, size_t n_head,
                              const kvc_cache *cache, size_t b, size_t layer,
                              float *scratch);

/* Multi-head attention with its projections and a one-layer cache of its own: a building
 * block for other transformers.
 *   q = x Wq + bq
 *   k = s Wk + bk
 *   v = s Wv + bv
 *   y = attention(q, k, v) Wo + bo
 * Self-attention: s = x, causal. Cross-attention: s is the source, projected once by
 * set_source and never masked. */
typedef struct kvc_mha kvc_mha;

typedef struct kvc_mha_config {
    size_t n_embd;     /* C: of x and y, a multiple of 4 */
    size_t source_dim; /* 0: self-attention; else the source's width, a multiple of 4 */
    size_t n_head, n_kv_head, head_dim;
    size_t batch, capacity; /* sequences; tokens, or source tokens for cross-attention */
    kvc_dtype key_type, value_type;
    kvc_policy policy; /* of kvc_cache_make_room in its cache */
} kvc_mha_config;

typedef enum kvc_mha_weight { KVC_MHA_Q, KVC_MHA_K, KVC_MHA_V, KVC_MHA_O } kvc_mha_weight;

/* All weights are zero at first. Errors: INVALID_ARGUMENT, OUT_OF_MEMORY. */
kvc_error kvc_mha_bytes(const kvc_mha_config *config, size_t *bytes);
kvc_error kvc_mha_init(kvc_mha **mha, const kvc_mha_config *config, void *memory,
                       size_t bytes);

/* w: [in, out] row-major   bias: [out], or NULL for none
 *   Q:    in = C,                out = n_head * D
 *   K, V: in = C or source_dim,  out = n_kv_head * D
 *   O:    in = n_head * D,       out = C
 * Errors: INVALID_ARGUMENT, NOT_FINITE. */
kvc_error kvc_mha_set_weight(kvc_mha *mha, kvc_mha_weight which, const float *w,
                             const float *bias);

/* T new tokens of sequence b, through the cache (self) or against the source (cross).
 *   y: [T, C] out   x: [T, C]
 * Errors: INVALID_ARGUMENT, POSITION_OUT_OF_RANGE, CACHE_FULL, NOT_READY (no source),
 * NOT_FINITE (as in kvc_cache_append). */
kvc_error kvc_mha_forward(kvc_mha *mha, float *y, const float *x, size_t b, size_t T);

/* A whole sequence of T <= capacity tokens without the cache, which is neither read nor
 * written: training and scoring. Self-attention only (cross: UNSUPPORTED). In F32, the
 * bits of kvc_mha_forward in any split. */
kvc_error kvc_mha_full(kvc_mha *mha, float *y, const float *x, size_t T);

/* Projects a source for sequence b, in place of the one before.
 *   source: [n, source_dim]
 * Errors, all leaving the old source in place: UNSUPPORTED (self-attention), CACHE_FULL,
 * INVALID_ARGUMENT, POSITION_OUT_OF_RANGE, NOT_FINITE (NaN or infinity in K or V). */
kvc_error kvc_mha_set_source(kvc_mha *mha, size_t b, const float *source, size_t n);

/* Rows of K and V projected so far, which shows that a source is projected once. */
uint64_t kvc_mha_projected(const kvc_mha *mha);

/* Its cache: to truncate, reset, fork, inspect. */
kvc_cache *kvc_mha_cache(kvc_mha *mha);

#ifdef __cplusplus
}
#endif
#endif
