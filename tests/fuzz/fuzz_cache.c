/* Any operations in any order on a cache, held against plain arrays after each: what was
 * written is what is read, whoever shared, cut, moved, saved or dropped what
 * meanwhile. */
#include <math.h>
#include <stdio.h>

#include "check.h"
#include "fuzz.h"

enum { MOST_S = 50, MOST_C = 8, MOST_L = 2, MOST_B = 3, MOST_T = 24 };

/* K and V of a sequence, as they read back. */
typedef struct row {
    float k[MOST_L][MOST_C], v[MOST_L][MOST_C];
} row;

typedef struct text {
    size_t n;
    row rows[MOST_S];
} text;

typedef struct state {
    fuzz_bytes in;
    kvc_cache_shape shape;
    kvc_cache *cache, *other; /* a saved state moves from one to the other */
    uint64_t drawn;
    text texts[MOST_B]; /* [B] */
} state;

/* ---- what is written --------------------------------------------------------------- */

static float draw(state *s, float size)
{
    s->drawn = s->drawn * 6364136223846793005u + 1442695040888963407u;
    return (float)((int32_t)(s->drawn >> 40) - (1 << 23)) * 0x1p-23f * size;
}

/* How far the element type may be from what was written.   most: max |x| of the vector */
static double tolerance(kvc_dtype type, float x, float most)
{
    const double size = fabs((double)x);
    if (type == KVC_F32)
        return 0.0;
    if (type == KVC_I8) /* vectors too small for a scale become zeros */
        return fmax((double)most / 127.0 * 0.5000001, 127 * 0x1p-126);
    if (type == KVC_I4) /* a step, where 8 of them are one too many; what halves lose */
        return fmax((double)most * (0.1251), 8 * 0x1p-24);
    return size > 65504.0 ? size - 65504.0 : fmax(size * 0x1p-11, 0x1p-25);
}

static void check_near(kvc_dtype type, const float *got, const float *written, size_t D)
{
    float most = 0.0f;
    for (size_t d = 0; d < D; d++)
        most = fmaxf(most, fabsf(written[d]));
    for (size_t d = 0; d < D; d++)
        fuzz_check(fabs((double)got[d] - (double)written[d]) <=
                   tolerance(type, written[d], most));
}

/* Reads the new rows into the model, which keeps them as they are. */
static void remember(state *s, size_t b, size_t T, const float *k, const float *v)
{
    const size_t H = s->shape.n_kv_head, D = s->shape.head_dim, C = H * D;
    text *t = &s->texts[b];
    for (size_t layer = 0; layer < s->shape.n_layer; layer++)
        for (size_t i = 0; i < T * H; i++) {
            const size_t at = i / H, h = i % H, from = (layer * T + at) * C + h * D;
            row *r = &t->rows[t->n + at];
            float *key = r->k[layer] + h * D, *value = r->v[layer] + h * D;
            fuzz_check(!kvc_cache_read(s->cache, b, layer, h, t->n + at, 1, key, value));
            check_near(s->shape.key_type, key, k + from, D);
            check_near(s->shape.value_type, value, v + from, D);
        }
    t->n += T;
}

/* T tokens into all layers, or into one and not advanced: nobody may see those. */
static void append(state *s, bool whole)
{
    static const float sizes[] = {1.0f, 1e-3f, 3e4f, 1e30f, 0.0f, 1e-41f};
    const kvc_cache_shape *shape = &s->shape;
    const size_t C = shape->n_kv_head * shape->head_dim, L = shape->n_layer;
    const size_t b = fuzz_below(&s->in, shape->batch + 1), T = fuzz_below(&s->in, MOST_T);
    const size_t stride = C + fuzz_below(&s->in, 2);
    const float size = sizes[fuzz_below(&s->in, 6)];
    if (b == shape->batch) {
        fuzz_check(kvc_cache_append(s->cache, b, 0, 0, &size, &size, C));
        return;
    }
    float *k = check_alloc(L * T * stride + 1, sizeof *k); /* NaN between the rows */
    float *v = check_alloc(L * T * stride + 1, sizeof *v);
    for (size_t i = 0; i < L * T * C; i++) {
        k[i / C * stride + i % C] = draw(s, size);
        v[i / C * stride + i % C] = draw(s, size);
    }
    const bool fits = T <= shape->capacity - s->texts[b].n;
    const kvc_error want = fits ? KVC_OK : KVC_ERR_CACHE_FULL;
    for (size_t layer = whole ? 0 : L - 1; layer < L; layer++)
        fuzz_check(kvc_cache_append(s->cache, b, layer, T, k + layer * T * stride,
                                    v + layer * T * stride, stride) == want);
    if (whole && fits) {
        for (size_t i = 0; i < L * T; i++) { /* without the gaps from now on */
            memmove(k + i * C, k + i * stride, C * sizeof *k);
            memmove(v + i * C, v + i * stride, C * sizeof *v);
        }
        fuzz_check(!kvc_cache_advance(s->cache, b, T));
        remember(s, b, T, k, v);
    } else if (whole)
        fuzz_check(kvc_cache_advance(s->cache, b, T) == want);
    free(k);
    free(v);
}

