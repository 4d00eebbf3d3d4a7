/* sampler.c - from logits to the next token id. The same numbers in, the same id out,
 * everywhere: own exp, own random numbers, sums in double and in one fixed order. */
#include "sampler.h"

#include <string.h>

#include "arena.h"
#include "kernels.h"

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

static bool better(const float *logit, uint32_t a, uint32_t b)
{
    return logit[a] > logit[b] || (logit[a] == logit[b] && a < b);
}

static void sift_down(const float *logit, uint32_t *heap, size_t i, size_t n)
{
    const uint32_t id = heap[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && better(logit, heap[child + 1], heap[child]))
            child++;
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

void kvc_top(uint32_t *ids, size_t k, const float *logits, size_t n, uint32_t *heap)
{
    for (uint32_t id = 0; id < n; id++)
        heap[id] = id;
    heapify(logits, heap, n);
    for (size_t i = 0; i < k; i++)
        ids[i] = pop_best(logits, heap, n - i);
}

/* Moves the best ids to the front, best first, until k are there or their weights
 * reach mass. The heap shrinks from the end, where the best pile up; one reversal puts
 * them in front. */
static void take_best(candidates *c, size_t V, size_t k, double mass)
{
    uint32_t *heap = c->order;
    double sum = 0.0;
    heapify(c->logit, heap, V);
    for (c->n = 0; c->n < k && (c->n == 0 || sum < mass); c->n++) {
        const uint32_t best = pop_best(c->logit, heap, V - c->n);
        heap[V - c->n - 1] = best;
        sum += (double)c->weight[best];
    }
    for (size_t i = 0; i < V / 2; i++) {
        const uint32_t id = heap[i];
        heap[i] = heap[V - 1 - i];
        heap[V - 1 - i] = id;
    }
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

static uint32_t argmax(const float *logit, size_t V)
{
    uint32_t best = 0;
    for (uint32_t id = 1; id < V; id++)
        if (logit[id] > logit[best])
            best = id;
    return best;
}

static void filter(candidates *c, size_t V, const kvc_sampling *s)
{
    const size_t k = s->top_k == 0 ? V : kvc_min(s->top_k, V);
    if (k < V)
        take_best(c, V, k, (double)V); /* weights are at most 1: never reached */
    if (s->top_p < 1.0f) {
        const double mass = (double)s->top_p * sum_weights(c);
        if (k == V)
            take_best(c, V, V, mass);
        double sum = 0.0;
        size_t n = 0;
        while (n < c->n && (n == 0 || sum < mass))
            sum += (double)c->weight[c->order[n++]];
        c->n = n;
    }
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
    if (sampling->temperature == 0.0f) {
        *id = argmax(c.logit, V);
        return KVC_OK;
    }
    const float max = c.logit[argmax(c.logit, V)];
    for (uint32_t i = 0; i < V; i++) {
        c.logit[i] = (c.logit[i] - max) / sampling->temperature;
        c.order[i] = i;
    }
    kvc_exp(c.weight, c.logit, V);
    filter(&c, V, sampling);
    *id = draw(&c, rng);
    return KVC_OK;
}
