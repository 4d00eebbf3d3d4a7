/* failing.c - linked into build/failing.wasm in front of the allocator of the wasm
 * modules (kvc_wasm_allocate has the one call of aligned_alloc): fails the allocation
 * that a test asks for, and counts what is allocated and not freed. */
#include <stdbool.h>
#include <stddef.h>

#define EXPORT(name) __attribute__((export_name(#name))) name

void *__real_aligned_alloc(size_t alignment, size_t bytes);
void __real_free(void *memory);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);
void __wrap_free(void *memory);

static size_t until_failure; /* allocations, the failing one included; 0: none fails */
static bool ever_after, has_failed;
static size_t live;

void *__wrap_aligned_alloc(size_t alignment, size_t bytes)
{
    if (until_failure == 1 || (has_failed && ever_after)) {
        until_failure = 0;
        has_failed = true;
        return NULL;
    }
    until_failure -= until_failure > 0;
    void *memory = __real_aligned_alloc(alignment, bytes);
    live += memory != NULL;
    return memory;
}

void __wrap_free(void *memory)
{
    live -= memory != NULL;
    __real_free(memory);
}

/* The n-th allocation from now on fails, and all that follow if ever_after; 0: none. */
void EXPORT(failing_set)(size_t n, bool all_after)
{
    until_failure = n;
    ever_after = all_after;
    has_failed = false;
}

bool EXPORT(failing_has_failed)(void)
{
    return has_failed;
}

size_t EXPORT(failing_live)(void)
{
    return live;
}
