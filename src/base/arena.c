#include "base/arena.h"

void *kvc_take(kvc_arena *arena, size_t count, size_t size)
{
    const size_t limit =
        SIZE_MAX - (KVC_ALIGN - 1); /* a multiple of KVC_ALIGN, as used is */
    if (arena->overflow || (size != 0 && count > (limit - arena->used) / size)) {
        arena->overflow = true;
        return NULL;
    }
    void *piece = arena->base ? arena->base + arena->used : NULL;
    arena->used = kvc_round_up(arena->used + count * size, KVC_ALIGN);
    return piece;
}
