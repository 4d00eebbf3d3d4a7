/* Numbers and their bits: half floats against the definition of the format, rounding by a
 * constant, the largest |x| wherever it stands, hashes against published values, and
 * sizes at the end of size_t. */
#include <float.h>
#include <math.h>

#include "base/arena.h"
#include "base/number.h"
#include "base/simd.h"
#include "check.h"
#include "random_model.h"

/* Every half, from exponent and fraction: exact, and NaN for infinity and NaN. */
static void every_half_is_widened(void **unused)
{
    (void)unused;
    for (unsigned bits = 0; bits < 0x10000; bits++) {
        const int exponent = bits >> 10 & 31, fraction = bits & 1023;
        const float magnitude = exponent == 0
                                    ? ldexpf((float)fraction, -24)
                                    : ldexpf((float)(1024 + fraction), exponent - 25);
        const float want = bits & 0x8000 ? -magnitude : magnitude;
        const float got = kvc_float_from_half((uint16_t)bits);
        if (exponent == 31)
            assert_true(isnan(got));
        else
            check_same(&got, &want, 1);
    }
}

/* Each half comes back; what lies between two goes to the nearer, the middle to the even
 * one. */
static void floats_become_the_nearest_half(void **unused)
{
    (void)unused;
    for (unsigned bits = 0; bits < 0x7bff; bits++) {
        const float low = kvc_float_from_half((uint16_t)bits);
        const float high = kvc_float_from_half((uint16_t)(bits + 1));
        const float middle = low + (high - low) / 2.0f;
        assert_int_equal(kvc_half_from_float(low), bits);
        assert_int_equal(kvc_half_from_float(-low), bits | 0x8000);
        assert_int_equal(kvc_half_from_float(nextafterf(middle, 0.0f)), bits);
        assert_int_equal(kvc_half_from_float(middle), bits + bits % 2);
        assert_int_equal(kvc_half_from_float(nextafterf(middle, FLT_MAX)), bits + 1);
    }
    assert_int_equal(kvc_half_from_float(65504.0f), 0x7bff);
    assert_int_equal(kvc_half_from_float(FLT_MAX), 0x7bff);
    assert_int_equal(kvc_half_from_float(-FLT_MAX), 0xfbff);
    const float bad[] = {INFINITY, -INFINITY, NAN, -NAN};
    for (size_t i = 0; i < 4; i++)
        assert_true(isnan(kvc_float_from_half(kvc_half_from_float(bad[i]))));
}

static void adding_the_rounder_rounds(void **unused)
{
    (void)unused;
    uint64_t state = 1;
    for (int round = 0; round < 100000; round++) {
        const float x = random_value(&state, 0.0, round % 2 ? 4e6 : 8.0);
        const float sum = x + KVC_ROUNDER, tie = floorf(x) + 0.5f;
        const float whole = sum - KVC_ROUNDER, want = rintf(x);
        assert_true(whole == want);
        assert_int_equal((int32_t)kvc_float_bits(sum) - KVC_ROUNDER_BITS, (int32_t)want);
        assert_true((tie + KVC_ROUNDER) - KVC_ROUNDER == rintf(tie));
    }
}

/* For every length: the largest magnitude at each place, NaN above infinity above
 * numbers, and nothing beyond the end. */
static void largest_magnitude(void **unused)
{
    (void)unused;
    uint64_t state = 2;
    const float special[] = {-2.0f, FLT_MAX, -INFINITY, NAN};
    assert_int_equal(kvc_largest_bits(NULL, 0), 0);
    for (size_t n = 1; n <= 40; n++) {
        float *x = random_array(n + 1, &state);
        x[n] = NAN;
        for (size_t at = 0; at < n; at++) {
            const float kept = x[at];
            for (size_t i = 0; i < 4; i++) {
                x[at] = special[i];
                assert_int_equal(kvc_largest_bits(x, n),
                                 kvc_float_bits(special[i]) & KVC_MAGNITUDE_BITS);
                assert_int_equal(kvc_is_finite(x[at]), i < 2);
            }
            x[at] = kept;
        }
        float most = 0.0f;
        for (size_t i = 0; i < n; i++)
            most = fmaxf(most, fabsf(x[i]));
        assert_int_equal(kvc_largest_bits(x, n), kvc_float_bits(most));
        free(x);
    }
}

/* Fowler, Noll and Vo's own test vectors; in words, one step for four bytes. */
static void hashes(void **unused)
{
    (void)unused;
    assert_true(kvc_fnv1a(KVC_FNV_START, "", 0) == 0xcbf29ce484222325u);
    assert_true(kvc_fnv1a(KVC_FNV_START, "a", 1) == 0xaf63dc4c8601ec8cu);
    assert_true(kvc_fnv1a(KVC_FNV_START, "foobar", 6) == 0x85944171f73967e8u);
    const uint64_t foo = kvc_fnv1a(KVC_FNV_START, "foo", 3);
    assert_true(kvc_fnv1a(foo, "bar", 3) == 0x85944171f73967e8u);
    const uint32_t words[2] = {'a', 0};
    const uint64_t one = kvc_fnv1a_words(KVC_FNV_START, words, 1),
                   a = 0xaf63dc4c8601ec8cu;
    assert_true(one == (a ^ a >> 32));
    const uint64_t two = a * 0x100000001b3u;
    assert_true(kvc_fnv1a_words(KVC_FNV_START, words, 2) == (two ^ two >> 32));
}

static void products_that_overflow(void **unused)
{
    (void)unused;
    kvc_arena arena = {0};
    assert_true(kvc_times(&arena, SIZE_MAX, 1) == SIZE_MAX);
    assert_true(kvc_times(&arena, SIZE_MAX / 4, 4) == SIZE_MAX - 3);
    assert_true(kvc_times(&arena, SIZE_MAX, 0) == 0);
    assert_null(kvc_take_floats(&arena, 3, 5));
    assert_int_equal(arena.used, 64);
    assert_false(arena.overflow);
    assert_true(kvc_times(&arena, SIZE_MAX / 4 + 1, 4) == 0);
    assert_true(arena.overflow);
    arena = (kvc_arena){0};
    assert_null(kvc_take_floats(&arena, 1, SIZE_MAX / 4 + 1));
    assert_true(arena.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half_is_widened),
        cmocka_unit_test(floats_become_the_nearest_half),
        cmocka_unit_test(adding_the_rounder_rounds),
        cmocka_unit_test(largest_magnitude),
        cmocka_unit_test(hashes),
        cmocka_unit_test(products_that_overflow),
    };
    return cmocka_run_group_tests_name("numbers", tests, NULL, NULL);
}
