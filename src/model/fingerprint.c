/* fingerprint.c - a hash of all that a model computes with: config and weights. */
#include <string.h>

#include "base/number.h"
#include "model/tensors.h"

/* Of int8 all scales come first, then all weights, wherever they lie. */
static uint64_t hash_int8(uint64_t hash, const kvc_matrix *m, bool weights)
{
    for (size_t o = 0; o < m->n_out; o += KVC_INT8_PANEL)
        for (size_t block = 0; block < kvc_blocks(m->n_in); block++) {
            const size_t width = kvc_matrix_width(m, o);
            const float *scales = kvc_matrix_at(m, block, o);
            hash = kvc_fnv1a_fold(
                weights ? kvc_fnv1a_words(hash, scales + width, width * KVC_BLOCK / 4)
                        : kvc_fnv1a_words(hash, scales, width));
        }
    return kvc_fnv1a_fold(hash);
}

static uint64_t hash_matrix(uint64_t hash, const kvc_matrix *m)
{
    if (m->int8)
        return hash_int8(hash_int8(hash, m, false), m, true);
    return kvc_fnv1a_words(hash, m->w, kvc_matrix_bytes(m) / sizeof *m->w);
}

static uint64_t hash_tensor(uint64_t hash, const kvc_place *place)
{
    if (place->plain)
        return kvc_fnv1a_words(hash, place->plain, place->shape[0] * place->shape[1]);
    for (size_t part = 0; part < place->parts; part++)
        hash = hash_matrix(hash, &place->matrix[part]);
    return hash;
}

/* Zeros at the end do not count: what a config gains leaves the states of models that
 * have none of it good. */
static uint64_t hash_config(const kvc_model *model)
{
    uint32_t words[sizeof(kvc_config) / sizeof(uint32_t)];
    size_t n = sizeof words / sizeof *words;
    memcpy(words, &model->config, sizeof words);
    while (n > offsetof(kvc_config, own_head) / sizeof *words && words[n - 1] == 0)
        n--;
    return kvc_fnv1a_words(KVC_FNV_START, words, n);
}

uint64_t kvc_model_fingerprint(kvc_model *model)
{
    const char *missing;
    if (kvc_model_complete(model, &missing) != KVC_OK)
        return 0;
    if (model->fingerprint == 0) {
        uint64_t hash = hash_config(model);
        for (size_t i = 0; i < kvc_tensor_count(model); i++) {
            if (!kvc_tensor_exists_at(model, i))
                continue;
            const kvc_place place = kvc_tensor_place(model, i);
            hash = hash_tensor(hash, &place);
        }
        model->fingerprint = hash ? hash : 1;
    }
    return model->fingerprint;
}
