/* Narrow numbers in the cache: every half there is and its neighbours, int8 with a scale,
 * what they refuse, and what attention over them is: to the bit that of plain loops. */
#include <float.h>
#include <math.h>

#include "base/number.h"
#include "cache/products.h"
#include "oracle.h"
#include "plain_cache.h"
#include "random_model.h"

static const kvc_dtype types[] = {KVC_F32, KVC_F16, KVC_I8, KVC_I4};

/* What a cache with keys of this type gives back for one vector of 8. */
static void round_trip(float *out, const float *x, kvc_dtype type)
{
    static float v[8];
    kvc_cache *cache = check_cache_of(1, 1, 1, 1, 8, type, KVC_F32);
    check_ok(kvc_cache_append(cache, 0, 0, 1, x, v, 8));
    check_ok(kvc_cache_advance(cache, 0, 1));
    check_ok(kvc_cache_read(cache, 0, 0, 0, 0, 1, out, v));
    free(cache);
}

/* ---- f16 --------------------------------------------------------------------------- */

/* The half of these bits without its sign, as the format defines it. */
static float half_value(unsigned bits)
{
    const int exponent = (int)(bits >> 10), fraction = (int)(bits & 1023);
    return exponent == 0 ? ldexpf((float)fraction, -24)
                         : ldexpf((float)(1024 + fraction), exponent - 25);
}

/* Each comes back as it was, and the numbers between two go to the nearer, the middle one
 * to the even one. */
static void every_half_and_between(void **unused)
{
    (void)unused;
    for (unsigned bits = 0; bits < 0x7bff; bits++) {
        const float low = half_value(bits), high = half_value(bits + 1);
        const float middle = low + (high - low) / 2.0f, even = bits & 1 ? high : low;
        const float x[8] = {low,     nextafterf(middle, 0.0f),    middle,
                            high,    nextafterf(middle, FLT_MAX), -low,
                            -middle, -nextafterf(middle, FLT_MAX)};
        const float want[8] = {low, low, even, high, high, -low, -even, -high};
        float got[8];
        round_trip(got, x, KVC_F16);
        check_same(got, want, 8);
    }
    const float x[8] = {65504.0f,  65505.0f, 65520.0f, FLT_MAX,
                        -65536.0f, FLT_MIN,  -FLT_MIN, 0x1p-25f};
    const float want[8] = {65504.0f,  65504.0f, 65504.0f, 65504.0f,
                           -65504.0f, 0.0f,     -0.0f,    0.0f};
    float got[8];
    round_trip(got, x, KVC_F16);
    check_same(got, want, 8);
}

/* ---- int8 -------------------------------------------------------------------------- */

/* Vectors of every size of number: within half a step of the scale, the largest exact to
 * rounding, the rest of a vector of zeros zero. */
static void int8_is_within_half_a_step(void **unused)
{
    (void)unused;
    uint64_t state = 1;
    for (int exponent = -149; exponent < 128; exponent++)
        for (int round = 0; round < 20; round++) {
            float x[8], got[8], most = 0.0f;
            for (size_t d = 0; d < 8; d++) {
                x[d] = ldexpf(random_value(&state, 0.0, 1.0), exponent);
                x[d] = random_below(&state, 9) ? x[d] : 0.0f;
                most = fabsf(x[d]) > most ? fabsf(x[d]) : most;
            }
            round_trip(got, x, KVC_I8);
            const double step = (double)most / 127.0;
            const bool tiny = most / 127.0f < FLT_MIN;
            for (size_t d = 0; d < 8; d++) {
                const double error = fabs((double)got[d] - (double)x[d]);
                assert_true(error <= (tiny ? (double)most : step * 0.50001));
                assert_true(!tiny || got[d] == 0.0f);
                if (fabsf(x[d]) == most && !tiny)
                    assert_true(error <= 1e-6 * (double)most);
            }
        }
}

/* Blocks of 32 have a scale of their own: the largest of a block is exact to that of a
 * half, the others are within half a step of it, or one where they would need an eighth
 * step. */
