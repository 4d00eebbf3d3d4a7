/* kvc.h - a transformer's KV cache and cached attention, and a GPT-2 that runs on them.
 *
 *     size_t n;
 *     kvc_model *model;
 *     kvc_session *session;
 *     kvc_model_bytes(&config, &n);                       // ask ...
 *     kvc_model_init(&model, &config, malloc(n), n);      // ... then give
 *     kvc_model_set_tensor(model, "wte.weight", KVC_F16, shape, 2, data, n);  // and so on
 *     kvc_session_config sizes = {.capacity = 1024, .n_sequence = 1};
 *     kvc_session_bytes(model, &sizes, &n);
 *     kvc_session_init(&session, model, &sizes, malloc(n), n);
 *     kvc_session_prefill(session, prompt, n_prompt);     // read the prompt at once
 *     kvc_session_sample(session, &sampling, &rng, vocab_size, &id);
 *     kvc_session_decode(session, id);                    // one token more: one row
 *
 * The contract
 *   - A MODEL is a set of immutable weights; a SESSION is one timeline over it and owns its
 *     token history, KV cache, logits and scratch. Many sessions may share a model.
 *   - The cache changes the speed, never a bit of the output. Logits are bit-identical with
 *     the cache on and off, for every split of a prompt into prefills, and in every build:
 *     native gcc and clang at any -O and -march, wasm scalar, SIMD128 and relaxed SIMD.
 *   - Memory: a *_bytes() call says how much, the caller gives one block, 16-byte aligned,
 *     and frees it when done with the object. Nothing else is ever allocated.
 *   - The library never prints, exits, reads files or clocks, or keeps globals. What can
 *     fail returns a kvc_error and then leaves its object as it was. Untrusted bytes give an
 *     error.
 *   - One object must not be used from two threads at once.
 *
 * Shapes: B sequences, T tokens, L layers, H heads, Hkv heads of K and V, D head_dim,
 *         C channels (n_embd), S slots of capacity, V vocab_size. Arrays are row-major f32,
 *         last index fastest.
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
    KVC_ERR_INVALID_ARGUMENT, /* NULL, zero or out-of-range argument */
    KVC_ERR_CONFIG_INVALID,   /* sizes that no model can have, or that this one refuses */
    KVC_ERR_OUT_OF_MEMORY,    /* the block is too small, or the sizes overflow size_t */
    KVC_ERR_TENSOR_UNKNOWN,   /* surplus: a tensor that the config has no place for */
    KVC_ERR_TENSOR_DTYPE,     /* not F32, F16 or BF16 */
    KVC_ERR_TENSOR_SHAPE,     /* the shape is not what the config asks for */
    KVC_ERR_TENSOR_BYTES,     /* more or fewer bytes than shape and dtype ask for */
    KVC_ERR_TENSOR_DUPLICATE, /* this tensor is here already */
    KVC_ERR_TENSOR_MISSING,   /* the model is not complete */
    KVC_ERR_TOKEN_OUT_OF_RANGE, /* token id >= vocab_size */
    KVC_ERR_POSITION_OUT_OF_RANGE, /* a position, layer, sequence or length that isn't there */
    KVC_ERR_CONTEXT_FULL,          /* the session's capacity is used up */
    KVC_ERR_CACHE_FULL,            /* the cache's capacity is used up */
    KVC_ERR_NOT_READY,             /* no logits yet: prefill or decode first */
    KVC_ERR_NOT_FINITE,            /* NaN or infinity in a weight or in the logits */
    KVC_ERR_BUSY,          /* a pass or a tensor is under way: finish or cancel it */
    KVC_ERR_UNSUPPORTED,   /* mathematically wrong for this model, and so refused */
    KVC_ERR_STATE_INVALID, /* not a saved state, or a truncated or altered one */
    KVC_ERR_STATE_FOREIGN, /* a sound state of another version, model or shape */
    KVC_ERROR_COUNT
} kvc_error;

