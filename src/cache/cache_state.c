#include "cache/cache_state.h"

#include <string.h>

#include "base/number.h"

enum { SHAPE_WORDS = 8, PLACE_WORDS = 2 };
#define HAS_WINDOWS 0x80000000u
#define HAS_PLACES 0x40000000u

/* What a state and the cache that takes it must have in common: so many words. */
static size_t shape_words(const kvc_cache *cache, uint32_t *words)
{
    const kvc_cache_shape *s = &cache->shape;
    const bool windows = cache->n_stores > 1;
    words[0] = (uint32_t)s->n_layer | (windows ? HAS_WINDOWS : 0);
    words[1] = (uint32_t)s->n_kv_head;
    words[2] = (uint32_t)s->head_dim;
    words[3] = (uint32_t)s->key_type;
    words[4] = (uint32_t)s->value_type | (uint32_t)(cache->looks.sums != NULL) << 31;
    words[5] = (uint32_t)cache->windows.window;
    memcpy(words + 6, cache->windows.layers, sizeof cache->windows.layers);
    return windows ? SHAPE_WORDS : SHAPE_WORDS - 3;
}

/* ---- writing ----------------------------------------------------------------------- */

/* The first n slots of a page of one head. */
static void write_slots(kvc_writer *writer, const kvc_pool *pool, size_t index,
                        size_t page, size_t n)
{
    const size_t size = pool->format.vector_bytes;
    unsigned char *to = kvc_write_space(writer, n * size);
    for (size_t slot = 0; slot < n && to; slot++, to += size)
        kvc_vector_pack(&pool->format, kvc_pool_page(pool, index, page), slot, to);
}

static void write_page(const kvc_store *store, kvc_writer *writer, size_t page, size_t n,
                       bool places)
{
    if (places)
        kvc_write_words(writer, store->places + page * KVC_PAGE, n * PLACE_WORDS);
    for (size_t i = 0; i < store->keys.n_heads; i++) {
        write_slots(writer, &store->keys, i, page, n);
        write_slots(writer, &store->values, i, page, n);
    }
}

/* Each sequence: its length, or what it gave back, and the numbers of its pages, which go
 * to number: [P] */
static void write_tables(const kvc_cache *cache, size_t store, kvc_writer *writer,
                         uint32_t *number)
{
    const kvc_pages *pages = &cache->stores[store].pages;
    uint32_t n = 0;
    memset(number, 0xff, pages->total * sizeof *number);
    for (size_t b = 0; b < cache->shape.batch; b++) {
        const uint32_t *table = kvc_pages_of(pages, b);
        const size_t freed = pages->freed[b], length = cache->length[b];
        kvc_write_u32(writer, (uint32_t)(store == KVC_WHOLE ? length : freed));
        const size_t past[] = {cache->past[b].gone, cache->past[b].least};
        for (size_t i = 0; i < 2 && kvc_cache_moved(cache); i++)
            kvc_write_u32(writer, (uint32_t)past[i]);
        for (size_t i = freed; i < kvc_pages_for(length); i++) {
            if (number[table[i]] == UINT32_MAX)
                number[table[i]] = n++;
            kvc_write_u32(writer, number[table[i]]);
        }
    }
}

/* Each page in the order of its number: the tables name them in that order. */
static void write_pages(const kvc_cache *cache, const kvc_store *store,
                        kvc_writer *writer, const uint32_t *number)
{
    const kvc_pages *pages = &store->pages;
    uint32_t n = 0;
    kvc_cache_fill(cache, store);
    for (size_t b = 0; b < cache->shape.batch; b++)
        for (size_t i = pages->freed[b]; i < kvc_pages_for(cache->length[b]); i++) {
            const uint32_t page = kvc_pages_of(pages, b)[i];
            if (number[page] == n) {
                write_page(store, writer, page, pages->filled[page],
                           kvc_cache_moved(cache));
                n++;
            }
        }
}

void kvc_cache_write_state(const kvc_cache *cache, kvc_writer *writer)
{
    uint32_t words[SHAPE_WORDS];
    const size_t n_words = shape_words(cache, words);
    words[0] |= kvc_cache_moved(cache) ? HAS_PLACES : 0;
    kvc_write_words(writer, words, n_words);
    kvc_write_u32(writer, (uint32_t)cache->shape.batch);
    for (size_t i = 0; i < cache->n_stores; i++) {
        uint32_t *number = cache->stores[i].pages.scratch;
        write_tables(cache, i, writer, number);
        write_pages(cache, &cache->stores[i], writer, number);
    }
    kvc_looks_write(cache, writer);
}

