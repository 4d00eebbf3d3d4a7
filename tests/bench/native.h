/* native.h - the job of the native benchmark, as words on its standard input, separated
 * by white space and written by native.js.
 *     N  then the N words of a kvc_config
 *     runs window_ms patience_ms decoded
 *     N  then N times: name dtype begin bytes rank shape...
 *     N  then N times: context
 *     N  then N token ids
 */
#ifndef BENCH_NATIVE_H
#define BENCH_NATIVE_H

#include "kvc.h"

enum { MAX_RUNS = 100 };

typedef struct bench_job {
    kvc_dtype weights;
    size_t runs, decoded;
    double window, patience; /* seconds */
    uint32_t *ids;
} bench_job;

/* All end the program with a sentence if something fails. */
void bench_fail(const char *what);
void bench_check(kvc_error error, const char *what);
void *bench_allocate(size_t bytes); /* in huge pages, where the system has them */
size_t bench_size(void);            /* the next number of the job */

/* Reads the job up to its tensors, and the model of it. */
kvc_model *bench_load(const char *path, bench_job *job);

#endif