/* The lower-case name of an error ("context_full"), "unknown" for others. Static. */
const char *kvc_error_name(kvc_error error);

/* ---- the model: immutable weights -------------------------------------------------- */

/* Tensors arrive as F32, F16 or BF16 and become F32 or I8; a KV cache keeps F32, F16 or I8. */
typedef enum kvc_dtype { KVC_F32 = 0, KVC_F16, KVC_BF16, KVC_I8 } kvc_dtype;

/* Which tensors a model has and how they make a pass: one table each, in src/model/arch. */
typedef enum kvc_arch { KVC_GPT2 = 0, KVC_ARCH_COUNT } kvc_arch;

/* A model's sizes, each of its own: none follows from another. In a GPT-2, n_kv_head is
 * n_head, head_dim is n_embd / n_head, and n_inner, the width of the MLP, is 4 * n_embd
 * where config.json says null.
 *   n_kv_head: heads of K and V, each shared by n_head / n_kv_head heads of queries
 *   head_dim, n_embd: multiples of 4
 *   norm_epsilon: layer_norm_epsilon in a GPT-2's config.json
 *   weights: how the matrices are kept (the linear layers, and wte, which is the
 * embedding and the head). F32: exactly. I8: in a quarter of the bytes, every 32 inputs of
 * an output with one scale: w is about scale * i, scale = max |w| / 63, i rounded to
 * nearest even; activations meet them in 8 bits, in blocks of 32 as well, scale = max |x|
 * / 127. Also with I8 every build computes the same bits, and the cache changes none. */
typedef struct kvc_config {
    kvc_arch arch;
    uint32_t n_layer, n_head, n_kv_head, head_dim, n_embd, n_inner, n_positions,
        vocab_size;
    float norm_epsilon;
    kvc_dtype weights;
} kvc_config;

typedef struct kvc_model kvc_model;

/* Errors: CONFIG_INVALID (an unknown arch; a size that is 0 or beyond any model; head_dim % 4,
 * n_embd % 4, n_head % n_kv_head; an epsilon that is not between 0 and 1; weights other
 * than F32 and I8), INVALID_ARGUMENT (NULL). */
kvc_error kvc_config_check(const kvc_config *config);

/* The bytes that a model of these sizes takes, packed weights included.
 * Errors: CONFIG_INVALID, OUT_OF_MEMORY (more than size_t can say). */
kvc_error kvc_model_bytes(const kvc_config *config, size_t *bytes);

/* Lays a model without weights into memory. Errors: those of kvc_model_bytes,
 * OUT_OF_MEMORY (bytes is less than asked for), INVALID_ARGUMENT (memory is NULL or
 * not 16-byte aligned). */
kvc_error kvc_model_init(kvc_model **model, const kvc_config *config, void *memory,
                         size_t bytes);

/* Takes one tensor as it lies in a safetensors file: little-endian, row-major, under its
 * Hugging Face name with or without the prefix "transformer.". Conv1D weights are
 * [in, out].
 *   shape: [rank]     data: [bytes], any alignment, read during the call only
 * Names that GPT-2 files carry and no pass needs (h.N.attn.bias, h.N.attn.masked_bias,
 * and lm_head.weight, which is tied to wte.weight) are accepted and ignored. Errors:
 * TENSOR_UNKNOWN, _DTYPE, _SHAPE, _BYTES, _DUPLICATE; NOT_FINITE; BUSY. */
kvc_error kvc_model_set_tensor(kvc_model *model, const char *name, kvc_dtype dtype,
                               const uint64_t *shape, size_t rank, const void *data,
                               size_t bytes);

/* The same in pieces, for a file that streams in: begin names the tensor, each write
 * brings the next whole elements and packs them on arrival; the last one completes the
 * tensor. After an error in a write the tensor counts as not there; a write without a
 * begin is INVALID_ARGUMENT. cancel drops an unfinished tensor. Names that set_tensor
 * ignores are TENSOR_UNKNOWN here: ask kvc_model_ignores first and skip their bytes. */
