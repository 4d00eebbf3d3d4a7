#include "cache/cache_state.h"

#include <string.h>

#include "base/number.h"

enum { SHAPE_WORDS = 5 };

/* What a state and the cache that takes it must have in common. */
static void shape_words(const kvc_cache *cache, uint32_t *words)
{
    const kvc_cache_shape *s = &cache->shape;
    words[0] = (uint32_t)s->n_layer;
    words[1] = (uint32_t)s->n_kv_head;
    words[2] = (uint32_t)s->head_dim;
    words[3] = (uint32_t)s->key_type;
    words[4] = (uint32_t)s->value_type;
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

static void write_page(const kvc_cache *cache, kvc_writer *writer, size_t page, size_t n)
{
    for (size_t i = 0; i < cache->keys.n_heads; i++) {
        write_slots(writer, &cache->keys, i, page, n);
        write_slots(writer, &cache->values, i, page, n);
    }
}

/* Each sequence: its length and the numbers of its pages, which go to number: [P] */
static void write_tables(const kvc_cache *cache, kvc_writer *writer, uint32_t *number)
{
    const kvc_pages *pages = &cache->pages;
    uint32_t n = 0;
    memset(number, 0xff, kvc_pages_total(pages) * sizeof *number);
    for (size_t b = 0; b < cache->shape.batch; b++) {
        const uint32_t *table = kvc_pages_of(pages, b);
        kvc_write_u32(writer, (uint32_t)cache->length[b]);
        for (size_t i = 0; i < kvc_pages_for(cache->length[b]); i++) {
            if (number[table[i]] == UINT32_MAX)
                number[table[i]] = n++;
            kvc_write_u32(writer, number[table[i]]);
        }
    }
}

/* Each page in the order of its number: the tables name them in that order. */
static void write_pages(const kvc_cache *cache, kvc_writer *writer,
                        const uint32_t *number)
{
    const kvc_pages *pages = &cache->pages;
    uint32_t n = 0;
    kvc_cache_fill(cache);
    for (size_t b = 0; b < cache->shape.batch; b++)
        for (size_t i = 0; i < kvc_pages_for(cache->length[b]); i++) {
            const uint32_t page = kvc_pages_of(pages, b)[i];
            if (number[page] == n) {
                write_page(cache, writer, page, pages->filled[page]);
                n++;
            }
        }
}

void kvc_cache_write_state(const kvc_cache *cache, kvc_writer *writer)
{
    uint32_t words[SHAPE_WORDS], *number = cache->pages.scratch;
    shape_words(cache, words);
    kvc_write_words(writer, words, SHAPE_WORDS);
    kvc_write_u32(writer, (uint32_t)cache->shape.batch);
    write_tables(cache, writer, number);
    write_pages(cache, writer, number);
}

/* ---- reading ----------------------------------------------------------------------- */

/* One sequence: its length and the numbers of its pages, new ones in order from *n on.
 *   pages.scratch: [P] by number, the last sequence that had the page
 *   pages.filled: [P] by number, the slots that hold tokens */
static kvc_error check_sequence(const kvc_cache *cache, kvc_reader *reader, uint32_t b,
                                uint32_t *n)
{
    uint32_t *seen = cache->pages.scratch, *filled = cache->pages.filled;
    const size_t length = kvc_read_u32(reader);
    if (kvc_pages_for(length) > reader->left / sizeof(uint32_t))
        return KVC_ERR_STATE_INVALID;
    if (length > cache->shape.capacity)
        return KVC_ERR_CACHE_FULL;
    for (size_t first = 0; first < length; first += KVC_PAGE) {
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

kvc_error kvc_cache_check_state(const kvc_cache *cache, kvc_reader *reader)
{
    uint32_t words[SHAPE_WORDS], want[SHAPE_WORDS] = {0}, n = 0;
    memset(words, 0, sizeof words);
    shape_words(cache, want);
    kvc_read_words(reader, words, SHAPE_WORDS);
    const uint32_t B = kvc_read_u32(reader);
    if (reader->failed || B > reader->left / sizeof(uint32_t))
        return KVC_ERR_STATE_INVALID;
    if (memcmp(words, want, sizeof want) != 0)
        return KVC_ERR_STATE_FOREIGN;
    if (B > cache->shape.batch)
        return KVC_ERR_CACHE_FULL;
    for (uint32_t b = 0; b < B; b++) {
        const kvc_error error = check_sequence(cache, reader, b, &n);
        if (error)
            return error;
    }
    const size_t slot_bytes = kvc_cache_token_bytes(cache);
    for (uint32_t page = 0; page < n; page++)
        kvc_read_space(reader, cache->pages.filled[page] * slot_bytes);
    return reader->failed ? KVC_ERR_STATE_INVALID : KVC_OK;
}

static void read_slots(kvc_reader *reader, const kvc_pool *pool, size_t index,
                       size_t page, size_t n)
{
    const size_t size = pool->format.vector_bytes;
    const unsigned char *from = kvc_read_space(reader, n * size);
    for (size_t slot = 0; slot < n; slot++, from += size)
        kvc_vector_unpack(&pool->format, kvc_pool_page(pool, index, page), slot, from);
}

static void read_page(kvc_cache *cache, kvc_reader *reader, size_t page, size_t n)
{
    for (size_t i = 0; i < cache->keys.n_heads; i++) {
        read_slots(reader, &cache->keys, i, page, n);
        read_slots(reader, &cache->values, i, page, n);
    }
}

void kvc_cache_read_state(kvc_cache *cache, kvc_reader *reader)
{
    kvc_pages *pages = &cache->pages;
    uint32_t words[SHAPE_WORDS], n = 0;
    kvc_cache_reset(cache);
    kvc_read_words(reader, words, SHAPE_WORDS);
    const uint32_t B = kvc_read_u32(reader);
    for (uint32_t b = 0; b < B; b++) {
        cache->length[b] = kvc_read_u32(reader);
        pages->held[b] = kvc_pages_for(cache->length[b]);
        uint32_t *table = kvc_pages_of(pages, b);
        kvc_read_words(reader, table, pages->held[b]);
        for (size_t i = 0; i < pages->held[b]; i++) {
            pages->holders[table[i]]++;
            n = table[i] == n ? n + 1 : n;
        }
    }
    kvc_cache_fill(cache);
    for (uint32_t page = 0; page < n; page++)
        read_page(cache, reader, page, pages->filled[page]);
    for (uint32_t b = 0; b < B; b++)
        kvc_events_write(cache->events, pages, b, SIZE_MAX, 0, cache->length[b]);
}

/* ---- a cache alone ----------------------------------------------------------------- */

static void write_all(const kvc_cache *cache, uint64_t fingerprint, kvc_writer *writer)
{
    kvc_write_begin(writer, "KVCC", fingerprint);
    kvc_cache_write_state(cache, writer);
    kvc_write_end(writer);
}

size_t kvc_cache_state_bytes(const kvc_cache *cache)
{
    kvc_writer writer = {0};
    write_all(cache, 0, &writer);
    return writer.used;
}

kvc_error kvc_cache_save(const kvc_cache *cache, uint64_t fingerprint, void *state,
                         size_t bytes)
{
    if (!state)
        return KVC_ERR_INVALID_ARGUMENT;
    if (bytes < kvc_cache_state_bytes(cache))
        return KVC_ERR_OUT_OF_MEMORY;
    kvc_writer writer = {.bytes = state};
    write_all(cache, fingerprint, &writer);
    return KVC_OK;
}

kvc_error kvc_cache_restore(kvc_cache *cache, uint64_t fingerprint, const void *state,
                            size_t bytes)
{
    kvc_reader reader;
    if (!state)
        return KVC_ERR_INVALID_ARGUMENT;
    kvc_error error = kvc_read_begin(&reader, "KVCC", fingerprint, state, bytes);
    if (error)
        return error;
    kvc_reader checked = reader;
    error = kvc_cache_check_state(cache, &checked);
    if (!error && !kvc_read_end(&checked))
        error = KVC_ERR_STATE_INVALID;
    if (!error)
        kvc_cache_read_state(cache, &reader);
    return error;
}
