/* importance.c - which tokens matter least, by a cache's policy. */
#include <string.h>

#include "base/number.h"
#include "base/simd.h"
#include "cache/cache.h"

#define UNIT 16777216.0 /* 2^24 of what is counted are a whole weight */
#define MOST_NORMS 1e38

kvc_looks kvc_looks_layout(kvc_arena *arena, const kvc_cache_shape *s, bool in_session)
{
    const size_t L = s->n_layer, rows = in_session ? 1 : L;
    kvc_looks looks = {.slots = KVC_PAGE * kvc_pages_for(s->capacity),
                       .layers = in_session ? L - 1 : L,
                       .rows = rows};
    if (s->policy == KVC_OLDEST)
        return looks;
    const size_t bytes = kvc_times(arena, looks.slots, sizeof(uint64_t));
    if (s->policy == KVC_LEAST_SEEN) {
        looks.sums = kvc_take(arena, s->batch, bytes);
        looks.fresh = kvc_take(arena, kvc_times(arena, s->batch, rows), bytes);
    }
    looks.importance = kvc_take(arena, 1, bytes);
    looks.key = kvc_take_floats(arena, 1, s->head_dim);
    return looks;
}

/* ---- what is counted --------------------------------------------------------------- */

static uint64_t *sums_of(const kvc_cache *cache, size_t b)
{
    return cache->looks.sums + b * cache->looks.slots;
}

static uint64_t *fresh_of(const kvc_cache *cache, size_t b, size_t row)
{
    return cache->looks.fresh + (b * cache->looks.rows + row) * cache->looks.slots;
}

uint64_t *kvc_looks_of(const kvc_cache *cache, size_t b, size_t layer)
{
    const kvc_looks *looks = &cache->looks;
    return looks->sums && layer < looks->layers
               ? fresh_of(cache, b, looks->rows > 1 ? layer : 0)
               : NULL;
}

void kvc_looks_count(uint64_t *looks, const float *scores, float sum, size_t first,
                     size_t end)
{
    const float unit = (float)UNIT * (1.0f / sum); /* a power of two: exact */
    for (size_t j = first; j < end && looks; j++) {
        const float weight = scores[j] * unit;
        looks[j] += weight < 2.0f * (float)UNIT ? (uint32_t)weight : 0; /* NaN is none */
    }
}

void kvc_looks_forget_layer(const kvc_cache *cache, size_t b, size_t layer)
{
    uint64_t *fresh = kvc_looks_of(cache, b, layer);
    if (fresh)
        memset(fresh, 0, cache->looks.slots * sizeof *fresh);
}

void kvc_looks_forget(const kvc_cache *cache, size_t b)
{
    const kvc_looks *looks = &cache->looks;
    if (looks->sums)
        memset(fresh_of(cache, b, 0), 0,
               looks->rows * looks->slots * sizeof *looks->fresh);
}

void kvc_looks_advance(const kvc_cache *cache, size_t b, size_t T)
{
    const size_t length = cache->length[b];
    if (!cache->looks.sums || T == 0)
        return;
    uint64_t *sums = sums_of(cache, b);
    memset(sums + length, 0, T * sizeof *sums);
    for (size_t row = 0; row < cache->looks.rows; row++) {
        uint64_t *fresh = fresh_of(cache, b, row);
        for (size_t slot = 0; slot < length + T; slot++)
            sums[slot] += fresh[slot];
        memset(fresh, 0, (length + T) * sizeof *fresh);
    }
}

void kvc_looks_evict(const kvc_cache *cache, size_t b, size_t first, size_t n)
{
    uint64_t *sums = cache->looks.sums ? sums_of(cache, b) + first : NULL;
    if (sums)
        memmove(sums, sums + n, (cache->length[b] - first - n) * sizeof *sums);
}

void kvc_looks_prepare(const kvc_cache *cache, size_t to, size_t from)
{
    if (cache->looks.sums)
        memcpy(fresh_of(cache, to, 0), sums_of(cache, from),
               cache->length[from] * sizeof(uint64_t));
}

void kvc_looks_become(const kvc_cache *cache, size_t to)
{
    if (cache->looks.sums)
        memcpy(sums_of(cache, to), fresh_of(cache, to, 0),
               cache->length[to] * sizeof(uint64_t));
    kvc_looks_forget(cache, to);
}

void kvc_looks_clear(const kvc_cache *cache)
{
    const kvc_looks *looks = &cache->looks;
    for (size_t b = 0; b < cache->shape.batch && looks->sums; b++) {
        memset(sums_of(cache, b), 0, looks->slots * sizeof *looks->sums);
        kvc_looks_forget(cache, b);
    }
}

