/* Model files from anywhere: any config, then tensors of any name, shape, dtype and size,
 * whole or streamed, broken off anywhere. Whatever came, the model can still be
 * completed, and then computes. */
#include <math.h>
#include <stdio.h>

#include "check.h"
#include "fuzz.h"
#include "random_model.h"

enum { MOST_MODEL_BYTES = 1 << 15, MOST_DATA = 4096 };

/* Small sizes mostly, and at times sizes beyond all reason. */
static kvc_config any_config(fuzz_bytes *in)
{
    static const uint32_t small[] = {1, 1, 4, 3, 6, 9};
    uint32_t size[6];
    const uint8_t wild = fuzz_byte(in), heads = fuzz_byte(in);
    for (size_t i = 0; i < 6; i++)
        size[i] = wild >> i & 1 ? (uint32_t)fuzz_u64(in) : small[i];
    float eps = 1e-5f;
    if (wild & 64)
        fuzz_copy(in, &eps, sizeof eps);
    const kvc_dtype weights = wild & 128 ? KVC_I8 : KVC_F32;
    kvc_config c = {.arch = heads >> 4 & 1 ? (kvc_arch)(heads >> 5) : KVC_GPT2,
                    .n_layer = size[0],
                    .n_head = size[1] << (heads >> 1 & 1),
                    .n_kv_head = heads & 8 ? (uint32_t)fuzz_u64(in) : size[1],
                    .head_dim = heads & 4 ? (uint32_t)fuzz_u64(in) : 4 + 4 * (heads & 1u),
                    .n_embd = size[2],
                    .n_inner = size[3],
                    .n_positions = size[4],
                    .vocab_size = size[5],
                    .norm_epsilon = eps,
                    .weights = weights};
    if (c.arch != KVC_GPT2 && c.arch != KVC_GPT_NEO) {
        c.own_head = heads >> 1 & 1u;
        c.rotary_dim = 4;
        c.rope_theta = 1e4f;
        c.rope_factor = 1.0f;
    }
    return c;
}

/* Some tensor that the model has, as a start that chance would hardly find. */
static oracle_tensor any_tensor(fuzz_bytes *in, const oracle_model *plain, char name[128])
{
    oracle_tensor t = plain->tensors[fuzz_below(in, plain->n_tensors)];
    const uint8_t changes = fuzz_byte(in);
    snprintf(name, 128, "%s%s", changes & 1 ? "transformer." : "", t.name);
    if (changes & 2)
        fuzz_copy(in, name + fuzz_below(in, strlen(name) + 1), fuzz_below(in, 8));
    if (changes & 4)
        snprintf(name, 128, "h.%llu.attn.bias", (unsigned long long)fuzz_u64(in));
    if (changes & 8)
        t.shape[fuzz_below(in, 2)] = fuzz_u64(in);
    if (changes & 16)
        t.rank = fuzz_below(in, 4);
    return t;
}

static const kvc_dtype dtypes[] = {KVC_F32,     KVC_F16,     KVC_BF16,
                                   KVC_F8_E4M3, KVC_F8_E5M2, (kvc_dtype)7};
static const size_t dtype_bytes[] = {4, 2, 2, 1, 1, 1};

/* One tensor, whole or in pieces; its data in a block of exactly its size. */
static void give_tensor(fuzz_bytes *in, kvc_model *model, const oracle_model *plain)
{
    char name[128] = {0};
    oracle_tensor t = any_tensor(in, plain, name);
    uint64_t shape[4] = {t.shape[0], t.shape[1], 1, 1};
    const size_t dtype = fuzz_below(in, 6), piece = fuzz_below(in, 64);
    size_t bytes = t.rank == 2 ? t.shape[0] * t.shape[1] : t.shape[0];
    bytes = (bytes > MOST_DATA ? MOST_DATA : bytes) * dtype_bytes[dtype];
    if (fuzz_below(in, 4) == 3)
        bytes = fuzz_below(in, MOST_DATA);
    uint8_t *data = check_alloc(1, bytes);
    memset(data, fuzz_byte(in), bytes);
    fuzz_copy(in, data, bytes < 4 ? bytes : 4);
    kvc_model_ignores(model, name);
    if (piece == 0)
        kvc_model_set_tensor(model, name, dtypes[dtype], shape, t.rank, data, bytes);
    else if (!kvc_model_begin_tensor(model, name, dtypes[dtype], shape, t.rank))
        for (size_t at = 0; at < bytes; at += piece)
            if (kvc_model_write_tensor(model, data + at,
                                       piece < bytes - at ? piece : bytes - at))
                break;
    free(data);
}

/* Every tensor that is not there goes in, and one token through the model. */
static void complete(kvc_model *model, const oracle_model *plain)
{
    const char *missing;
    kvc_model_cancel_tensor(model);
    for (size_t i = 0; i < plain->n_tensors; i++) {
        const kvc_error error = random_model_set(model, &plain->tensors[i]);
        fuzz_check(!error || error == KVC_ERR_TENSOR_DUPLICATE);
    }
    fuzz_check(!kvc_model_complete(model, &missing));
    const random_model both = {.packed = model};
    kvc_session *session = random_model_session(&both, 1);
    const kvc_error error = kvc_session_decode(session, 0);
    fuzz_check(!error || error == KVC_ERR_NOT_FINITE);
    const float *logits = kvc_session_logits(session);
    fuzz_check((logits != NULL) == !error);
    for (size_t i = 0; logits && i < plain->config.vocab_size; i++)
        fuzz_check(isfinite(logits[i]));
    free(session);
}

static void intake(fuzz_bytes in)
{
    const kvc_config config = any_config(&in);
    kvc_model *model;
    size_t bytes;
    if (kvc_model_bytes(&config, &bytes)) {
        fuzz_check(kvc_model_init(&model, &config, &bytes, SIZE_MAX) != KVC_OK);
        return;
    }
    if (bytes > MOST_MODEL_BYTES)
        return;
    void *memory = check_alloc(1, bytes);
    fuzz_check(!kvc_model_init(&model, &config, memory, bytes));
    oracle_model plain = random_weights(&config, 1);
    while (in.left > 0) {
        if (fuzz_below(&in, 8) == 7)
            kvc_model_cancel_tensor(model);
        give_tensor(&in, model, &plain);
    }
    complete(model, &plain);
    random_weights_free(&plain);
    free(memory);
}

FUZZ_TARGET(intake)