static void int4_is_within_a_step(void **unused)
{
    (void)unused;
    enum { D = 76 };
    uint64_t state = 1;
    for (int exponent = -12; exponent < 16; exponent++)
        for (int round = 0; round < 20; round++) {
            const kvc_format f = kvc_value_format(KVC_I4, D);
            _Alignas(16) unsigned char page[KVC_PAGE * D] = {0};
            float x[D], got[D];
            for (size_t d = 0; d < D; d++)
                x[d] = ldexpf(random_value(&state, 0.0, 1.0), exponent - (int)d / 32);
            kvc_vector_store(&f, page, 5, x);
            kvc_vector_load(&f, page, 5, got);
            for (size_t first = 0; first < D; first += 32) {
                float most = 0.0f;
                for (size_t d = first; d < D && d < first + 32; d++)
                    most = fabsf(x[d]) > fabsf(most) ? x[d] : most;
                for (size_t d = first; d < D && d < first + 32; d++) {
                    const double step = fabs((double)most) / 8.0,
                                 rest = step * 5e-3 + 0x1p-21;
                    const double error = fabs((double)got[d] - (double)x[d]);
                    const bool beyond =
                        x[d] * most < 0.0f && fabsf(x[d]) > 7.5f * (float)step;
                    assert_true(error <= (beyond ? step : step * 0.5) + rest);
                    assert_true(x[d] != most || error <= rest);
                }
            }
        }
}

/* Beyond what the largest half can scale, numbers are the largest that there are of their
 * sign, however far beyond. */
static void int4_keeps_the_sign_of_huge_numbers(void **unused)
{
    (void)unused;
    const float huge[] = {6e5f, 4e11f, 8.3e11f, 1e12f, 1.7e12f, 1e30f, FLT_MAX};
    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++)
        for (int sign = -1; sign <= 1; sign += 2) {
            const float x[8] = {(float)sign * huge[i], 0.0f, -(float)sign * huge[i]};
            float got[8];
            round_trip(got, x, KVC_I4);
            const float want[8] = {(float)sign * 8 * 65504.0f, 0.0f,
                                   (float)-sign * 7 * 65504.0f};
            check_same(got, want, 8);
        }
}

static void not_finite_is_refused(void **unused)
{
    (void)unused;
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t type = 0; type < sizeof types / sizeof *types; type++)
        for (size_t i = 0; i < 3; i++)
            for (size_t at = 0; at < 16; at++)
                for (int value = 0; value < 2; value++) {
                    kvc_cache *cache =
                        check_cache_of(1, 1, 2, 4, 4, value ? KVC_F32 : types[type],
                                       value ? types[type] : KVC_F32);
                    float good[16] = {0}, x[16] = {0}, k[8], v[8];
                    x[at] = bad[i];
                    check_error(kvc_cache_append(cache, 0, 0, 2, value ? good : x,
                                                 value ? x : good, 8),
                                type ? KVC_ERR_NOT_FINITE : KVC_OK);
                    if (type) { /* and nothing was written */
                        check_ok(kvc_cache_advance(cache, 0, 2));
                        check_ok(kvc_cache_read(cache, 0, 0, at / 4 % 2, 0, 2, k, v));
                        check_same(k, good, 8);
                        check_same(v, good, 8);
                    }
                    free(cache);
                }
}

/* ---- a whole page ------------------------------------------------------------------ */

enum { MOST_D = 1100 };
static const kvc_dtype narrow_types[] = {KVC_F16, KVC_I8, KVC_I4};

/* Any bits that a page can have: numbers of every size, in F16 some vectors of NaN. */
static void random_page(const kvc_format *f, void *page, uint64_t *state)
{
    unsigned char bytes[3 * MOST_D];
    for (size_t slot = 0; slot < KVC_PAGE; slot++) {
        const bool nan = random_below(state, 200) == 0;
        for (size_t i = 0; i < f->vector_bytes; i++)
            bytes[i] = (unsigned char)random_next(state);
        for (size_t i = 1; i < f->vector_bytes && f->type == KVC_F16; i += 2) {
            if ((bytes[i] & 0x7c) == 0x7c)
                bytes[i] ^= 0x40;
            if (nan)
                bytes[i] = 0x7f;
        }
        const size_t size = f->type == KVC_I8 ? 4 : 2;
        for (size_t b = 0; b < f->blocks; b++) {
            const float scale = random_value(state, 0.0, 1.0);
            const uint16_t half = kvc_half_from_float(scale);
            const void *bits = size == 4 ? (const void *)&scale : &half;
            memcpy(bytes + f->vector_bytes - (b + 1) * size, bits, size);
        }
        kvc_vector_unpack(f, page, slot, bytes);
    }
}