void kvc_looks_write(const kvc_cache *cache, kvc_writer *writer)
{
    for (size_t b = 0; b < cache->shape.batch && cache->looks.sums; b++)
        for (size_t slot = 0; slot < cache->length[b]; slot++)
            kvc_write_u64(writer, sums_of(cache, b)[slot]);
}

kvc_error kvc_looks_check(const kvc_cache *cache, kvc_reader *reader, uint32_t B)
{
    for (uint32_t b = 0; b < B && cache->looks.sums; b++)
        kvc_read_space(reader, cache->next_length[b] * sizeof(uint64_t));
    return reader->failed ? KVC_ERR_STATE_INVALID : KVC_OK;
}

void kvc_looks_read(const kvc_cache *cache, kvc_reader *reader, uint32_t B)
{
    for (uint32_t b = 0; b < B && cache->looks.sums; b++)
        for (size_t slot = 0; slot < cache->length[b]; slot++)
            sums_of(cache, b)[slot] = kvc_read_u64(reader);
}

/* ---- what follows from it ---------------------------------------------------------- */

/* The norms of a slot's keys, summed over layers and heads. */
static double norms_of(const kvc_cache *cache, size_t b, size_t slot)
{
    const kvc_pool *keys = &cache->stores[KVC_WHOLE].keys;
    const size_t page = kvc_cache_page(cache, b, slot);
    float *key = cache->looks.key;
    double norms = 0.0;
    for (size_t i = 0; i < keys->n_heads; i++) {
        float sum = 0.0f;
        kvc_vector_load(&keys->format, kvc_pool_page(keys, i, page), slot % KVC_PAGE,
                        key);
        for (size_t d = 0; d < keys->format.head_dim; d++)
            sum += key[d] * key[d];
        norms += (double)kvc_sqrt(sum);
    }
    return norms < MOST_NORMS ? norms : MOST_NORMS; /* NaN too */
}

static double importance_of(const kvc_cache *cache, size_t b, size_t slot)
{
    return cache->looks.sums ? (double)sums_of(cache, b)[slot] / UNIT
                             : -norms_of(cache, b, slot);
}

kvc_error kvc_cache_importance(const kvc_cache *cache, size_t b, float *importance)
{
    if (!cache || !importance)
        return KVC_ERR_INVALID_ARGUMENT;
    if (b >= cache->shape.batch)
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    if (cache->shape.policy == KVC_OLDEST)
        return KVC_ERR_UNSUPPORTED;
    for (size_t slot = 0; slot < cache->length[b]; slot++)
        importance[slot] = (float)importance_of(cache, b, slot);
    return KVC_OK;
}

/* Where the `unit` slots that matter least begin, the first of equals. */
static size_t least(const double *importance, size_t first, size_t end, size_t unit)
{
    size_t at = first;
    double smallest = 0.0;
    for (size_t slot = first; slot + unit <= end; slot += unit) {
        double sum = 0.0;
        for (size_t i = 0; i < unit; i++)
            sum += importance[slot + i];
        if (slot == first || sum < smallest) {
            smallest = sum;
            at = slot;
        }
    }
    return at;
}

kvc_error kvc_cache_make_room(kvc_cache *cache, size_t b, size_t n, size_t sinks,
                              size_t recent, size_t unit)
{
    if (!cache || (unit != 1 && unit != KVC_PAGE) || n % unit != 0 || sinks % unit != 0)
        return KVC_ERR_INVALID_ARGUMENT;
    if (b >= cache->shape.batch)
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    const size_t length = cache->length[b];
    if (sinks > length || recent > length - sinks || n > length - sinks - recent)
        return KVC_ERR_POSITION_OUT_OF_RANGE;
    if (cache->shape.policy == KVC_OLDEST)
        return kvc_cache_evict(cache, b, sinks, n);
    double *importance = cache->looks.importance;
    for (size_t slot = 0; slot < length; slot++)
        importance[slot] = importance_of(cache, b, slot);
    kvc_error error = KVC_OK;
    for (size_t gone = 0; gone < n && !error; gone += unit) {
        const size_t left = length - gone;
        const size_t at = least(importance, sinks, left - recent, unit);
        memmove(importance + at, importance + at + unit,
                (left - at - unit) * sizeof *importance);
        error = kvc_cache_evict(cache, b, at, unit);
    }
    return error;
}
