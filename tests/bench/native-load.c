/* native-load.c - the job of the native benchmark, and its model. */
#define _DEFAULT_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/number.h"
#include "kernels/probe.h"
#include "native.h"

void bench_fail(const char *what)
{
    fprintf(stderr, "bench-native: %s\n", what);
    exit(1);
}

void bench_check(kvc_error error, const char *what)
{
    if (!error)
        return;
    fprintf(stderr, "bench-native: %s: %s\n", what, kvc_error_name(error));
    exit(1);
}

void *bench_allocate(size_t bytes)
{
    const size_t page = 2 << 20, rounded = kvc_round_up(bytes, page);
    void *memory = aligned_alloc(page, rounded);
    if (!memory)
        bench_fail("out of memory");
#ifdef MADV_HUGEPAGE /* prefetchers stop at a page's end; a hint, so it may fail */
    madvise(memory, rounded, MADV_HUGEPAGE);
#endif
    return memory;
}

/* ---- the job ----------------------------------------------------------------------- */

static double number(void)
{
    double x;
    if (scanf("%lf", &x) != 1)
        bench_fail("the job ends too early");
    return x;
}

size_t bench_size(void)
{
    return (size_t)number();
}

static void load_tensor(kvc_model *model, FILE *file)
{
    static const char *const types[] = {"F32", "F16", "BF16"};
    char name[128], type[8];
    if (scanf("%127s %7s", name, type) != 2)
        bench_fail("the job ends too early");
    size_t dtype = 0;
    while (dtype < 2 && strcmp(type, types[dtype]) != 0)
        dtype++;
    const size_t begin = bench_size(), bytes = bench_size(), rank = bench_size();
    uint64_t shape[8];
    for (size_t i = 0; i < rank && i < 8; i++)
        shape[i] = bench_size();
    if (kvc_model_ignores(model, name))
        return;
    void *data = bench_allocate(bytes);
    if (fseek(file, (long)begin, SEEK_SET) || fread(data, 1, bytes, file) != bytes)
        bench_fail("the file cannot be read");
    bench_check(
        kvc_model_set_tensor(model, name, (kvc_dtype)dtype, shape, rank, data, bytes),
        name);
    free(data);
}

kvc_model *bench_load(const char *path, bench_job *job)
{
    kvc_config config;
    uint32_t words[sizeof config / sizeof(uint32_t)];
    if (bench_size() != sizeof words / sizeof *words)
        bench_fail("the config is another one");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        words[i] = (uint32_t)number();
    memcpy(&config, words, sizeof config);
    job->weights = config.weights;
    job->runs = bench_size();
    job->window = 1e-3 * number();
    job->patience = 1e-3 * number();
    job->decoded = bench_size();
    if (job->runs > MAX_RUNS)
        bench_fail("too many runs");
    size_t bytes;
    kvc_model *model;
    bench_check(kvc_model_bytes(&config, &bytes), "config");
    bench_check(kvc_model_init(&model, &config, bench_allocate(bytes), bytes), "model");
    FILE *file = fopen(path, "rb");
    if (!file)
        bench_fail("the file cannot be opened");
    for (size_t n = bench_size(); n > 0; n--)
        load_tensor(model, file);
    fclose(file);
    return model;
}
