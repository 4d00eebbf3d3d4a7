/* fingerprint.c - a hash of all that a model computes with: config and weights. */
#include "base/number.h"
#include "model/tensors.h"

static uint64_t hash_matrix(uint64_t hash, const kvc_matrix *m)
{
    const size_t words = kvc_matrix_bytes(m) / sizeof(uint32_t);
    if (!m->q)
        return kvc_fnv1a_words(hash, m->w, words);
    const size_t scales = words / (1 + KVC_BLOCK / sizeof(uint32_t));
    return kvc_fnv1a_words(kvc_fnv1a_words(hash, m->w, scales), m->q, words - scales);
}

static uint64_t hash_tensor(uint64_t hash, const kvc_place *place)
{
    if (place->plain)
        return kvc_fnv1a_words(hash, place->plain, place->shape[0] * place->shape[1]);
    for (size_t part = 0; part < place->parts; part++)
        hash = hash_matrix(hash, &place->matrix[part]);
    return hash;
}

uint64_t kvc_model_fingerprint(kvc_model *model)
{
    const char *missing;
    if (kvc_model_complete(model, &missing) != KVC_OK)
        return 0;
    if (model->fingerprint == 0) {
        uint64_t hash = kvc_fnv1a_words(KVC_FNV_START, &model->config,
                                        sizeof model->config / sizeof(uint32_t));
        for (size_t i = 0; i < kvc_tensor_count(model); i++) {
            const kvc_place place = kvc_tensor_place(model, i);
            hash = hash_tensor(hash, &place);
        }
        model->fingerprint = hash ? hash : 1;
    }
    return model->fingerprint;
}