/* ---- reading ----------------------------------------------------------------------- */

/* The word of a sequence: its length, which goes to next_length; of layers with a window
 * what it gave back. That is between what kvc_cache_trim leaves, for which there is room
 * in tables, and what kvc_cache_reaches needs, which the next query sees.
 *   freed: out, in pages */
static kvc_error check_word(const kvc_cache *cache, size_t store, kvc_reader *reader,
                            uint32_t b, bool places, size_t *freed)
{
    const size_t word = kvc_read_u32(reader);
    if (store == KVC_WHOLE) {
        *freed = 0;
        cache->next_length[b] = word;
        const size_t gone = places ? kvc_read_u32(reader) : 0;
        const size_t least = places ? kvc_read_u32(reader) : 0;
        if (kvc_pages_for(word) > reader->left / sizeof(uint32_t) || gone > least ||
            least - gone > word || gone > UINT32_MAX - word) /* kvc_cache_taken fits */
            return KVC_ERR_STATE_INVALID;
        if (word > cache->shape.capacity)
            return KVC_ERR_CACHE_FULL;
        return KVC_OK;
    }
    *freed = word;
    const size_t length = cache->next_length[b];
    const size_t least = kvc_pages_gone(cache, length);
    const size_t most = kvc_pages_gone(cache, length + 1 + KVC_PAGE);
    return least <= word && word <= most ? KVC_OK : KVC_ERR_STATE_INVALID;
}

/* One sequence: its word and the numbers of its pages, new ones in order from *n on.
 *   pages.scratch: [P] by number, the last sequence that had the page
 *   pages.filled: [P] by number, the slots that hold tokens */
static kvc_error check_sequence(const kvc_cache *cache, size_t store, kvc_reader *reader,
                                uint32_t b, bool places, uint32_t *n)
{
    const kvc_pages *pages = &cache->stores[store].pages;
    uint32_t *seen = pages->scratch, *filled = pages->filled;
    size_t freed;
    const kvc_error error = check_word(cache, store, reader, b, places, &freed);
    if (error)
        return error;
    const size_t length = cache->next_length[b];
    for (size_t first = freed * KVC_PAGE; first < length; first += KVC_PAGE) {
        const uint32_t page = kvc_read_u32(reader);
        if (page == *n) { /* *n < P: no table has more pages than one here */
            seen[page] = UINT32_MAX;
            filled[page] = 0;
            (*n)++;
        }
        if (page >= *n || seen[page] == b) /* nowhere, or twice in one sequence */
            return KVC_ERR_STATE_INVALID;
        const uint32_t here = (uint32_t)kvc_min(KVC_PAGE, length - first);
        seen[page] = b;
        filled[page] = here > filled[page] ? here : filled[page];
    }
    return KVC_OK;
}

/* The places of so many slots. Whatever their tokens: only `written` is counted with. */
static bool check_places(const kvc_cache *cache, kvc_reader *reader, size_t n)
{
    bool good = true;
    for (size_t i = 0; i < n; i++) {
        kvc_read_u32(reader);
        good = kvc_read_u32(reader) < cache->shape.capacity && good;
    }
    return good;
}

/* The tables and pages of B sequences. */
static kvc_error check_store(const kvc_cache *cache, size_t store, kvc_reader *reader,
                             uint32_t B, bool places)
{
    uint32_t n = 0;
    for (uint32_t b = 0; b < B; b++) {
        const kvc_error error = check_sequence(cache, store, reader, b, places, &n);
        if (error)
            return error;
    }
    const size_t slot_bytes = kvc_store_token_bytes(&cache->stores[store]);
    bool good = true;
    for (uint32_t page = 0; page < n; page++) {
        const size_t filled = cache->stores[store].pages.filled[page];
        good = check_places(cache, reader, places ? filled : 0) && good;
        kvc_read_space(reader, filled * slot_bytes);
    }
    return reader->failed ? KVC_ERR_STATE_INVALID : good ? KVC_OK : KVC_ERR_CACHE_FULL;
}