/* ---- what is moved ----------------------------------------------------------------- */

static void truncate_to(state *s)
{
    const size_t b = fuzz_below(&s->in, s->shape.batch), n = fuzz_below(&s->in, MOST_S);
    const bool can = n <= s->texts[b].n;
    fuzz_check(kvc_cache_truncate(s->cache, b, n) ==
               (can ? KVC_OK : KVC_ERR_POSITION_OUT_OF_RANGE));
    s->texts[b].n = can ? n : s->texts[b].n;
}

static void evict(state *s)
{
    const size_t b = fuzz_below(&s->in, s->shape.batch), unit = fuzz_byte(&s->in) % 2;
    const size_t first = fuzz_below(&s->in, MOST_S) * (unit ? KVC_PAGE : 1);
    const size_t n = fuzz_below(&s->in, MOST_S) * (unit ? KVC_PAGE : 1);
    text *t = &s->texts[b];
    const bool can = first <= t->n && n <= t->n - first;
    fuzz_check(kvc_cache_evict(s->cache, b, first, n) ==
               (can ? KVC_OK : KVC_ERR_POSITION_OUT_OF_RANGE));
    if (!can)
        return;
    memmove(t->rows + first, t->rows + first + n, (t->n - first - n) * sizeof *t->rows);
    t->n -= n;
}

static void fork_one(state *s)
{
    const size_t B = s->shape.batch, from = fuzz_below(&s->in, B + 1),
                 to = fuzz_below(&s->in, B);
    fuzz_check(kvc_cache_fork(s->cache, from, to) ==
               (from < B ? KVC_OK : KVC_ERR_POSITION_OUT_OF_RANGE));
    if (from < B)
        memmove(&s->texts[to], &s->texts[from], sizeof *s->texts);
}

static void reorder(state *s)
{
    const size_t B = s->shape.batch;
    uint32_t from[MOST_B];
    static text old[MOST_B];
    memcpy(old, s->texts, sizeof old);
    for (size_t b = 0; b < B; b++)
        from[b] = (uint32_t)fuzz_below(&s->in, B);
    fuzz_check(!kvc_cache_reorder(s->cache, from));
    for (size_t b = 0; b < B; b++)
        s->texts[b] = old[from[b]];
}

static void drop(state *s, bool all_others)
{
    const size_t which = fuzz_below(&s->in, s->shape.batch);
    fuzz_check(!(all_others ? kvc_cache_keep : kvc_cache_drop)(s->cache, which));
    for (size_t b = 0; b < s->shape.batch; b++)
        if ((b == which) != all_others)
            s->texts[b].n = 0;
}

static void save_and_restore(state *s)
{
    const uint64_t fingerprint = fuzz_below(&s->in, 4);
    const size_t bytes = kvc_cache_state_bytes(s->cache);
    unsigned char *saved = check_alloc(1, bytes);
    fuzz_check(kvc_cache_save(s->cache, fingerprint, saved, bytes - 1));
    fuzz_check(!kvc_cache_save(s->cache, fingerprint, saved, bytes));
    fuzz_check(kvc_cache_restore(s->other, fingerprint + 1, saved, bytes) ==
               KVC_ERR_STATE_FOREIGN);
    fuzz_check(!kvc_cache_restore(s->other, fingerprint, saved, bytes));
    free(saved);
    kvc_cache *old = s->cache;
    s->cache = s->other;
    s->other = old;
}

