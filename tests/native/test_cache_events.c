/* The events of the cache: replayed by a listener that knows nothing else, they give
 * every sequence's length and pages. */
#include "plain_cache.h"
#include "random_model.h"

enum { PAGES = 8, ROOM = 4096 }; /* of one sequence; of the listener */

/* All that a replay knows. */
typedef struct replay {
    size_t B, length[PLAIN_B], held[PLAIN_B], page[PLAIN_B][PAGES];
} replay;

static size_t pages_for(size_t n)
{
    return (n + KVC_PAGE - 1) / KVC_PAGE;
}

static void give_back(replay *r, size_t b)
{
    if (r->held[b] > pages_for(r->length[b]))
        r->held[b] = pages_for(r->length[b]);
}

static void replay_write(replay *r, const kvc_event *e)
{
    const size_t i = e->first / KVC_PAGE;
    assert_true(e->count > 0 && (e->first + e->count - 1) / KVC_PAGE == i);
    assert_true(i <= r->held[e->sequence]);
    r->page[e->sequence][i] = e->page;
    if (i == r->held[e->sequence])
        r->held[e->sequence]++;
    if (e->layer == UINT32_MAX && r->length[e->sequence] < e->first + e->count)
        r->length[e->sequence] = e->first + e->count;
}

static void replay_evict(replay *r, const kvc_event *e)
{
    const size_t b = e->sequence, first = e->first / KVC_PAGE, n = e->count / KVC_PAGE;
    assert_true(e->first + e->count <= r->length[b]);
    if (e->first % KVC_PAGE == 0 && e->count % KVC_PAGE == 0) {
        for (size_t i = first; i + n < r->held[b]; i++)
            r->page[b][i] = r->page[b][i + n];
        r->held[b] -= n;
    }
    r->length[b] -= e->count;
    give_back(r, b);
}

/* The SHAREs from e on that happen at once; returns their number. */
static size_t replay_share(replay *r, const kvc_event *e)
{
    const replay was = *r;
    for (size_t i = 0; i <= e->layer; i++) {
        const size_t to = e[i].sequence, from = e[i].page;
        assert_int_equal(e[i].type, KVC_EVENT_SHARE);
        assert_int_equal(e[i].layer, e->layer - i);
        assert_int_equal(e[i].count, was.length[from]);
        memcpy(r->page[to], was.page[from], sizeof was.page[from]);
        r->held[to] = was.held[from];
        r->length[to] = was.length[from];
        give_back(r, to);
    }
    return e->layer + 1;
}

static void replay_all(replay *r, const kvc_event *e, size_t n)
{
    for (size_t i = 0, step; i < n; i += step) {
        step = 1;
        assert_true(e[i].sequence < r->B);
        if (e[i].type == KVC_EVENT_WRITE)
            replay_write(r, &e[i]);
        else if (e[i].type == KVC_EVENT_EVICT)
            replay_evict(r, &e[i]);
        else
            step = replay_share(r, &e[i]);
        assert_true(i + step <= n);
    }
}

/* What the cache says, in every slot there is. */
static replay look(const kvc_cache *cache)
{
    const kvc_cache_shape *s = kvc_cache_get_shape(cache);
    replay r = {.B = s->batch};
    for (size_t b = 0; b < r.B; b++) {
        r.length[b] = kvc_cache_length(cache, b);
        for (size_t i = 0; i < pages_for(s->capacity); i++) {
            const size_t page = kvc_cache_page(cache, b, i * KVC_PAGE);
            r.page[b][i] = page;
            r.held[b] += page != SIZE_MAX;
        }
    }
    return r;
}

static void check_replay(const replay *r, const kvc_cache *cache)
{
    const replay now = look(cache);
    for (size_t b = 0; b < r->B; b++) {
        assert_int_equal(r->length[b], now.length[b]);
        assert_int_equal(r->held[b], now.held[b]);
        for (size_t i = 0; i < r->held[b]; i++)
            assert_int_equal(r->page[b][i], now.page[b][i]);
    }
}

static void replaying_rebuilds_the_map(void **unused)
{
    (void)unused;
    uint64_t state = 1;
    kvc_event *events = check_alloc(ROOM, sizeof *events);
    for (int round = 0; round < 60; round++) {
        kvc_cache *cache =
            check_cache(1 + random_below(&state, PLAIN_B), 1 + random_below(&state, 3), 1,
                        1 + random_below(&state, PAGES * KVC_PAGE), 4);
        plain_cache m = plain_new(cache);
        for (size_t silent = random_below(&state, 2) * 20; silent > 0; silent--)
            plain_operate(&m, cache, &state); /* nobody listens yet */
        replay r = look(cache);
        kvc_cache_listen(cache, events, ROOM);
        for (int i = 0; i < 60; i++) {
            for (size_t more = random_below(&state, 3) + 1; more > 0; more--)
                plain_operate(&m, cache, &state);
            size_t lost;
            const size_t n = kvc_cache_take_events(cache, &lost);
            assert_int_equal(lost, 0);
            replay_all(&r, events, n);
            check_replay(&r, cache);
        }
        plain_free(&m);
        free(cache);
    }
    free(events);
}

