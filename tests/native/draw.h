/* draw.h - one draw of the sampler, with exactly the scratch that kvc.h asks for. */
#ifndef DRAW_H
#define DRAW_H

#include "check.h"

static const kvc_sampling draw_plain = {1.0f, 0, 1.0f, 0.0f, 1.0f}; /* only the softmax */
static const kvc_sampling draw_greedy = {0.0f, 0, 1.0f, 0.0f, 1.0f};

static inline kvc_error draw_try(uint32_t *id, const float *logits, size_t V,
                                 const kvc_sampling *s, uint64_t *rng,
                                 const uint32_t *history, size_t n_history)
{
    float *scratch = check_alloc(3 * V, sizeof *scratch);
    const kvc_error error =
        kvc_sample(id, logits, V, s, rng, history, n_history, scratch);
    free(scratch);
    return error;
}

/* Without a history, where nothing can go wrong. */
static inline uint32_t draw_id(const float *logits, size_t V, const kvc_sampling *s,
                               uint64_t *rng)
{
    uint32_t id = UINT32_MAX;
    check_ok(draw_try(&id, logits, V, s, rng, NULL, 0));
    assert_true(id < V);
    return id;
}

#endif