kvc_error kvc_model_begin_tensor(kvc_model *model, const char *name, kvc_dtype dtype,
                                 const uint64_t *shape, size_t rank);
kvc_error kvc_model_write_tensor(kvc_model *model, const void *data, size_t bytes);
void kvc_model_cancel_tensor(kvc_model *model);

/* True for a name that is accepted and ignored, whatever its dtype and shape. */
bool kvc_model_ignores(const char *name);

/* KVC_OK once every tensor is there; else TENSOR_MISSING and *name is the first one
 * missing (lives as long as the model, until the next call). */
kvc_error kvc_model_complete(kvc_model *model, const char **name);

const kvc_config *kvc_model_config(const kvc_model *model);

/* A hash of the config and of every weight: states of one model fit no other. O(weights)
 * the first time, remembered then; 0 for a model that is not complete. */
uint64_t kvc_model_fingerprint(kvc_model *model);

/* ---- the session: one timeline ----------------------------------------------------- */

typedef struct kvc_session kvc_session;
typedef struct kvc_cache kvc_cache;

typedef struct kvc_session_config {
    size_t capacity;                /* tokens of each sequence, 1 .. n_positions */
    size_t n_sequence;              /* 1, or more for samples, beams and batches */
    kvc_dtype key_type, value_type; /* of the cache: F32, F16 or I8 */
} kvc_session_config;

/* Errors: INVALID_ARGUMENT, OUT_OF_MEMORY. */
kvc_error kvc_session_bytes(const kvc_model *model, const kvc_session_config *config,
                            size_t *bytes);

/* Lays an empty session into memory: position 0, cache on. The model must outlive it.
 * Errors: those of kvc_session_bytes, TENSOR_MISSING (the model is not complete). */
kvc_error kvc_session_init(kvc_session **session, kvc_model *model,
                           const kvc_session_config *config, void *memory, size_t bytes);

/* Appends T tokens to the timeline and computes the logits that follow the last of them.
 *   ids: [T]
 * Cache on: one pass over the tokens that the cache does not hold yet. Cache off: one
 * pass over the whole prefix, K and V in a one-layer scratch that is thrown away.
 * Errors, all leaving the session as it was: INVALID_ARGUMENT (T is 0),
 * TOKEN_OUT_OF_RANGE, CONTEXT_FULL, BUSY, NOT_FINITE (then the old logits are gone as
 * well). */
kvc_error kvc_session_prefill(kvc_session *session, const uint32_t *ids, size_t T);

/* The same for one token. */
kvc_error kvc_session_decode(kvc_session *session, uint32_t id);

/* A prefill in slices, for hosts that must stay responsive: begin checks and queues
 * the tokens, each step does one layer of up to 32 rows and returns KVC_PENDING until
 * the logits are there (KVC_OK). cancel drops the pass; the session is then as it was
 * before begin. Errors of step: NOT_READY (no pass is under way), NOT_FINITE. */
kvc_error kvc_session_begin(kvc_session *session, const uint32_t *ids, size_t T);
kvc_error kvc_session_step(kvc_session *session);
void kvc_session_cancel(kvc_session *session);

/* Makes the timeline ids[0 .. T-1], reusing what the cache holds of their longest common
 * prefix by token id; then step until it is KVC_OK, as after begin. *reused: tokens that
 * need no computing; T - *reused are computed, at least one unless the timeline is these
 * very tokens and has logits. With the cache off nothing is reused. cancel leaves the
 * common prefix. Errors, all leaving the session as it was: INVALID_ARGUMENT,
 * TOKEN_OUT_OF_RANGE, CONTEXT_FULL, BUSY. */
kvc_error kvc_session_begin_sync(kvc_session *session, const uint32_t *ids, size_t T,
                                 size_t *reused);