static void check_event(const kvc_event *e, kvc_event want)
{
    assert_memory_equal(e, &want, sizeof want);
}

/* One of each, number by number. */
static void every_field(void **unused)
{
    (void)unused;
    const uint32_t none = UINT32_MAX;
    kvc_cache *cache = check_cache(2, 2, 1, 64, 4);
    float x[20 * 4] = {0}, y[4], scratch[2 * 64 + 16 * 4];
    kvc_event e[16];
    size_t lost = 7;
    assert_int_equal(kvc_cache_take_events(cache, &lost), 0); /* nobody listens */
    assert_int_equal(lost, 0);
    kvc_cache_listen(cache, e, 16);
    check_ok(kvc_cache_append(cache, 1, 0, 20, x, x, 4));
    check_ok(kvc_attention(y, x, 1, 1, cache, 1, 0, scratch));
    check_ok(kvc_cache_advance(cache, 1, 20));
    assert_int_equal(kvc_cache_take_events(cache, NULL), 5);
    check_event(&e[0], (kvc_event){KVC_EVENT_WRITE, 1, 0, 0, 16, 0});
    check_event(&e[1], (kvc_event){KVC_EVENT_WRITE, 1, 0, 16, 4, 1});
    check_event(&e[2], (kvc_event){KVC_EVENT_READ, 1, 0, 0, 1, none});
    check_event(&e[3], (kvc_event){KVC_EVENT_WRITE, 1, none, 0, 16, 0});
    check_event(&e[4], (kvc_event){KVC_EVENT_WRITE, 1, none, 16, 4, 1});
    const uint32_t from[] = {1, 0};
    check_ok(kvc_cache_fork(cache, 1, 0));
    check_ok(kvc_cache_truncate(cache, 1, 3));
    check_ok(kvc_cache_truncate(cache, 1, 3)); /* nothing to tell */
    check_ok(kvc_cache_reorder(cache, from));
    check_ok(kvc_cache_evict(cache, 1, 2, 1));
    check_ok(kvc_cross_attention(y, x, 1, 1, cache, 1, 1, scratch));
    kvc_cache_reset(cache);
    assert_int_equal(kvc_cache_take_events(cache, NULL), 10);
    check_event(&e[0], (kvc_event){KVC_EVENT_SHARE, 0, 0, 0, 20, 1});
    check_event(&e[1], (kvc_event){KVC_EVENT_EVICT, 1, none, 3, 17, none});
    check_event(&e[2], (kvc_event){KVC_EVENT_SHARE, 0, 1, 0, 3, 1});
    check_event(&e[3], (kvc_event){KVC_EVENT_SHARE, 1, 0, 0, 20, 0});
    check_event(&e[4], (kvc_event){KVC_EVENT_EVICT, 1, none, 2, 1, none});
    check_event(&e[5], (kvc_event){KVC_EVENT_WRITE, 1, none, 2, 14, 2});
    check_event(&e[6], (kvc_event){KVC_EVENT_WRITE, 1, none, 16, 3, 1});
    check_event(&e[7], (kvc_event){KVC_EVENT_READ, 1, 1, 0, 19, none});
    check_event(&e[8], (kvc_event){KVC_EVENT_EVICT, 0, none, 0, 3, none});
    check_event(&e[9], (kvc_event){KVC_EVENT_EVICT, 1, none, 0, 19, none});
    free(cache);
}

/* Too little room: the first are kept, the others counted; nothing is written beyond. */
static void what_finds_no_room_is_counted(void **unused)
{
    (void)unused;
    kvc_cache *cache = check_cache(1, 1, 1, 64, 4);
    kvc_event *e = check_alloc(3, sizeof *e);
    float x[4] = {0};
    size_t lost;
    for (size_t round = 0; round < 3; round++) {
        kvc_cache_listen(cache, e, round);
        for (int i = 0; i < 4; i++)
            check_ok(kvc_cache_append(cache, 0, 0, 1, x, x, 4));
        assert_int_equal(kvc_cache_take_events(cache, &lost), round);
        assert_int_equal(lost, 4 - round);
        assert_int_equal(kvc_cache_take_events(cache, &lost), 0);
        assert_int_equal(lost, 0);
    }
    kvc_cache_listen(cache, NULL, 0);
    check_ok(kvc_cache_append(cache, 0, 0, 1, x, x, 4));
    assert_int_equal(kvc_cache_take_events(cache, &lost), 0);
    assert_int_equal(lost, 0);
    free(e);
    free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replaying_rebuilds_the_map),
        cmocka_unit_test(every_field),
        cmocka_unit_test(what_finds_no_room_is_counted),
    };
    return cmocka_run_group_tests_name("cache events", tests, NULL, NULL);
}