kvc_error kvc_cache_check_state(const kvc_cache *cache, kvc_reader *reader)
{
    uint32_t want[SHAPE_WORDS];
    const size_t n_words = shape_words(cache, want);
    const uint32_t word = kvc_read_u32(reader);
    const bool places = kvc_cache_moves(cache) && word & HAS_PLACES;
    bool same = word == (want[0] | (places ? HAS_PLACES : 0));
    for (size_t i = 1; i < n_words && same; i++)
        same = kvc_read_u32(reader) == want[i];
    if (!same)
        return reader->failed ? KVC_ERR_STATE_INVALID : KVC_ERR_STATE_FOREIGN;
    const uint32_t B = kvc_read_u32(reader);
    if (reader->failed || B > reader->left / sizeof(uint32_t))
        return KVC_ERR_STATE_INVALID;
    if (B > cache->shape.batch)
        return KVC_ERR_CACHE_FULL;
    kvc_error error = KVC_OK;
    for (size_t i = 0; i < cache->n_stores && !error; i++)
        error = check_store(cache, i, reader, B, places);
    return error ? error : kvc_looks_check(cache, reader, B);
}

static void read_slots(kvc_reader *reader, const kvc_pool *pool, size_t index,
                       size_t page, size_t n)
{
    const size_t size = pool->format.vector_bytes;
    const unsigned char *from = kvc_read_space(reader, n * size);
    for (size_t slot = 0; slot < n; slot++, from += size)
        kvc_vector_unpack(&pool->format, kvc_pool_page(pool, index, page), slot, from);
}

static void read_page(const kvc_store *store, kvc_reader *reader, size_t page, size_t n,
                      bool places)
{
    if (places)
        kvc_read_words(reader, store->places + page * KVC_PAGE, n * PLACE_WORDS);
    else if (store->places)
        memset(store->places + page * KVC_PAGE, 0, n * sizeof *store->places);
    for (size_t i = 0; i < store->keys.n_heads; i++) {
        read_slots(reader, &store->keys, i, page, n);
        read_slots(reader, &store->values, i, page, n);
    }
}

/* Slots that are where they were written; or further down, as all that have moved are,
 * whatever a forger says: queries turn one way. A page may be of several sequences, by a
 * forger not the same one of each: the last slot that it is counts. */
static void set_places(const kvc_cache *cache, uint32_t b, bool moved)
{
    for (uint32_t slot = 0; slot < cache->length[b] && kvc_cache_moves(cache); slot++) {
        kvc_place *place = kvc_cache_place(cache, b, slot);
        if (place->written < slot)
            *place = (kvc_place){moved ? place->text : slot, slot};
    }
}

static void read_store(kvc_cache *cache, size_t store, kvc_reader *reader, uint32_t B,
                       bool places)
{
    kvc_pages *pages = &cache->stores[store].pages;
    uint32_t n = 0;
    for (uint32_t b = 0; b < B; b++) {
        const size_t word = kvc_read_u32(reader);
        if (store == KVC_WHOLE)
            cache->length[b] = word;
        else
            pages->freed[b] = word;
        if (places) {
            cache->past[b].gone = kvc_read_u32(reader);
            cache->past[b].least = kvc_read_u32(reader);
        }
        const size_t freed = pages->freed[b];
        uint32_t *table = kvc_pages_of(pages, b);
        pages->held[b] = kvc_pages_for(cache->length[b]);
        memset(table, 0xff, freed * sizeof *table); /* KVC_NO_PAGE */
        kvc_read_words(reader, table + freed, pages->held[b] - freed);
        for (size_t i = freed; i < pages->held[b]; i++) {
            pages->holders[table[i]]++;
            n = table[i] == n ? n + 1 : n;
        }
    }
    kvc_cache_fill(cache, &cache->stores[store]);
    for (uint32_t page = 0; page < n; page++)
        read_page(&cache->stores[store], reader, page, pages->filled[page], places);
    for (uint32_t b = 0; b < B && store == KVC_WHOLE; b++)
        set_places(cache, b, places);
}

void kvc_cache_read_state(kvc_cache *cache, kvc_reader *reader)
{
    uint32_t words[SHAPE_WORDS];
    kvc_cache_reset(cache);
    kvc_read_words(reader, words, shape_words(cache, words));
    const uint32_t B = kvc_read_u32(reader);
    for (size_t i = 0; i < cache->n_stores; i++)
        read_store(cache, i, reader, B, words[0] & HAS_PLACES);
    kvc_looks_read(cache, reader, B);
    for (uint32_t b = 0; b < B; b++) {
        kvc_events_write(cache->events, kvc_cache_history(cache), b, SIZE_MAX, 0,
                         cache->length[b]);
        const size_t freed = kvc_cache_freed(cache, b);
        if (freed > 0)
            kvc_events_record(cache->events, KVC_EVENT_FREE, b, SIZE_MAX, 0, freed,
                              SIZE_MAX);
    }
}
