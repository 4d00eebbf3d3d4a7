/* check.h - cmocka, and the comparisons that the tests share. */
#ifndef CHECK_H
#define CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kvc.h"

/* The call returns exactly this error. */
#define check_error(call, want) check_error_at((call), (want), #call, __FILE__, __LINE__)
#define check_ok(call) check_error(call, KVC_OK)

/* n floats are the same bits: 0 is not -0, and a NaN equals itself. */
#define check_same(got, want, n) check_same_at((got), (want), (n), __FILE__, __LINE__)

/* |got - want| <= bound * size for n numbers; sizes: [n], or NULL for 1 everywhere. */
#define check_close(got, want, sizes, n, bound)                                          \
    check_close_at((got), (want), (sizes), (n), (bound), __FILE__, __LINE__)

void check_error_at(kvc_error got, kvc_error want, const char *call, const char *file,
                    int line);
void check_same_at(const float *got, const float *want, size_t n, const char *file,
                   int line);
void check_close_at(const float *got, const double *want, const double *sizes, size_t n,
                    double bound, const char *file, int line);

/* The largest |got - want|. */
double check_distance(const float *got, const double *want, size_t n);

/* What takes long is shared out among the builds that run it, all held against the same
 * oracle: true where case i is this run's, by $PART, "2/4". Without it, all are. */
bool check_share(size_t i);

/* malloc that cannot fail, of exactly this many bytes, so that AddressSanitizer sees
 * every step beyond them; all bits set: floats that nobody wrote are NaN. */
void *check_alloc(size_t count, size_t size);

/* A new cache in memory full of NaN. End it with free(). */
kvc_cache *check_cache(size_t B, size_t L, size_t H, size_t S, size_t D);
kvc_cache *check_cache_of(size_t B, size_t L, size_t H, size_t S, size_t D,
                          kvc_dtype key_type, kvc_dtype value_type);

/* The first T tokens of a layer, of all sequences and heads: k, v: [B, H, T, D]. */
#define check_read(cache, layer, T, k, v)                                                \
    check_read_at((cache), (layer), (T), (k), (v), __FILE__, __LINE__)
void check_read_at(const kvc_cache *cache, size_t layer, size_t T, float *k, float *v,
                   const char *file, int line);

#endif
