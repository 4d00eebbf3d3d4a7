/* The limits of the machine: the loops do what they say, as often as they say. How fast
 * is the benchmark's business. */
#include <string.h>

#include "check.h"
#include "kernels/dot.h"
#include "kernels/probe.h"

enum { NUMBERS = 4 * KVC_PROBE_CHAINS };

static void reads_every_word(void **unused)
{
    (void)unused;
    enum { BYTES = 3 * KVC_PROBE_BLOCK, WORDS = BYTES / 4 };
    uint32_t *words = check_alloc(WORDS, sizeof *words), sum = 0;
    for (uint32_t i = 0; i < WORDS; i++)
        sum += words[i] = (i + 1) * 2654435761u;
    for (uint32_t times = 0; times < 4; times++)
        assert_int_equal(kvc_probe_read(words, BYTES, times), times * sum);
    assert_int_equal(kvc_probe_read(words, 0, 5), 0);
    free(words);
}

static void multiplies_and_adds(void **unused)
{
    (void)unused;
    for (uint32_t times = 0; times < 4; times++) {
        float sum = 0; /* each round halves what is over 1 */
        for (int i = 0; i < NUMBERS; i++)
            sum += 1.0f + (float)i / (float)(1 << times);
        assert_float_equal(kvc_probe_multiply_add(times, 0.5f), sum, 0);
    }
    assert_float_equal(kvc_probe_multiply_add(100, 0.5f), NUMBERS, 0);
}

static void multiplies_integers(void **unused)
{
    (void)unused;
    const uint32_t sum = NUMBERS * (NUMBERS + 1) / 2;
    assert_int_equal(kvc_probe_dot(0, 0), sum);
    assert_int_equal(kvc_probe_dot(1000, 0), sum);
#if KVC_DOT_FRACTION /* factors 1 and 0: each half of a round doubles the sum */
    assert_int_equal(kvc_probe_dot(1, 1), 4 * sum);
    assert_int_equal(kvc_probe_dot(3, 1), 64 * sum);
#else /* 1, 0, 0 and 0: a round doubles numbers below 128 */
    assert_int_equal(kvc_probe_dot(1, 1), 2 * sum);
    assert_int_equal(kvc_probe_dot(2, 1), 4 * sum);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_word),
        cmocka_unit_test(multiplies_and_adds),
        cmocka_unit_test(multiplies_integers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
