#include "mirror.h"

mirror *mirror_new(uint64_t seed, size_t n, kvc_dtype key, kvc_dtype value)
{
    mirror *m = check_alloc(1, sizeof *m);
    *m = (mirror){.n = n, .state = seed, .sizes = {.capacity = MIRROR_S, n, key, value}};
    kvc_config config = random_any_config(&m->state, MIRROR_S);
    random_layers(&config, 1 + config.n_layer % 2); /* the reference takes its time */
    m->V = config.vocab_size;
    m->model = random_model_new(&config, random_next(&m->state));
    m->session = random_model_sequences(&m->model, &m->sizes);
    return m;
}

void mirror_free(mirror *m)
{
    random_model_free(&m->model);
    free(m->session);
    free(m);
}

/* The attention of the last token, where the last pass ran with the cache. */
static void check_attention(const mirror *m, const kvc_session *alone, size_t i)
{
    const kvc_config *config = &m->model.plain.config;
    float got[MIRROR_S], want[MIRROR_S];
    for (size_t layer = 0; layer < config->n_layer; layer++)
        for (size_t head = 0; head < config->n_head; head++) {
            const kvc_error error = m->with_cache[i] ? KVC_OK : KVC_ERR_NOT_READY;
            check_error(kvc_session_attention(m->session, layer, head, got), error);
            check_error(kvc_session_attention(alone, layer, head, want), error);
            if (!error)
                check_same(got, want, m->length[i]);
        }
}

/* As a session of its own has them, that reads the whole text at once. */
static void check_alone(const mirror *m, size_t i)
{
    const kvc_session_config one = {
        .capacity = MIRROR_S, 1, m->sizes.key_type, m->sizes.value_type};
    kvc_session *alone = random_model_sequences(&m->model, &one);
    check_ok(kvc_session_set_cache(alone, m->with_cache[i]));
    check_ok(kvc_session_prefill(alone, m->text[i], m->length[i]));
    check_same(kvc_session_logits(m->session), kvc_session_logits(alone), m->V);
    check_attention(m, alone, i);
    free(alone);
}

void mirror_check(const mirror *m)
{
    const size_t selected = kvc_session_selected(m->session);
    for (size_t i = 0; i < m->n; i++) {
        check_ok(kvc_session_select(m->session, i));
        assert_int_equal(kvc_session_position(m->session), m->length[i]);
        assert_memory_equal(kvc_session_ids(m->session), m->text[i],
                            m->length[i] * sizeof m->text[i][0]);
        assert_true(kvc_session_cached(m->session) <= m->length[i]);
        if (m->has_logits[i])
            check_alone(m, i);
        else
            assert_null(kvc_session_logits(m->session));
    }
    check_ok(kvc_session_select(m->session, selected));
}

void mirror_finish(const mirror *m)
{
    kvc_error error;
    while ((error = kvc_session_step(m->session)) == KVC_PENDING)
        ;
    check_ok(error);
}

void mirror_note(mirror *m, size_t i, uint32_t id)
{
    m->text[i][m->length[i]++] = id;
    m->has_logits[i] = true;
    m->with_cache[i] = kvc_session_uses_cache(m->session);
}

void mirror_prefill(mirror *m, size_t i, size_t T)
{
    uint32_t ids[MIRROR_S];
    random_ids(ids, T, m->V, &m->state);
    check_ok(kvc_session_select(m->session, i));
    check_ok(kvc_session_prefill(m->session, ids, T));
    for (size_t t = 0; t < T; t++)
        mirror_note(m, i, ids[t]);
}

void mirror_batch(mirror *m, size_t n)
{
    uint32_t order[MIRROR_MOST], ids[MIRROR_MOST];
    for (uint32_t i = 0; i < m->n; i++) {
        const size_t j = random_below(&m->state, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    random_ids(ids, n, m->V, &m->state);
    check_ok(kvc_session_begin_batch(m->session, order, ids, n));
    mirror_finish(m);
    for (size_t i = 0; i < n; i++)
        mirror_note(m, order[i], ids[i]);
}

static void become(mirror *m, size_t to, const mirror *old, size_t from)
{
    memcpy(m->text[to], old->text[from], sizeof m->text[to]);
    m->length[to] = old->length[from];
    m->has_logits[to] = old->has_logits[from];
    m->with_cache[to] = old->with_cache[from];
}

void mirror_fork(mirror *m, size_t from, size_t to)
{
    check_ok(kvc_session_fork(m->session, from, to));
    if (from != to)
        become(m, to, m, from);
}

void mirror_reorder(mirror *m, const uint32_t *from)
{
    const mirror old = *m;
    check_ok(kvc_session_reorder(m->session, from));
    for (size_t i = 0; i < m->n; i++)
        become(m, i, &old, from[i]);
}

static void empty(mirror *m, size_t i)
{
    m->length[i] = 0;
    m->has_logits[i] = false;
}

void mirror_drop(mirror *m, size_t i)
{
    check_ok(kvc_session_drop(m->session, i));
    empty(m, i);
}

void mirror_keep(mirror *m, size_t i)
{
    check_ok(kvc_session_keep(m->session, i));
    for (size_t j = 0; j < m->n; j++)
        if (j != i)
            empty(m, j);
}

void mirror_truncate(mirror *m, size_t i, size_t n)
{
    check_ok(kvc_session_select(m->session, i));
    const size_t freed = kvc_cache_freed(kvc_session_cache(m->session), i);
    const uint32_t window = kvc_model_config(m->model.packed)->window;
    const bool passed = n > 0 && freed > 0 && n + 1 < freed + window;
    check_error(kvc_session_truncate(m->session, n),
                passed ? KVC_ERR_WINDOW_PASSED : KVC_OK);
    if (passed)
        return;
    m->has_logits[i] = m->has_logits[i] && n == m->length[i];
    m->length[i] = n;
}