/* Scores a text: log_probs[t] = ln p(ids[t+1] | ids[0 .. t]), the full-sequence pass of
 * training. Apart from the timeline: neither it nor the cache nor the logits are read or
 * written.
 *   ids: [T], T >= 2, at most capacity + 1   log_probs: [T-1] out
 * Errors: INVALID_ARGUMENT, TOKEN_OUT_OF_RANGE, CONTEXT_FULL, BUSY, NOT_FINITE.
 * begin_score is the sliced form, continued by step (4 rows of logits each at the end)
 * and cancel; both arrays must stay until it ends. */
kvc_error kvc_session_score(kvc_session *session, const uint32_t *ids, size_t T,
                            float *log_probs);
kvc_error kvc_session_begin_score(kvc_session *session, const uint32_t *ids, size_t T,
                                  float *log_probs);

/* The logits after the last token: [V], until the next pass or change of sequences; NULL
 * where there are none (before the first pass, after truncate or reset, and after
 * NOT_FINITE). */
const float *kvc_session_logits(const kvc_session *session);

/* FNV-1a 64 over the bytes of the logits (4 * V, little-endian); 0 where there are
 * none. */
uint64_t kvc_session_logits_hash(const kvc_session *session);

/* Tokens in the timeline, and how many of them the cache holds (fewer while it is
 * off). */
size_t kvc_session_position(const kvc_session *session);
size_t kvc_session_cached(const kvc_session *session);
size_t kvc_session_capacity(const kvc_session *session);

/* Turns the cache on or off between any two tokens. Off: the cache keeps what it
 * holds. On again: the next pass first brings it up to date. Error: BUSY. */
kvc_error kvc_session_set_cache(kvc_session *session, bool use_cache);
bool kvc_session_uses_cache(const kvc_session *session);

/* Rewinds the timeline to its first n tokens. Errors: POSITION_OUT_OF_RANGE (n >
 * position), BUSY. Truncating to the current position changes nothing, the logits
 * stay. */
kvc_error kvc_session_truncate(kvc_session *session, size_t n);

/* Every sequence back to position 0, the cache zeroed, a pass under way dropped; the
 * cache stays on or off. */
void kvc_session_reset(kvc_session *session);

/* Drops tokens first .. first + n - 1 and moves later ones down. Always UNSUPPORTED here:
 * GPT-2's positions are learned and part of every cached K and V, so a token cannot move.
 * (kvc_cache_evict is the operation for caches that hold unrotated keys.) */
kvc_error kvc_session_evict(kvc_session *session, size_t first, size_t n);

typedef struct kvc_memory {
    size_t total_bytes;     /* the session's whole block: cache, scratch, logits */
    size_t cache_bytes;     /* of all slots, kvc_cache_memory.slot_bytes */
    size_t used_bytes;      /* of slots that hold tokens, shared ones counted once */
    size_t bytes_per_token; /* L * H * (bytes of a K and a V vector) */
} kvc_memory;
kvc_memory kvc_session_memory(const kvc_session *session);

/* The session's cache, to look into. Lives as long as the session. */
kvc_cache *kvc_session_cache(const kvc_session *session);

/* Attention weights of the last computed token of the selected sequence in one layer and
 * head: weights[j] = softmax_j(q . k[j] / sqrt(D)), j < position.   weights: [position]
 * out. Recomputed from the cache, bit for bit those of the pass. Errors: NOT_READY (no
 * logits, or the last pass ran with the cache off), POSITION_OUT_OF_RANGE. */
kvc_error kvc_session_attention(const kvc_session *session, size_t layer, size_t head,
                                float *weights);

/* What the passes did since init or the last clear, counted where it happens. A
 * multiply-add is one multiplication and one addition; lanes that only pad are left out.
 * Bytes are those that the kernels asked for: a weight once for a block of rows, a slot of
 * the cache once for two successive queries of a sequence. */
typedef struct kvc_counts {
    uint64_t projection_macs; /* q, k, v, proj, fc, mlp_proj */
    uint64_t attention_macs;  /* q . k and p . v */
    uint64_t head_macs;       /* logits */
    uint64_t weight_bytes;    /* read */
    uint64_t cache_bytes_read,
        cache_bytes_written; /* K and V, the cache-off scratch too */
} kvc_counts;
kvc_counts kvc_session_counts(const kvc_session *session);
void kvc_session_clear_counts(kvc_session *session);

