/* wasm_session.c - the flat ABI: the session. */
#include "wasm.h"

/* One block: this, the ids that go in, the scores that come out, the kvc_session. */
typedef struct wasm_session {
    kvc_session *session;
    uint32_t *input; /* [capacity + 1] */
    float *scores;   /* [capacity] */
    uint64_t rng;
    size_t bytes; /* of the block */
} wasm_session;

/* mailbox.words[0]: the handle; words[1]: the bytes that the session takes, if that is
 * known */
kvc_error EXPORT(kvc_wasm_session_new)(kvc_model *model, size_t capacity)
{
    size_t bytes;
    const kvc_session_config config = {.capacity = capacity, .n_sequence = 1};
    kvc_error error = kvc_session_bytes(model, &config, &bytes);
    if (error)
        return error;
    const size_t front = kvc_round_up(
        sizeof(wasm_session) + (2 * capacity + 1) * sizeof(uint32_t), KVC_ALIGN);
    if (bytes > SIZE_MAX - front)
        return KVC_ERR_OUT_OF_MEMORY;
    mailbox.words[1] = front + bytes;
    unsigned char *block = kvc_wasm_allocate(front + bytes);
    if (!block)
        return KVC_ERR_OUT_OF_MEMORY;
    wasm_session *handle = (wasm_session *)(void *)block;
    *handle = (wasm_session){.input = (uint32_t *)(handle + 1), .bytes = front + bytes};
    handle->scores = (float *)(handle->input + capacity + 1);
    error = kvc_session_init(&handle->session, model, &config, block + front, bytes);
    if (error)
        free(block);
    else
        mailbox.words[0] = (uint32_t)handle;
    return error;
}

void EXPORT(kvc_wasm_session_free)(wasm_session *handle)
{
    free(handle);
}

uint32_t *EXPORT(kvc_wasm_session_input)(wasm_session *handle)
{
    return handle->input;
}

/* input[0 .. T-1]: the ids */
kvc_error EXPORT(kvc_wasm_session_begin)(wasm_session *handle, size_t T)
{
    return kvc_session_begin(handle->session, handle->input, T);
}

/* input[0 .. T-1]: the ids; once step returns KVC_OK, scores[0 .. T-2]: their
 * log-probabilities */
kvc_error EXPORT(kvc_wasm_session_begin_score)(wasm_session *handle, size_t T)
{
    return kvc_session_begin_score(handle->session, handle->input, T, handle->scores);
}

float *EXPORT(kvc_wasm_session_scores)(wasm_session *handle)
{
    return handle->scores;
}

kvc_error EXPORT(kvc_wasm_session_step)(wasm_session *handle)
{
    return kvc_session_step(handle->session);
}

void EXPORT(kvc_wasm_session_cancel)(wasm_session *handle)
{
    kvc_session_cancel(handle->session);
}

const float *EXPORT(kvc_wasm_session_logits)(wasm_session *handle)
{
    return kvc_session_logits(handle->session);
}

uint64_t EXPORT(kvc_wasm_session_logits_hash)(wasm_session *handle)
{
    return kvc_session_logits_hash(handle->session);
}

size_t EXPORT(kvc_wasm_session_position)(wasm_session *handle)
{
    return kvc_session_position(handle->session);
}

size_t EXPORT(kvc_wasm_session_cached)(wasm_session *handle)
{
    return kvc_session_cached(handle->session);
}

kvc_error EXPORT(kvc_wasm_session_set_cache)(wasm_session *handle, bool use_cache)
{
    return kvc_session_set_cache(handle->session, use_cache);
}

kvc_error EXPORT(kvc_wasm_session_truncate)(wasm_session *handle, size_t n)
{
    return kvc_session_truncate(handle->session, n);
}

void EXPORT(kvc_wasm_session_reset)(wasm_session *handle)
{
    kvc_session_reset(handle->session);
}

/* mailbox.words: bytes of the block, of the cache, of its used part, of one token in
 * it */
void EXPORT(kvc_wasm_session_memory)(wasm_session *handle)
{
    const kvc_memory m = kvc_session_memory(handle->session);
    const uint32_t words[] = {handle->bytes, m.cache_bytes, m.used_bytes,
                              m.bytes_per_token};
    memcpy(mailbox.words, words, sizeof words);
}

void EXPORT(kvc_wasm_session_seed)(wasm_session *handle, uint64_t seed)
{
    handle->rng = seed;
}

/* mailbox.words[0]: the id, drawn from those below n_ids */
kvc_error EXPORT(kvc_wasm_session_sample)(wasm_session *handle, float temperature,
                                          uint32_t top_k, float top_p, float min_p,
                                          float repetition_penalty, size_t n_ids)
{
    const kvc_sampling sampling = {temperature, top_k, top_p, min_p, repetition_penalty};
    return kvc_session_sample(handle->session, &sampling, &handle->rng, n_ids,
                              mailbox.words);
}
