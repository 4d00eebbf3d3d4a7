/* sampler.c - from logits to the next token id. The same numbers in, the same id out,
 * everywhere: own exp, own random numbers, sums in double and in one fixed order. */
#include "session/sampler.h"

#include <math.h> /* INFINITY */
#include <string.h>

#include "base/simd.h"
#include "kernels/softmax.h"
#include "kernels/vector.h"

/* Candidates, best first where they had to be ordered, by ascending id otherwise. */
typedef struct candidates {
    float *logit;    /* [V] by id, after penalty and temperature */
    float *weight;   /* [V] by id, exp(logit - max): a probability but for the divisor */
    uint32_t *order; /* [V] ids; the first n are in the draw */
    size_t n;
} candidates;

/* SplitMix64 (Steele, Lea & Flood 2014): a double in [0, 1) with 53 random bits. */
static double next_uniform(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

/* ---- ordering: a max-heap of ids, so that only what is kept gets sorted ------------ */

/* Without a branch, which would be mispredicted half of the time. */
static bool better(const float *logit, uint32_t a, uint32_t b)
{
    return (logit[a] > logit[b]) | ((logit[a] == logit[b]) & (a < b));
}

static void sift_down(const float *logit, uint32_t *heap, size_t i, size_t n)
{
    const uint32_t id = heap[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        const size_t other = child + 1 < n ? child + 1 : child;
        child += better(logit, heap[other], heap[child]);
        if (!better(logit, heap[child], id))
            break;
        heap[i] = heap[child];
    }
    heap[i] = id;
}

static void heapify(const float *logit, uint32_t *heap, size_t n)
{
    for (size_t i = n / 2; i-- > 0;)
        sift_down(logit, heap, i, n);
}

/* Takes the best of n ids out of the heap, which shrinks to n - 1. */
static uint32_t pop_best(const float *logit, uint32_t *heap, size_t n)
{
    const uint32_t best = heap[0];
    heap[0] = heap[n - 1];
    sift_down(logit, heap, 0, n - 1);
    return best;
}

/* ---- four ids at a time, most of which come to nothing ----------------------------- */

/* m[w] = the largest of x[w], x[w + W], x[w + 2 W] ...   m: [W], W: a multiple of 4 */
static void maxima(float *m, size_t W, const float *x, size_t n)
{
    for (size_t w = 0; w < W; w++)
        m[w] = -INFINITY;
    size_t row = 0;
    for (; row + W <= n; row += W)
        for (size_t w = 0; w < W; w += 4)
            wasm_v128_store(m + w, wasm_f32x4_pmax(wasm_v128_load(m + w),
                                                   wasm_v128_load(x + row + w)));
    for (size_t i = row; i < n; i++)
        m[i - row] = x[i] > m[i - row] ? x[i] : m[i - row];
}

/* The ids with x >= least, ascending; returns their number.   ids: [n] */
static size_t gather(uint32_t *ids, const float *x, size_t n, float least)
{
    const v128_t bound = wasm_f32x4_splat(least);
    size_t found = 0, i = 0;
    for (; i + 4 <= n; i += 4) {
        if (!wasm_v128_any_true(wasm_f32x4_ge(wasm_v128_load(x + i), bound)))
            continue;
        for (size_t j = i; j < i + 4; j++) { /* no branch to mispredict */
            ids[found] = (uint32_t)j;
            found += x[j] >= least;
        }
    }
    for (; i < n; i++)
        if (x[i] >= least)
            ids[found++] = (uint32_t)i;
    return found;
}

/* A bound that at least k of x reach, and few more: k columns hold one each.
 *   x: [n]   scratch: [n] */
static float reached_by(size_t k, const float *x, size_t n, uint32_t *scratch)
{
    const size_t W = 4 * k;
    if (k > n / 16) /* too few rows to tell */
        return -INFINITY;
    float *m = (float *)(scratch + W);
    maxima(m, W, x, n);
    for (uint32_t w = 0; w < W; w++)
        scratch[w] = w;
    heapify(m, scratch, W);
    for (size_t i = 0; i + 1 < k; i++)
        pop_best(m, scratch, W - i);
    return m[scratch[0]];
}

/* The largest of x, and the first id that has it.   x: [n] */
static uint32_t argmax(float *max, const float *x, size_t n)
{
    float m[16];
    maxima(m, 16, x, n);
    *max = m[0];
    for (size_t i = 1; i < 16; i++)
        *max = m[i] > *max ? m[i] : *max;
    const v128_t bound = wasm_f32x4_splat(*max);
    size_t id = 0;
    while (id + 4 <= n &&
           !wasm_v128_any_true(wasm_f32x4_eq(wasm_v128_load(x + id), bound)))
        id += 4;
    while (x[id] != *max)
        id++;
    return (uint32_t)id;
}

void kvc_top(uint32_t *ids, size_t k, const float *logits, size_t n, uint32_t *heap)
{
    size_t left = gather(heap, logits, n, reached_by(k, logits, n, heap));
    heapify(logits, heap, left);
    for (size_t i = 0; i < k; i++)
        ids[i] = pop_best(logits, heap, left--);
}

/* Puts the best ids in front, best first, until k are there or their weights reach mass.
 * The heap shrinks from the end, where the best pile up; one reversal puts them in
 * front. */
static void take_best(candidates *c, size_t k, double mass)
{
    uint32_t *heap = c->order;
    const size_t all = c->n;
    double sum = 0.0;
    heapify(c->logit, heap, all);
    for (c->n = 0; c->n < k && (c->n == 0 || sum < mass); c->n++) {
        const uint32_t best = pop_best(c->logit, heap, all - c->n);
        heap[all - c->n - 1] = best;
        sum += (double)c->weight[best];
    }
    for (size_t i = 0; i < all / 2; i++) {
        const uint32_t id = heap[i];
        heap[i] = heap[all - 1 - i];
        heap[all - 1 - i] = id;
    }
}

/* Of all ids, in four partial sums: in one, each addition would wait for the last.
 *   weight: [V] */
static double sum_all(const float *weight, size_t V)
{
    double sum[4] = {0.0, 0.0, 0.0, 0.0};
    size_t id = 0;
    for (; id + 4 <= V; id += 4)
        for (size_t j = 0; j < 4; j++)
            sum[j] += (double)weight[id + j];
    for (; id < V; id++)
        sum[0] += (double)weight[id];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static double sum_weights(const candidates *c)
{
    double sum = 0.0;
    for (size_t i = 0; i < c->n; i++)
        sum += (double)c->weight[c->order[i]];
    return sum;
}

/* ---- the filters, in order --------------------------------------------------------- */

static bool valid(const kvc_sampling *s)
{
    return s->temperature >= 0.0f && s->temperature <= 1e6f && s->top_p > 0.0f &&
           s->top_p <= 1.0f && s->min_p >= 0.0f && s->min_p <= 1.0f &&
           s->repetition_penalty > 0.0f && s->repetition_penalty <= 1e6f;
}

/* logit[id] = penalised, once per distinct id: always computed from the original. */
static void penalise(float *logit, const float *original, size_t V, float penalty,
                     const uint32_t *history, size_t n_history)
{
    for (size_t i = 0; i < n_history; i++) {
        const uint32_t id = history[i];
        if (id < V)
            logit[id] =
                original[id] > 0.0f ? original[id] / penalty : original[id] * penalty;
    }
}

/* The likeliest ids whose weights reach top_p of all. Most lie far below the best one and
 * are never put in order. Adding in another order changes a sum by less than 1e-8. */
static void take_nucleus(candidates *c, size_t V, double top_p)
{
    const double mass = top_p * sum_all(c->weight, V);
    double gathered = 0.0;
    c->n = 0;
    for (float least = -7.0f; gathered < mass * (1.0 + 1e-8) && c->n < V; least *= 1.5f) {
        c->n = gather(c->order, c->logit, V, least);
        gathered = sum_weights(c);
    }
    take_best(c, c->n, mass);
}

/* Cuts the ordered candidates where their weights reach top_p of all of them. */
static void cut(candidates *c, double top_p)
{
    const double mass = top_p * sum_weights(c);
    double sum = 0.0;
    size_t n = 0;
    while (n < c->n && (n == 0 || sum < mass))
        sum += (double)c->weight[c->order[n++]];
    c->n = n;
}

static void filter(candidates *c, size_t V, const kvc_sampling *s)
{
    if (s->top_k > 0 && s->top_k < V) {
        c->n = gather(c->order, c->logit, V, reached_by(s->top_k, c->logit, V, c->order));
        take_best(c, s->top_k, (double)V); /* weights are at most 1: never reached */
        if (s->top_p < 1.0f)
            cut(c, (double)s->top_p);
    } else if (s->top_p < 1.0f)
        take_nucleus(c, V, (double)s->top_p);
    else
        c->n = gather(c->order, c->weight, V, s->min_p);
    if (s->min_p > 0.0f) { /* the likeliest has weight exp(0) = 1 */
        size_t n = 0;
        for (size_t i = 0; i < c->n; i++)
            if (c->weight[c->order[i]] >= s->min_p)
                c->order[n++] = c->order[i];
        c->n = n;
    }
}

static uint32_t draw(const candidates *c, uint64_t *rng)
{
    double left = next_uniform(rng) * sum_weights(c);
    for (size_t i = 0; i + 1 < c->n; i++) {
        left -= (double)c->weight[c->order[i]];
        if (left < 0.0)
            return c->order[i];
    }
    return c->order[c->n - 1];
}

kvc_error kvc_sample(uint32_t *id, const float *logits, size_t V,
                     const kvc_sampling *sampling, uint64_t *rng, const uint32_t *history,
                     size_t n_history, void *scratch)
{
    if (!id || !logits || V == 0 || V > UINT32_MAX || !sampling || !rng || !scratch ||
        (!history && n_history > 0) || !valid(sampling))
        return KVC_ERR_INVALID_ARGUMENT;
    candidates c = {scratch, (float *)scratch + V, (uint32_t *)scratch + 2 * V, V};
    memcpy(c.logit, logits, V * sizeof *logits);
    if (sampling->repetition_penalty != 1.0f)
        penalise(c.logit, logits, V, sampling->repetition_penalty, history, n_history);
    if (!kvc_all_finite(c.logit, V))
        return KVC_ERR_NOT_FINITE;
    float max;
    *id = argmax(&max, c.logit, V);
    if (sampling->temperature == 0.0f)
        return KVC_OK;
    for (size_t i = 0; i < V; i++)
        c.weight[i] = c.logit[i] = (c.logit[i] - max) / sampling->temperature;
    if (V == 1)
        c.weight[0] = 1.0f;
    else /* up to 3 floats of padding, where order will be */
        kvc_softmax_terms(c.weight, 0, V, 1.0f);
    filter(&c, V, sampling);
    *id = draw(&c, rng);
    return KVC_OK;
}