/* x as integers of 16 bits and a power of two. */
static float integers(long *q, const float *x, size_t n)
{
    float most = 0.0f;
    int e;
    for (size_t i = 0; i < n; i++)
        most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
    frexpf(most, &e);
    for (size_t i = 0; i < n; i++) {
        q[i] = most < 0x1p-100f ? 0 : lrintf(ldexpf(x[i], 15 - e));
        q[i] = q[i] > 32767 ? 32767 : q[i];
    }
    return most < 0x1p-100f ? 0.0f : ldexpf(1.0f, e - 15);
}

/* The scale of one number. */
static float scale_of(const kvc_format *f, const void *page, size_t slot, size_t d)
{
    const void *scales = kvc_page_scales(f, page);
    const size_t at = d / f->block * KVC_PAGE + slot;
    return f->type == KVC_I8 ? ((const float *)scales)[at]
                             : kvc_float_from_half(((const uint16_t *)scales)[at]);
}

/* q . k[slot], one number after another */
static float plain_score(const kvc_format *f, const float *q, const void *page,
                         size_t slot)
{
    static long fine[MOST_D];
    const size_t step = f->block < 512 ? f->block : 512;
    float sum = 0.0f;
    for (size_t d = 0; d < f->head_dim && f->type == KVC_F16; d++)
        sum += kvc_vector_number(f, page, slot, d) * q[d];
    if (f->type == KVC_F16)
        return sum;
    const float unit = integers(fine, q, f->head_dim);
    for (size_t first = 0; first < f->head_dim; first += step) {
        long exact = 0;
        for (size_t d = first; d < f->head_dim && d < first + step; d++)
            exact += fine[d] * (long)kvc_vector_number(f, page, slot, d);
        sum += (float)exact * (scale_of(f, page, slot, first) * unit);
    }
    return sum;
}

/* y + sum_j w[j] v[j,d] */
static float plain_mix(const kvc_format *f, float y, const float *w, size_t first,
                       size_t end, const void *page, size_t d)
{
    float scaled[KVC_PAGE] = {0.0f};
    long fine[KVC_PAGE], exact = 0;
    for (size_t j = first; j < end && f->type == KVC_F16; j++)
        y += kvc_vector_number(f, page, j, d) * w[j];
    if (f->type == KVC_F16)
        return y;
    for (size_t j = first; j < end; j++)
        scaled[j] = w[j] * scale_of(f, page, j, d);
    const float unit = integers(fine, scaled, KVC_PAGE);
    for (size_t j = first; j < end; j++)
        exact += fine[j] * (long)kvc_vector_number(f, page, j, d);
    return y + (float)exact * unit;
}

static void check_equal(float got, float want)
{
    assert_true((isnan(got) && isnan(want)) || memcmp(&got, &want, sizeof got) == 0);
}

/* Products with pages are those of plain loops, to the bit: of queries of every size, and
 * of any of the slots. */
static void pages_are_multiplied_as_numbers_are(void **unused)
{
    (void)unused;
    static _Alignas(16) unsigned char page[KVC_PAGE * 3 * MOST_D];
    static float q[MOST_D], y[MOST_D], before[MOST_D], room[MOST_D + 64];
    static const size_t sizes[] = {4, 12, 32, 44, 64, 80, 128, 516, MOST_D};
    uint64_t state = 2;
    for (size_t round = 0; round < 2700; round++) {
        const size_t D = sizes[round % 9];
        const kvc_dtype type = narrow_types[round / 9 % 3];
        const kvc_format keys = kvc_key_format(type, D),
                         values = kvc_value_format(type, D);
        const float size = ldexpf(1.0f, (int)random_below(&state, 30) - 10);
        float scores[KVC_PAGE], w[KVC_PAGE];
        assert_true(kvc_query_floats(D) <= sizeof room / sizeof *room);
        for (size_t d = 0; d < D; d++) {
            q[d] =
                random_below(&state, 9) ? random_value(&state, 0.0, (double)size) : 0.0f;
            before[d] = y[d] = random_value(&state, 0.0, 1.0);
        }
        for (size_t j = 0; j < KVC_PAGE; j++)
            w[j] = expf(random_value(&state, -3.0, 3.0));
        random_page(&keys, page, &state);
        kvc_query_prepare(&keys, room, q);
        kvc_page_score(&keys, scores, room, page);
        for (size_t j = 0; j < KVC_PAGE; j++)
            check_equal(scores[j], plain_score(&keys, q, page, j));
        random_page(&values, page, &state);
        const size_t first = random_below(&state, 2) ? random_below(&state, KVC_PAGE) : 0;
        const size_t end = random_below(&state, 2)
                               ? first + 1 + random_below(&state, KVC_PAGE - first)
                               : KVC_PAGE;
        for (size_t j = 0; j < KVC_PAGE; j++)
            w[j] = first <= j && j < end ? w[j] : 0.0f;
        assert_true(kvc_page_mix(&values, y, w, page));
        for (size_t d = 0; d < D; d++)
            check_equal(y[d], plain_mix(&values, before[d], w, first, end, page, d));
        for (size_t j = 0; j < KVC_PAGE; j++) /* nothing that matters: not read */
            w[j] *= 0x1p-36f;
        assert_false(kvc_page_mix(&values, y, w, NULL));
    }
}