/* ---- several sequences: samples, beams, batches -------------------------------------
 *
 * A session has n_sequence timelines over one cache. What is above speaks of the selected
 * one, 0 at first. Each has its own tokens, position and logits; pages of the cache that
 * several share are copied when one writes. */

/* Errors: POSITION_OUT_OF_RANGE, BUSY. */
kvc_error kvc_session_select(kvc_session *session, size_t sequence);
size_t kvc_session_selected(const kvc_session *session);

/* Sequence `to` becomes a copy of `from`: tokens, logits, and the cache's pages shared,
 * O(pages). Errors: POSITION_OUT_OF_RANGE, BUSY. */
kvc_error kvc_session_fork(kvc_session *session, size_t from, size_t to);

/* Sequence i becomes what from[i] was, all at once: beam search.   from: [n_sequence]
 * Errors: POSITION_OUT_OF_RANGE, BUSY. */
kvc_error kvc_session_reorder(kvc_session *session, const uint32_t *from);

/* Empties a sequence; or all but one. Errors: POSITION_OUT_OF_RANGE, BUSY. */
kvc_error kvc_session_drop(kvc_session *session, size_t sequence);
kvc_error kvc_session_keep(kvc_session *session, size_t sequence);

/* One token more for each of n different sequences, whatever their lengths, in one pass:
 * a block of rows reads each weight once. Continued by step, dropped by cancel; the bits
 * are those of each sequence alone.   sequences, ids: [n]
 * Errors, all leaving the session as it was: those of kvc_session_begin,
 * INVALID_ARGUMENT (a sequence twice), POSITION_OUT_OF_RANGE. */
kvc_error kvc_session_begin_batch(kvc_session *session, const uint32_t *sequences,
                                  const uint32_t *ids, size_t n);

/* The k likeliest next tokens among the ids below n_ids, likeliest first, the lowest id
 * first among equals, and their log-probabilities, the bits of kvc_session_score.
 *   ids, log_probs: [k] out
 * Errors: INVALID_ARGUMENT (k is 0 or > n_ids), NOT_READY. */
kvc_error kvc_session_top(kvc_session *session, size_t n_ids, size_t k, uint32_t *ids,
                          float *log_probs);

/* ---- a session as bytes --------------------------------------------------------------
 *
 * Version, model fingerprint, shape, every sequence's tokens and logits, the cache, and a
 * checksum; little-endian. A restored session goes on bit for bit. Any bytes may be given
 * to restore: what it cannot take whole leaves the session as it was. */

/* Errors of save: OUT_OF_MEMORY (bytes is less than asked for), BUSY; of all:
 * INVALID_ARGUMENT (NULL). */
kvc_error kvc_session_state_bytes(const kvc_session *session, size_t *bytes);
kvc_error kvc_session_save(kvc_session *session, void *state, size_t bytes);

/* The session must have at least as much capacity and as many sequences as the state has
 * tokens and sequences, and the same element types.
 * Errors: STATE_INVALID, STATE_FOREIGN, CONTEXT_FULL (does not fit), BUSY. */
kvc_error kvc_session_restore(kvc_session *session, const void *state, size_t bytes);

/* ---- the sampler ------------------------------------------------------------------- */

/* Applied in the order of Hugging Face's generate: repetition_penalty, temperature,
 * top_k, top_p, min_p; each has a value that switches it off. */
