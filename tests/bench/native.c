/* native.c - the measurements of suite.js without a JavaScript engine, for one model.
 *
 *     bench-native FILE < JOB        FILE: model.safetensors   JOB: see native.h
 *
 * One line of JSON for each context: the rates of every run, the counts of one decoded
 * token and of one prefill, and the hash of the logits. */
#define _POSIX_C_SOURCE 199309L
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/number.h"
#include "kernels/probe.h"
#include "native.h"

enum { WARM_UPS = 1, FEW = 32 };

typedef struct bench_rates { /* per second; of every run */
    double decode[MAX_RUNS], prefill[MAX_RUNS], uncached[MAX_RUNS], read[MAX_RUNS],
        peak[MAX_RUNS];
} bench_rates;

static struct {
    void *buffer;
    size_t bytes;
    volatile double sink; /* what the probes return has to go somewhere */
} probe;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- measuring --------------------------------------------------------------------- */

/* Bytes per second, reading a buffer as large as the model's weights. */
static double read_rate(double window)
{
    const double start = now();
    double seconds;
    size_t n = 0;
    do {
        probe.sink = kvc_probe_read(probe.buffer, probe.bytes, 1);
        n++;
        seconds = now() - start;
    } while (seconds < window);
    return (double)probe.bytes * (double)n / seconds;
}

/* Multiplications and additions per second: of small integers, or of floats. */
static double peak_rate(double window, bool integers)
{
    const uint32_t times = 10000;
    const double start = now();
    double seconds;
    size_t n = 0;
    do {
        probe.sink = integers ? kvc_probe_dot(times, 0)
                              : (double)kvc_probe_multiply_add(times, 0.5f);
        n++;
        seconds = now() - start;
    } while (seconds < window);
    return (integers ? 32.0 : 8.0) * KVC_PROBE_CHAINS * times * (double)n / seconds;
}

/* Seconds of one pass over the first n ids, from an empty timeline. */
static double pass_seconds(kvc_session *session, const bench_job *job, size_t n,
                           bool use_cache)
{
    kvc_session_reset(session);
    bench_check(kvc_session_set_cache(session, use_cache), "cache");
    const double start = now();
    bench_check(kvc_session_prefill(session, job->ids, n), "prefill");
    return now() - start;
}

/* Tokens per second, `tokens` for each pass. */
static double pass_rate(kvc_session *session, const bench_job *job, size_t n,
                        bool use_cache, size_t tokens)
{
    double seconds = 0;
    size_t passes = 0;
    for (; seconds < job->window; passes++)
        seconds += pass_seconds(session, job, n, use_cache);
    return (double)(tokens * passes) / seconds;
}

static double decode_rate(kvc_session *session, const bench_job *job, size_t n)
{
    const double start = now();
    double seconds;
    size_t tokens = 0;
    do {
        if (tokens % job->decoded == 0)
            bench_check(kvc_session_truncate(session, n), "truncate");
        const uint32_t id = job->ids[n + tokens % job->decoded];
        bench_check(kvc_session_decode(session, id), "decode");
        tokens++;
        seconds = now() - start;
    } while (seconds < job->window);
    return (double)tokens / seconds;
}

/* The hash of the logits after the context and one more token. */
static uint64_t hash_after(kvc_session *session, const bench_job *job, size_t n)
{
    bench_check(kvc_session_truncate(session, n), "truncate");
    bench_check(kvc_session_decode(session, job->ids[n]), "decode");
    return kvc_session_logits_hash(session);
}

/* All of it, in turns; false if a logit differs. */
static bool measure(kvc_session *session, const bench_job *job, size_t n, bool passes,
                    bench_rates *r, uint64_t *hash)
{
    for (size_t i = 0; i < job->runs + WARM_UPS; i++) {
        const size_t run =
            i < WARM_UPS ? 0 : i - WARM_UPS; /* a warm-up is written over */
        uint64_t off = 0;
        if (passes) {
            r->uncached[run] = pass_rate(session, job, n + 1, false, 1);
            off = kvc_session_logits_hash(session);
            r->prefill[run] = pass_rate(session, job, n, true, n);
        }
        r->decode[run] = decode_rate(session, job, n);
        r->read[run] = read_rate(job->window);
        r->peak[run] = peak_rate(job->window, job->weights == KVC_I8);
        const uint64_t on = hash_after(session, job, n);
        if ((passes && on != off) || (i > 0 && on != *hash))
            return false;
        *hash = on;
    }
    return true;
}

