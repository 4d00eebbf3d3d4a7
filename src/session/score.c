/* score.c - the probability of a text: the full-sequence pass of training, apart from all
 * sequences. Its rows go through the layers as with the cache off. More of them than the
 * capacity slide, through the memory of an empty sequence. */
#include "kernels/softmax.h"
#include "kernels/vector.h"
#include "session/pass.h"

/* Of the next few rows of x, those of the text from its span's first on. */
static kvc_error score_rows(kvc_session *s)
{
    kvc_pass *p = &s->pass;
    const kvc_span *text = &s->spans[0];
    const size_t V = s->model->config.vocab_size, rows = text->stop - text->first,
                 n = kvc_min(KVC_SCORED_ROWS, rows - p->row);
    kvc_forward_logits(s->rows, s->model, s->x + p->row * s->model->config.n_embd, n,
                       &s->workspace);
    for (size_t r = 0; r < n; r++, p->row++) {
        float *logits = s->rows + r * kvc_logits_stride(s);
        const size_t row = text->first + p->row;
        if (!kvc_all_finite(logits, V)) {
            kvc_pass_take_back(s);
            return KVC_ERR_NOT_FINITE;
        }
        kvc_log_softmax_at(p->log_probs + row, text->ids + row + 1, 1, logits, V);
    }
    if (p->row < rows)
        return KVC_PENDING;
    if (text->stop < text->end) {
        kvc_pass_go_on(s);
        return KVC_PENDING;
    }
    kvc_pass_take_back(s);
    return KVC_OK;
}

/* A sequence that has neither tokens nor pages; n_sequence where there is none. */
static size_t empty_sequence(const kvc_session *s)
{
    size_t i = 0;
    while (i < s->config.n_sequence &&
           (s->sequences[i].position > 0 || kvc_cache_taken(s->cache, i) > 0))
        i++;
    return i;
}

kvc_error kvc_session_begin_score(kvc_session *s, const uint32_t *ids, size_t T,
                                  float *log_probs)
{
    if (!s || !ids || !log_probs || T < 2)
        return KVC_ERR_INVALID_ARGUMENT;
    if (s->pass.active)
        return KVC_ERR_BUSY;
    const bool slides = T - 1 > s->config.capacity && kvc_slides(s);
    const size_t sequence = slides ? empty_sequence(s) : 0;
    if ((T - 1 > s->config.capacity && !slides) || sequence == s->config.n_sequence)
        return KVC_ERR_CONTEXT_FULL;
    const kvc_error error = kvc_check_ids(s, ids, T);
    if (error)
        return error;
    s->spans[0] = (kvc_span){.sequence = sequence, .ids = ids, .end = T - 1};
    kvc_pass_start(s, (kvc_pass){.cached = slides,
                                 .all_rows = true,
                                 .end = score_rows,
                                 .log_probs = log_probs,
                                 .n_spans = 1});
    return KVC_OK;
}

kvc_error kvc_session_score(kvc_session *s, const uint32_t *ids, size_t T,
                            float *log_probs)
{
    const kvc_error error = kvc_session_begin_score(s, ids, T, log_probs);
    return error ? error : kvc_pass_run(s);
}
