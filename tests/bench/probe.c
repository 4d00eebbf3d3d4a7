/* probe.c - what this machine can do at most with 128-bit vectors: read memory, multiply and
 * add. Built as a wasm module of its own (build/probe.wasm) and into the native benchmark;
 * the limits that the results are held against. Neither is part of what ships. */
#include <stdint.h>
#include <stdlib.h>

#include "simd.h"

#ifdef __wasm__
#define EXPORT(name) __attribute__((export_name(#name))) name
#else
#define EXPORT(name) name
#endif

enum {
    STREAM = 8,
    CHAINS = 12
}; /* vectors in flight: loads; sums, as many as 16 registers allow */

/* Memory that is really there: untouched pages would all be one page of zeros. NULL if there
 * is none.   bytes: a multiple of 128 */
void *EXPORT(probe_buffer)(size_t bytes)
{
    uint32_t *words = aligned_alloc(128, bytes);
    for (size_t i = 0; words && i < bytes / sizeof *words; i++)
        words[i] = (uint32_t)i * 2654435761u;
    return words;
}

/* Reads it `times` times, from the first byte to the last. Returns what depends on every byte. */
uint32_t EXPORT(probe_read)(const void *buffer, size_t bytes, uint32_t times)
{
    v128_t sum[STREAM];
    for (size_t i = 0; i < STREAM; i++)
        sum[i] = wasm_i32x4_splat(0);
    for (; times > 0; times--)
        for (const v128_t *p = buffer, *end = p + bytes / sizeof *p; p < end; p += STREAM)
            for (size_t i = 0; i < STREAM; i++)
                sum[i] = wasm_i32x4_add(sum[i], wasm_v128_load(p + i));
    for (size_t i = 1; i < STREAM; i++)
        sum[0] = wasm_i32x4_add(sum[0], sum[i]);
    return (uint32_t)wasm_i32x4_extract_lane(sum[0], 0) +
           (uint32_t)wasm_i32x4_extract_lane(sum[0], 1) +
           (uint32_t)wasm_i32x4_extract_lane(sum[0], 2) +
           (uint32_t)wasm_i32x4_extract_lane(sum[0], 3);
}

/* `times` * CHAINS * 4 multiplications and as many additions, nothing of it in memory.
 *   factor: 0.5, but the compiler must not know: some would build a constant anew each time */
float EXPORT(probe_multiply_add)(uint32_t times, float factor)
{
    const v128_t half = wasm_f32x4_splat(factor);
    v128_t x[CHAINS];
    for (size_t i = 0; i < CHAINS; i++)
        x[i] = wasm_f32x4_splat(1.0f + (float)i);
    for (; times > 0; times--)
        for (size_t i = 0; i < CHAINS; i++)
            x[i] = wasm_f32x4_add(wasm_f32x4_mul(x[i], half), half);
    for (size_t i = 1; i < CHAINS; i++)
        x[0] = wasm_f32x4_add(x[0], x[i]);
    return wasm_f32x4_extract_lane(x[0], 0);
}

uint32_t EXPORT(probe_chains)(void)
{
    return CHAINS;
}