/* ---- results ----------------------------------------------------------------------- */

static void print_rates(const char *name, const double *rates, size_t n)
{
    printf(", \"%s\": [", name);
    for (size_t i = 0; i < n; i++)
        printf("%s%.6g", i ? ", " : "", rates[i]);
    printf("]");
}

static void print_counts(kvc_session *session, const bench_job *job, size_t n)
{
    pass_seconds(session, job, n, true);
    kvc_session_clear_counts(session);
    pass_seconds(session, job, n, true);
    kvc_counts c = kvc_session_counts(session);
    printf(", \"prefillMultiplyAdds\": %.17g",
           (double)(c.projection_macs + c.attention_macs + c.head_macs) / (double)n);
    for (size_t i = 0; i < job->decoded / 2; i++)
        bench_check(kvc_session_decode(session, job->ids[n + i]), "decode");
    kvc_session_clear_counts(session);
    bench_check(kvc_session_decode(session, job->ids[n + job->decoded / 2]), "decode");
    c = kvc_session_counts(session);
    printf(", \"multiplyAdds\": %" PRIu64,
           c.projection_macs + c.attention_macs + c.head_macs);
    printf(", \"weightBytes\": %" PRIu64 ", \"cacheBytes\": %" PRIu64, c.weight_bytes,
           c.cache_bytes_read);
}

static void measure_context(kvc_model *model, const bench_job *job, size_t n)
{
    const kvc_session_config config = {.capacity = n + job->decoded, .n_sequence = 1};
    size_t bytes;
    kvc_session *session;
    bench_check(kvc_session_bytes(model, &config, &bytes), "session");
    void *memory = bench_allocate(bytes);
    bench_check(kvc_session_init(&session, model, &config, memory, bytes), "session");
    const size_t few = n < FEW ? n : FEW;
    pass_seconds(session, job, few, true);
    const double guess = pass_seconds(session, job, few, true) * (double)n / (double)few;
    const bool passes = guess <= job->patience;
    if (!passes)
        pass_seconds(session, job, n, true);
    static bench_rates r;
    uint64_t hash = 0;
    if (!measure(session, job, n, passes, &r, &hash))
        bench_fail("no figures: the same tokens gave different logits");
    printf("{\"context\": %zu, \"hash\": \"%016" PRIx64 "\"", n, hash);
    print_rates("decode", r.decode, job->runs);
    print_rates("prefill", r.prefill, passes ? job->runs : 0);
    print_rates("uncached", r.uncached, passes ? job->runs : 0);
    print_rates("read", r.read, job->runs);
    print_rates("peak", r.peak, job->runs);
    print_counts(session, job, n);
    printf("}\n");
    fflush(stdout);
    free(memory);
}

/* The probe reads as many bytes as a decoded token reads of the weights. */
static void prepare_probe(kvc_model *model)
{
    const kvc_session_config config = {.capacity = 1, .n_sequence = 1};
    const uint32_t id = 0;
    size_t bytes;
    kvc_session *session;
    bench_check(kvc_session_bytes(model, &config, &bytes), "session");
    void *memory = bench_allocate(bytes);
    bench_check(kvc_session_init(&session, model, &config, memory, bytes), "session");
    bench_check(kvc_session_decode(session, id), "decode");
    probe.bytes = (size_t)kvc_session_counts(session).weight_bytes;
    free(memory);
    probe.bytes = kvc_round_up(probe.bytes, KVC_PROBE_BLOCK);
    probe.buffer = memset(bench_allocate(probe.bytes), 1, probe.bytes);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        bench_fail("usage: bench-native FILE < JOB");
    static bench_job job;
    size_t contexts[16];
    kvc_model *model = bench_load(argv[1], &job);
    const size_t n_contexts = bench_size();
    for (size_t i = 0; i < n_contexts && i < 16; i++)
        contexts[i] = bench_size();
    const size_t n_ids = bench_size();
    job.ids = bench_allocate(n_ids * sizeof *job.ids);
    for (size_t i = 0; i < n_ids; i++)
        job.ids[i] = (uint32_t)bench_size();
    prepare_probe(model);
    for (size_t i = 0; i < n_contexts && i < 16; i++)
        measure_context(model, &job, contexts[i]);
    return 0;
}
