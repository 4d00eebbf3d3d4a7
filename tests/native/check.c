#include "check.h"

#include <math.h>
#include <stdio.h>

#ifdef KVC_LAB
#include "lab/ids.h"
#include "lab/lab.h"

/* The mutation gate names the bug to plant in the environment, and reads line by line
 * what turns red. */
__attribute__((constructor)) static void plant_bug(void)
{
    const int n = sizeof kvc_lab_ids / sizeof *kvc_lab_ids;
    const char *id = getenv("KVC_BUG");
    int bug = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (id && bug < n && strcmp(id, kvc_lab_ids[bug]) != 0)
        bug++;
    if (bug == n) {
        fprintf(stderr, "there is no bug %s\n", id);
        exit(2);
    }
    kvc_lab_set(bug);
}
#endif

void check_error_at(kvc_error got, kvc_error want, const char *call, const char *file,
                    int line)
{
    if (got == want)
        return;
    print_error("%s: %s, not %s\n", call, kvc_error_name(got), kvc_error_name(want));
    _fail(file, line);
}

void check_same_at(const float *got, const float *want, size_t n, const char *file,
                   int line)
{
    if (n == 0 || memcmp(got, want, n * sizeof *got) == 0)
        return;
    size_t i = 0;
    while (memcmp(got + i, want + i, sizeof *got) == 0)
        i++;
    print_error("[%zu] of %zu: %a, not %a\n", i, n, (double)got[i], (double)want[i]);
    _fail(file, line);
}

void check_close_at(const float *got, const double *want, const double *sizes, size_t n,
                    double bound, const char *file, int line)
{
    for (size_t i = 0; i < n; i++) {
        const double error = fabs((double)got[i] - want[i]);
        if (error <= bound * (sizes ? sizes[i] : 1.0)) /* false for NaN */
            continue;
        print_error("[%zu] of %zu: %.9g, not %.9g\n", i, n, (double)got[i], want[i]);
        _fail(file, line);
    }
}

bool check_share(size_t i)
{
    size_t part = 1, parts = 1;
    const char *named = getenv("PART");
    if (named && sscanf(named, "%zu/%zu", &part, &parts) != 2)
        fail_msg("PART is %s, not like 2/4", named);
    return i % parts == part - 1;
}

double check_distance(const float *got, const double *want, size_t n)
{
    double largest = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double error = fabs((double)got[i] - want[i]);
        largest = error <= largest ? largest : error; /* a NaN gets through */
    }
    return largest;
}

void *check_alloc(size_t count, size_t size)
{
    void *memory = malloc(count * size);
    assert_non_null(memory);
    return memset(memory, 0xff, count * size);
}

kvc_cache *check_cache(size_t B, size_t L, size_t H, size_t S, size_t D)
{
    return check_cache_of(B, L, H, S, D, KVC_F32, KVC_F32);
}

kvc_cache *check_cache_of(size_t B, size_t L, size_t H, size_t S, size_t D,
                          kvc_dtype key_type, kvc_dtype value_type)
{
    const kvc_cache_shape shape = {B, L, H, S, D, key_type, value_type, KVC_OLDEST};
    size_t bytes;
    kvc_cache *cache;
    check_ok(kvc_cache_bytes(&shape, &bytes));
    check_ok(kvc_cache_init(&cache, &shape, check_alloc(1, bytes), bytes));
    return cache;
}

void check_read_at(const kvc_cache *cache, size_t layer, size_t T, float *k, float *v,
                   const char *file, int line)
{
    const kvc_cache_shape *s = kvc_cache_get_shape(cache);
    for (size_t b = 0; b < s->batch; b++)
        for (size_t h = 0; h < s->n_kv_head; h++) {
            const size_t at = (b * s->n_kv_head + h) * T * s->head_dim;
            check_error_at(kvc_cache_read(cache, b, layer, h, 0, T, k + at, v + at),
                           KVC_OK, "kvc_cache_read", file, line);
        }
}
