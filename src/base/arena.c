#include "base/arena.h"

#include "base/number.h"

void *kvc_take(kvc_arena *arena, size_t count, size_t size)
{
    /* A multiple of KVC_ALIGN, as used is: rounding up stays within size_t. */
    const size_t limit = SIZE_MAX - (KVC_ALIGN - 1);
    const size_t most = kvc_min(PTRDIFF_MAX, limit - arena->used);
    if (arena->overflow || (size != 0 && count > most / size)) {
        arena->overflow = true;
        return NULL;
    }
    /* Not by a pointer's own sum: all pieces together may exceed PTRDIFF_MAX. */
    void *piece = arena->base ? (void *)((uintptr_t)arena->base + arena->used) : NULL;
    arena->used = kvc_round_up(arena->used + count * size, KVC_ALIGN);
    return piece;
}

float *kvc_take_floats(kvc_arena *arena, size_t rows, size_t columns)
{
    return kvc_take(arena, rows, kvc_times(arena, columns, sizeof(float)));
}

size_t kvc_times(kvc_arena *arena, size_t a, size_t b)
{
    if (b == 0 || a <= SIZE_MAX / b)
        return a * b;
    arena->overflow = true;
    return 0;
}