/* ---- what must hold ---------------------------------------------------------------- */

static void check_contents(const state *s)
{
    const size_t D = s->shape.head_dim;
    float k[MOST_S * MOST_C], v[MOST_S * MOST_C];
    for (size_t b = 0; b < s->shape.batch; b++) {
        const text *t = &s->texts[b];
        fuzz_check(kvc_cache_length(s->cache, b) == t->n);
        for (size_t layer = 0; layer < s->shape.n_layer; layer++)
            for (size_t h = 0; h < s->shape.n_kv_head; h++) {
                fuzz_check(!kvc_cache_read(s->cache, b, layer, h, 0, t->n, k, v));
                for (size_t i = 0; i < t->n; i++) {
                    const row *r = &t->rows[i];
                    const size_t bytes = D * sizeof *k;
                    fuzz_check(!memcmp(k + i * D, r->k[layer] + h * D, bytes));
                    fuzz_check(!memcmp(v + i * D, r->v[layer] + h * D, bytes));
                }
            }
    }
}

/* Every slot with a token has a page; shared ones count once. */
static void check_memory(const state *s)
{
    const size_t pages = (s->shape.capacity + KVC_PAGE - 1) / KVC_PAGE;
    size_t filled[MOST_B * (MOST_S / KVC_PAGE + 1)] = {0}, all = 0, distinct = 0;
    for (size_t b = 0; b < s->shape.batch; b++)
        for (size_t i = 0; i < s->texts[b].n; i++, all++) {
            const size_t page = kvc_cache_page(s->cache, b, i);
            fuzz_check(page < s->shape.batch * pages);
            fuzz_check(page == kvc_cache_page(s->cache, b, i - i % KVC_PAGE));
            if (filled[page] == i % KVC_PAGE) {
                filled[page]++;
                distinct++;
            }
        }
    const kvc_cache_memory m = kvc_cache_get_memory(s->cache);
    fuzz_check(m.used_bytes == m.bytes_per_token * distinct);
    fuzz_check(m.shared_bytes == m.bytes_per_token * (all - distinct));
    fuzz_check(m.slot_bytes == m.bytes_per_token * s->shape.batch * pages * KVC_PAGE);
}

static void step(state *s)
{
    switch (fuzz_below(&s->in, 16)) {
    case 0: append(s, false); break;
    case 1: truncate_to(s); break;
    case 2:
    case 3: evict(s); break;
    case 4:
    case 5: fork_one(s); break;
    case 6: reorder(s); break;
    case 7: drop(s, false); break;
    case 8: drop(s, true); break;
    case 9: save_and_restore(s); break;
    case 10:
        kvc_cache_reset(s->cache);
        for (size_t b = 0; b < MOST_B; b++)
            s->texts[b].n = 0;
        break;
    default: append(s, true);
    }
    check_contents(s);
    check_memory(s);
}

static void cache(fuzz_bytes in)
{
    static const kvc_dtype types[] = {KVC_F32, KVC_F16, KVC_I8, KVC_I4};
    static state s;
    memset(&s, 0, sizeof s);
    s.in = in;
    kvc_cache_shape *shape = &s.shape;
    shape->batch = 1 + fuzz_below(&s.in, MOST_B);
    shape->n_layer = 1 + fuzz_below(&s.in, MOST_L);
    shape->n_kv_head = 1 + fuzz_below(&s.in, 2);
    shape->head_dim = MOST_C / shape->n_kv_head;
    shape->capacity = 1 + fuzz_below(&s.in, MOST_S);
    shape->key_type = types[fuzz_below(&s.in, 3)];
    shape->value_type = types[fuzz_below(&s.in, 3)];
    s.cache =
        check_cache_of(shape->batch, shape->n_layer, shape->n_kv_head, shape->capacity,
                       shape->head_dim, shape->key_type, shape->value_type);
    s.other =
        check_cache_of(shape->batch, shape->n_layer, shape->n_kv_head, shape->capacity,
                       shape->head_dim, shape->key_type, shape->value_type);
    while (s.in.left > 0)
        step(&s);
    free(s.cache);
    free(s.other);
}

FUZZ_TARGET(cache)