/* A query or weight that is not finite makes everything NaN; what it would make of slots
 * that are not seen does not matter. */
static void what_is_not_finite_shows(void **unused)
{
    (void)unused;
    enum { D = 12 };
    _Alignas(16) unsigned char page[KVC_PAGE * 3 * D] = {0};
    float x[D], q[D], y[D] = {0.0f}, scores[KVC_PAGE], room[D + 64], w[KVC_PAGE];
    for (size_t i = 0; i < 3; i++)
        for (size_t at = 0; at < D; at++) {
            const kvc_format keys = kvc_key_format(narrow_types[i], D),
                             values = kvc_value_format(narrow_types[i], D);
            for (size_t d = 0; d < D; d++)
                x[d] = q[d] = 1.0f;
            for (size_t slot = 0; slot < KVC_PAGE; slot++)
                kvc_vector_store(&keys, page, slot, x);
            q[at] = at % 2 ? NAN : INFINITY;
            kvc_query_prepare(&keys, room, q);
            kvc_page_score(&keys, scores, room, page);
            for (size_t slot = 0; slot < KVC_PAGE; slot++) {
                assert_false(kvc_is_finite(scores[slot]));
                w[slot] = slot < at ? 1.0f : 0.0f;
                x[at] = slot < at ? 1.0f : NAN;
                kvc_vector_store(&values, page, slot, x);
            }
            memset(y, 0, sizeof y);
            kvc_page_mix(&values, y, w, page);
            for (size_t d = 0; d < D; d++)
                assert_true(kvc_is_finite(y[d]));
            w[at] = 1.0f;
            kvc_page_mix(&values, y, w, page);
            for (size_t d = 0; d < D; d++)
                assert_true(isnan(y[d]));
        }
}

/* ---- attention --------------------------------------------------------------------- */

enum { T = 3 * KVC_PAGE + 5, H = 2, N_HEAD = 4 };
static size_t D = 12;

/* T tokens appended and attended in chunks: y: [T, N_HEAD, D] */
static kvc_cache *attend(float *y, const float *q, const float *k, const float *v,
                         kvc_dtype key_type, kvc_dtype value_type, size_t chunk)
{
    kvc_cache *cache = check_cache_of(1, 1, H, T, D, key_type, value_type);
    float *scratch = check_alloc(kvc_attention_scratch(cache), sizeof *scratch);
    for (size_t t = 0, n; t < T; t += n) {
        n = chunk < T - t ? chunk : T - t;
        check_ok(kvc_cache_append(cache, 0, 0, n, k + t * H * D, v + t * H * D, H * D));
        check_ok(kvc_attention(y + t * N_HEAD * D, q + t * N_HEAD * D, n, N_HEAD, cache,
                               0, 0, scratch));
        check_ok(kvc_cache_advance(cache, 0, n));
    }
    free(scratch);
    return cache;
}

/* Reads a cache back as [T, H, D]. */
static void read_back(const kvc_cache *cache, float *k, float *v)
{
    for (size_t t = 0; t < T; t++)
        for (size_t h = 0; h < H; h++)
            check_ok(kvc_cache_read(cache, 0, 0, h, t, 1, k + (t * H + h) * D,
                                    v + (t * H + h) * D));
}

/* Every split gives the same bits: without integers those of a cache of floats that holds
 * what the narrow one gives back. */