typedef struct kvc_sampling {
    float temperature; /* 0: greedy, the argmax, the lowest id among equals */
    uint32_t top_k;    /* keep the k likeliest; 0: off */
    float top_p;       /* keep the smallest set of at least this probability; 1: off */
    float min_p;       /* keep p >= min_p * p of the likeliest; 0: off */
    float repetition_penalty; /* of every id in the history (CTRL paper); 1: off */
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

/* ---- building blocks: the cache ----------------------------------------------------- */

/* One K and one V of (B, H, S, D) per layer; H counts KV heads; D is a multiple of 4. S is
 * rounded up to whole pages of KVC_PAGE slots in memory.
 *   F32: what was written, bit for bit.   F16: rounded to nearest even, too large ones to
 *   +-65504.   I8: x = scale * i, scale = max |x| / 127 for each head and token, i rounded
 *   to nearest even; K and V may differ. */
enum { KVC_PAGE = 16 };
typedef struct kvc_cache_shape {
    size_t batch, n_layer, n_kv_head, capacity, head_dim;
    kvc_dtype key_type, value_type;
} kvc_cache_shape;

/* Errors: INVALID_ARGUMENT (a size is 0, head_dim % 4, BF16), OUT_OF_MEMORY (overflow). */
kvc_error kvc_cache_bytes(const kvc_cache_shape *shape, size_t *bytes);

/* Lays an empty, zeroed cache into memory. Errors: those of kvc_cache_bytes and too
 * few bytes. */
kvc_error kvc_cache_init(kvc_cache **cache, const kvc_cache_shape *shape, void *memory,
                         size_t bytes);

const kvc_cache_shape *kvc_cache_get_shape(const kvc_cache *cache);

/* Tokens that sequence b holds. */
size_t kvc_cache_length(const kvc_cache *cache, size_t b);

/* Writes K and V of T tokens into the slots length .. length + T - 1 of one layer of
 * sequence b, in O(T): history is not touched, but for a page shared with another
 * sequence, which is copied once. The length stays until kvc_cache_advance.
 *   k, v: [T, H, D] with a row stride (floats from token to token) of at least H * D
 * Errors: POSITION_OUT_OF_RANGE (layer, b), CACHE_FULL, INVALID_ARGUMENT (NULL,
 * stride), NOT_FINITE (NaN or infinity for F16 or I8). */
kvc_error kvc_cache_append(kvc_cache *cache, size_t b, size_t layer, size_t T,
                           const float *k, const float *v, size_t stride);

/* Makes T appended tokens part of the history, once all layers have them.
 * Errors: POSITION_OUT_OF_RANGE (b), CACHE_FULL. */
kvc_error kvc_cache_advance(kvc_cache *cache, size_t b, size_t T);

/* Rewinds sequence b to n tokens. Error: POSITION_OUT_OF_RANGE (b, or n > length). */
kvc_error kvc_cache_truncate(kvc_cache *cache, size_t b, size_t n);

/* Removes the tokens first .. first + n - 1 of sequence b; later ones move down. Whole
 * pages (first and n multiples of KVC_PAGE) cost O(pages), others O(length - first). Only
 * for keys that do not know their position. Error: POSITION_OUT_OF_RANGE. */
kvc_error kvc_cache_evict(kvc_cache *cache, size_t b, size_t first, size_t n);

/* Sequence `to` becomes a copy of `from`, sharing its pages: O(pages).
 * reorder: sequence i becomes what from[i] was, all at once; from: [B].
 * drop empties one sequence, keep all the others. Error: POSITION_OUT_OF_RANGE. */
kvc_error kvc_cache_fork(kvc_cache *cache, size_t from, size_t to);
kvc_error kvc_cache_reorder(kvc_cache *cache, const uint32_t *from);
kvc_error kvc_cache_drop(kvc_cache *cache, size_t b);
kvc_error kvc_cache_keep(kvc_cache *cache, size_t b);

/* Every length 0, every slot zero: equal to a new cache bit for bit. */
void kvc_cache_reset(kvc_cache *cache);

/* Copies n tokens from token first on of one head out, as floats: k, v: [n, D].
 * Error: POSITION_OUT_OF_RANGE (first + n > length, layer, head, b). */
kvc_error kvc_cache_read(const kvc_cache *cache, size_t b, size_t layer, size_t head,
                         size_t first, size_t n, float *k, float *v);

typedef struct kvc_cache_memory {
    size_t slot_bytes;   /* all pages: 2 * B * L * H * S * D * 4 in F32, S rounded up */
    size_t used_bytes;   /* bytes_per_token * distinct slots that hold tokens */
    size_t shared_bytes; /* what more they would be if nothing were shared */
    size_t bytes_per_token; /* L * H * (key + value); F32 4D, F16 2D, I8 D + 4 each */
} kvc_cache_memory;
kvc_cache_memory kvc_cache_get_memory(const kvc_cache *cache);

/* The page that holds a slot of sequence b, 0 .. B * pages - 1; SIZE_MAX where none
 * does. Equal pages are shared. */
size_t kvc_cache_page(const kvc_cache *cache, size_t b, size_t slot);

/* What happens in the cache, for who wants to watch. Nobody listens at first, and then
 * nothing is recorded. Replayed from an empty cache (or from kvc_cache_page at the time of
 * kvc_cache_listen), the events give every sequence's length and pages.
 *   WRITE: K and V of `count` slots from `first` on, all within `page`, in one layer; or
 *          in all of them, layer UINT32_MAX: these slots are history now (advance), or
 *          hold what an eviction moved there, and the length is at least first + count
 *   READ:  attention went over `count` slots from `first` on, in one layer
 *   EVICT: `count` tokens from `first` on are gone, later ones have moved down: as whole
 *          pages where first and count are multiples of KVC_PAGE, else WRITEs follow that
 *          say where to. Pages beyond the new length are given back. A reset is the
 *          eviction of every sequence.
 *   REUSE: a new prompt begins with the `count` tokens that are there
 *   SHARE: the sequence is now the first `count` tokens of what sequence `page` was, and
 *          has no page beyond them; `layer` more SHAREs follow that happen at the same time
 * layer and page are UINT32_MAX where there is none. */
typedef enum kvc_event_type {
    KVC_EVENT_WRITE = 1,
    KVC_EVENT_READ,
    KVC_EVENT_EVICT,
    KVC_EVENT_REUSE,
    KVC_EVENT_SHARE
} kvc_event_type;
typedef struct kvc_event {
    uint32_t type, sequence, layer, first, count, page;
} kvc_event;

/* Records into events: [capacity], the caller's, until listen is called with NULL. */
void kvc_cache_listen(kvc_cache *cache, kvc_event *events, size_t capacity);

/* How many were recorded since listen or the last take; recording begins anew at
 * events[0]. *lost: how many more found no room. */
size_t kvc_cache_take_events(kvc_cache *cache, size_t *lost);

/* The cache as bytes, as kvc_session_save does it; fingerprint: of what made K and V.
 * A restored cache need not have the same capacity and number of sequences. Errors of save:
 * OUT_OF_MEMORY (bytes is less than asked for). Errors of restore, all leaving the cache
 * as it was: STATE_INVALID, STATE_FOREIGN (another version, fingerprint, or shape of a
 * token), CACHE_FULL (more sequences or tokens than there is room for). */
size_t kvc_cache_state_bytes(const kvc_cache *cache);
kvc_error kvc_cache_save(const kvc_cache *cache, uint64_t fingerprint, void *state,
                         size_t bytes);
kvc_error kvc_cache_restore(kvc_cache *cache, uint64_t fingerprint, const void *state,
                            size_t bytes);

/* ---- building blocks: cached attention ---------------------------------------------- */

/* Cached attention, causal: T new queries of sequence b, at positions length .. length +
 * T - 1, against everything cached and themselves; append their K and V first, advance
 * afterwards.
 *   y[t,h] = sum_j softmax_j(q[t,h] . k[j,g] / sqrt(D)) v[j,g],  j <= length + t,
 *   g = h / (n_head / n_kv_head)            (grouped-query; multi-head where equal)
 *   y: [T, n_head, D] out   q: the same, in
 *   scratch: kvc_attention_scratch(cache) floats, 16-byte aligned
 * Errors: INVALID_ARGUMENT (n_head is no multiple of n_kv_head, T is 0),
 * POSITION_OUT_OF_RANGE, CACHE_FULL. Source: Vaswani et al. 2017, section 3.2; Ainslie
 * et al. 2023 for groups. */
size_t kvc_attention_scratch(const kvc_cache *cache);
kvc_error kvc_attention(float *y, const float *q, size_t T, size_t n_head,
                        const kvc_cache *cache, size_t b, size_t layer, float *scratch);

/* The same without a mask, against everything cached: cross-attention over a source whose
 * K and V were appended and advanced once. Error besides: NOT_READY (nothing cached). */
kvc_error kvc_cross_attention(float *y, const float *q, size_t T, size_t n_head,
                              const kvc_cache *cache, size_t b, size_t layer,
                              float *scratch);

/* A multi-head attention with its projections and its own one-layer cache: a building
 * block of transformers that are not GPT-2.
 *   q = x Wq + bq;  k = s Wk + bk;  v = s Wv + bv;  y = attention(q, k, v) Wo + bo
 * Self-attention: s = x, causal. Cross-attention: s is the source, projected once by
 * set_source, never masked. */
typedef struct kvc_mha kvc_mha;

typedef struct kvc_mha_config {
    size_t n_embd;     /* C: of x and y, a multiple of 4 */
    size_t source_dim; /* 0: self-attention; else the width of the source, % 4 == 0 */
    size_t n_head, n_kv_head, head_dim;
    size_t batch, capacity; /* sequences; tokens, or source tokens for cross-attention */
    kvc_dtype key_type, value_type;
} kvc_mha_config;

typedef enum kvc_mha_weight { KVC_MHA_Q, KVC_MHA_K, KVC_MHA_V, KVC_MHA_O } kvc_mha_weight;

/* Errors: INVALID_ARGUMENT, OUT_OF_MEMORY. Weights are zero at first. */
kvc_error kvc_mha_bytes(const kvc_mha_config *config, size_t *bytes);
kvc_error kvc_mha_init(kvc_mha **mha, const kvc_mha_config *config, void *memory,
                       size_t bytes);

/* w: [in, out] row-major   bias: [out] or NULL: none. Q: in C, out n_head * D; K, V: in C or
 * source_dim, out n_kv_head * D; O: in n_head * D, out C. Errors: INVALID_ARGUMENT,
 * NOT_FINITE. */
kvc_error kvc_mha_set_weight(kvc_mha *mha, kvc_mha_weight which, const float *w,
                             const float *bias);

/* T new tokens of sequence b through the cache (self), or against the source (cross).
 *   y, x: [T, C]. Errors: INVALID_ARGUMENT, POSITION_OUT_OF_RANGE, CACHE_FULL, NOT_READY
 * (no source), NOT_FINITE (as kvc_cache_append). */
kvc_error kvc_mha_forward(kvc_mha *mha, float *y, const float *x, size_t b, size_t T);

/* The whole sequence of T <= capacity tokens without the cache, which is neither read nor
 * written: training and scoring. Self-attention only (cross: UNSUPPORTED). In F32 the bits
 * of forward in any split. */
kvc_error kvc_mha_full(kvc_mha *mha, float *y, const float *x, size_t T);

/* Projects the source of sequence b, source: [n, source_dim], in place of the one before.
 * Errors, which leave the source before: UNSUPPORTED (self-attention), CACHE_FULL,
 * INVALID_ARGUMENT, POSITION_OUT_OF_RANGE, NOT_FINITE (NaN or infinity in K or V). */
kvc_error kvc_mha_set_source(kvc_mha *mha, size_t b, const float *source, size_t n);

/* Rows of K and V projected so far: shows that a source is projected once. */
uint64_t kvc_mha_projected(const kvc_mha *mha);

/* Its cache, to truncate, reset, fork, look into. */
kvc_cache *kvc_mha_cache(kvc_mha *mha);

#ifdef __cplusplus
}
#endif
#endif
