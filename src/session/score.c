/* score.c - the probability of a text: the full-sequence pass of training, apart from all
 * sequences. Its rows go through the layers as with the cache off. */
#include "kernels/softmax.h"
#include "kernels/vector.h"
#include "session/pass.h"

/* Of the next few rows of x. */
static kvc_error score_rows(kvc_session *s)
{
    kvc_pass *p = &s->pass;
    const kvc_span *text = &s->spans[0];
    const size_t V = s->model->config.vocab_size,
                 n = kvc_min(KVC_SCORED_ROWS, text->end - p->row);
    kvc_forward_logits(s->rows, s->model, s->x + p->row * s->model->config.n_embd, n,
                       &s->workspace);
    for (size_t r = 0; r < n; r++, p->row++) {
        float *logits = s->rows + r * kvc_logits_stride(s);
        if (!kvc_all_finite(logits, V))
            return KVC_ERR_NOT_FINITE;
        kvc_log_softmax_at(p->log_probs + p->row, text->ids + p->row + 1, 1, logits, V);
    }
    return p->row < text->end ? KVC_PENDING : KVC_OK;
}

kvc_error kvc_session_begin_score(kvc_session *s, const uint32_t *ids, size_t T,
                                  float *log_probs)
{
    if (!s || !ids || !log_probs || T < 2)
        return KVC_ERR_INVALID_ARGUMENT;
    if (s->pass.active)
        return KVC_ERR_BUSY;
    if (T - 1 > s->config.capacity)
        return KVC_ERR_CONTEXT_FULL;
    const kvc_error error = kvc_check_ids(s, ids, T);
    if (error)
        return error;
    s->spans[0] = (kvc_span){.ids = ids, .end = T - 1};
    kvc_pass_start(s, (kvc_pass){.all_rows = true,
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
