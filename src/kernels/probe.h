/* probe.h - what a machine can do at most with 128-bit vectors: read memory, multiply and
 * add. The limits that the benchmark holds its results against; nothing else calls them. */
#ifndef KVC_PROBE_H
#define KVC_PROBE_H

#include <stddef.h>
#include <stdint.h>

enum {
    KVC_PROBE_BLOCK = 128, /* bytes that are read at once */
    KVC_PROBE_CHAINS = 12  /* sums in flight, as many as 16 registers allow */
};

/* Reads memory `times` times, from the first byte to the last; it must have been written
 * before, or all its pages may be one page of zeros. Returns the sum of its words.
 *   bytes: a multiple of KVC_PROBE_BLOCK */
uint32_t kvc_probe_read(const void *memory, size_t bytes, uint32_t times);

/* `times` * KVC_PROBE_CHAINS * 4 multiplications and as many additions of floats, nothing
 * of it in memory: x = x * half + half, from 1, 2, 3, ... on. Returns the sum of all
 * x, each of which ends at 1.
 *   half: 0.5, but the compiler must not know: some would build a constant anew each time */
float kvc_probe_multiply_add(uint32_t times, float half);

/* `times` * KVC_PROBE_CHAINS * 16 multiplications of small integers and as many additions:
 * what the int8 kernels are made of, without bringing the factors into shape. Returns
 * what they add up to, 1 + 2 + 3 + ...   zero: 0, as `half` is 0.5 */
uint32_t kvc_probe_dot(uint32_t times, int32_t zero);

#endif
