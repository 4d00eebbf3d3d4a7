/* Narrow numbers in the cache: every half there is and its neighbours, int8 with a scale,
 * what they refuse, and what attention over them is: to the bit that over the floats they
 * stand for. */
#include <float.h>
#include <math.h>

#include "cache/vectors.h"
#include "oracle.h"
#include "plain_cache.h"
#include "random_model.h"

static const kvc_dtype types[] = {KVC_F32, KVC_F16, KVC_I8};

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

static void not_finite_is_refused(void **unused)
{
    (void)unused;
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t type = 0; type < 3; type++)
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

/* The vector code of attention reads every pattern of bits as the plain code does. */
static void pages_are_read_as_numbers_are(void **unused)
{
    (void)unused;
    uint64_t state = 2;
    enum { MOST = 128 };
    static const size_t sizes[] = {4, 12, 32, 44, 64, MOST};
    for (int round = 0; round < 4800; round++) {
        const size_t D = sizes[round / 4 % 6];
        const kvc_dtype type = round % 2 ? KVC_F16 : KVC_I8;
        const kvc_format format =
            round / 2 % 2 ? kvc_key_format(type, D) : kvc_value_format(type, D);
        _Alignas(16) unsigned char page[KVC_PAGE * (2 * MOST + 4)];
        _Alignas(16) float wide[KVC_PAGE * MOST];
        float row[MOST];
        for (size_t i = 0; i < KVC_PAGE * format.vector_bytes; i++)
            page[i] = (unsigned char)random_next(&state);
        for (size_t slot = 0; slot < KVC_PAGE && type == KVC_I8; slot++) {
            const float scale = random_value(&state, 0.0, 1.0);
            memcpy(page + KVC_PAGE * D + 4 * slot, &scale, sizeof scale);
        }
        kvc_page_widen(&format, wide, page);
        for (size_t slot = 0; slot < KVC_PAGE; slot++) {
            kvc_vector_load(&format, page, slot, row);
            for (size_t d = 0; d < D; d++) {
                const float x = wide[slot * format.slot_step + d * format.channel_step];
                assert_true((isnan(x) && isnan(row[d])) ||
                            memcmp(&x, &row[d], sizeof x) == 0);
            }
        }
    }
}

/* ---- attention --------------------------------------------------------------------- */

enum { T = 3 * KVC_PAGE + 5, H = 2, N_HEAD = 4, MOST_D = 128 };
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

/* Every split gives the same bits, and those of a cache of floats that holds what the
 * narrow one gives back. */
static void check_attention(void)
{
    uint64_t state = 3;
    float *q = random_array(T * N_HEAD * D, &state), *k = random_array(T * H * D, &state),
          *v = random_array(T * H * D, &state);
    static float wide_k[T * H * MOST_D], wide_v[T * H * MOST_D],
        want[T * N_HEAD * MOST_D], y[T * N_HEAD * MOST_D];
    for (size_t pair = 0; pair < 9; pair++) {
        kvc_cache *narrow = attend(y, q, k, v, types[pair % 3], types[pair / 3], T);
        read_back(narrow, wide_k, wide_v);
        free(narrow);
        free(attend(want, q, wide_k, wide_v, KVC_F32, KVC_F32, T));
        check_same(y, want, T * N_HEAD * D);
        for (size_t chunk = 1; chunk < T; chunk++) {
            free(attend(y, q, k, v, types[pair % 3], types[pair / 3], chunk));
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
    static const size_t sizes[] = {12, 44, MOST_D};
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
        {KVC_I8, KVC_I8, 1.2e-2},
    };
    static float y[T * N_HEAD * MOST_D];
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
            double *wide_q = oracle_widen(q, T * N_HEAD * D), exact[MOST_D];
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
        cmocka_unit_test(not_finite_is_refused),
        cmocka_unit_test(pages_are_read_as_numbers_are),
        cmocka_unit_test(attention_sees_what_is_read_back),
        cmocka_unit_test(errors_are_bounded),
    };
    return cmocka_run_group_tests_name("cache types", tests, NULL, NULL);
}
