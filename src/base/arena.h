/* arena.h - "ask, then give": one layout function runs twice, first over an arena without
 * memory to learn the size, then over the caller's block to hand out the pieces. */
#ifndef KVC_ARENA_H
#define KVC_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KVC_ALIGN = 16 };

typedef struct kvc_arena {
    unsigned char *base; /* NULL while asking */
    size_t used;
    bool overflow; /* a size cannot be had in this address space; stays set */
} kvc_arena;

/* count * size bytes at the next multiple of KVC_ALIGN; NULL while asking or after
 * overflow. More than PTRDIFF_MAX of them overflow too: within an array pointers can be
 * subtracted and moved. */
void *kvc_take(kvc_arena *arena, size_t count, size_t size);

/* [rows, columns] floats, as kvc_take. */
float *kvc_take_floats(kvc_arena *arena, size_t rows, size_t columns);

/* a * b; after overflow 0. */
size_t kvc_times(kvc_arena *arena, size_t a, size_t b);

/* True for memory that can be handed to an arena. */
static inline bool kvc_is_aligned(const void *memory)
{
    return memory != NULL && (uintptr_t)memory % KVC_ALIGN == 0;
}

#endif