static void check_attention(void)
{
    uint64_t state = 3;
    float *q = random_array(T * N_HEAD * D, &state), *k = random_array(T * H * D, &state),
          *v = random_array(T * H * D, &state);
    static float wide_k[T * H * 128], wide_v[T * H * 128], want[T * N_HEAD * 128],
        y[T * N_HEAD * 128];
    for (size_t pair = 0; pair < 16; pair++) {
        const bool integers = pair % 4 > 1 || pair / 4 > 1;
        kvc_cache *narrow = attend(want, q, k, v, types[pair % 4], types[pair / 4], T);
        read_back(narrow, wide_k, wide_v);
        free(narrow);
        free(attend(y, q, wide_k, wide_v, KVC_F32, KVC_F32, T));
        if (!integers)
            check_same(y, want, T * N_HEAD * D);
        for (size_t chunk = 1; chunk < T; chunk++) {
            free(attend(y, q, k, v, types[pair % 4], types[pair / 4], chunk));
            check_same(y, want, T * N_HEAD * D);
        }
    }
    free(q);
    free(k);
    free(v);
}

static void attention_sees_what_is_read_back(void **unused)
{
    (void)unused;
    static const size_t sizes[] = {12, 44, 128};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        D = sizes[i];
        check_attention();
    }
    D = 12;
}

/* The largest distance from the oracle over 30 draws: keys and values in [-1, 1), queries
 * in [-4, 4). A narrow V alone costs at most half a step of its numbers, since attention
 * is an average: 2^-12 in f16, 1 / 254 in int8. For K the bounds are what was measured,
 * rounded up. */
static void errors_are_bounded(void **unused)
{
    (void)unused;
    const struct {
        kvc_dtype key, value;
        double bound;
    } cases[] = {
        {KVC_F32, KVC_F32, 1e-6},           {KVC_F16, KVC_F32, 5e-4},
        {KVC_F32, KVC_F16, 0x1p-12 + 1e-6}, {KVC_F16, KVC_F16, 6e-4},
        {KVC_I8, KVC_F32, 1.2e-2},          {KVC_F32, KVC_I8, 1.0 / 254.0 + 1e-6},
        {KVC_I8, KVC_I8, 1.2e-2},           {KVC_I4, KVC_F32, 0.2},
        {KVC_F32, KVC_I4, 0.125},           {KVC_I4, KVC_I4, 0.25},
    };
    static float y[T * N_HEAD * 128];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t state = 4;
        double largest = 0.0;
        for (int round = 0; round < 30; round++) {
            float *q = random_array(T * N_HEAD * D, &state),
                  *k = random_array(T * H * D, &state),
                  *v = random_array(T * H * D, &state);
            for (size_t j = 0; j < T * N_HEAD * D; j++)
                q[j] *= 4.0f;
            free(attend(y, q, k, v, cases[i].key, cases[i].value, T));
            double *wide_q = oracle_widen(q, T * N_HEAD * D), exact[128];
            double *wide_k = oracle_widen(k, T * H * D),
                   *wide_v = oracle_widen(v, T * H * D);
            for (size_t t = 0; t < T; t++)
                for (size_t h = 0; h < N_HEAD; h++) {
                    const size_t g = h / (N_HEAD / H);
                    oracle_attention(exact, wide_q + (t * N_HEAD + h) * D, wide_k + g * D,
                                     wide_v + g * D, t + 1, D, H * D);
                    const double far = check_distance(y + (t * N_HEAD + h) * D, exact, D);
                    largest = far > largest ? far : largest;
                }
            free(wide_q);
            free(wide_k);
            free(wide_v);
            free(q);
            free(k);
            free(v);
        }
        assert_true(largest <= cases[i].bound); /* and narrow ones are not for nothing: */
        assert_true(i == 0 || largest > cases[i].bound / 5.0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half_and_between),
        cmocka_unit_test(int8_is_within_half_a_step),
        cmocka_unit_test(int4_is_within_a_step),
        cmocka_unit_test(int4_keeps_the_sign_of_huge_numbers),
        cmocka_unit_test(not_finite_is_refused),
        cmocka_unit_test(pages_are_multiplied_as_numbers_are),
        cmocka_unit_test(what_is_not_finite_shows),
        cmocka_unit_test(attention_sees_what_is_read_back),
        cmocka_unit_test(errors_are_bounded),
    };
    return cmocka_run_group_tests_name("cache types", tests, NULL, NULL);
}
