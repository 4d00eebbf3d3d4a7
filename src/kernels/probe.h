/* probe.h - the most that a machine can do with 128-bit vectors: read memory, multiply
 * and add. Only the benchmark calls these, to hold its results against the limits. */
#ifndef KVC_PROBE_H
#define KVC_PROBE_H

#include <stddef.h>
#include <stdint.h>

enum {
    KVC_PROBE_BLOCK = 128, /* bytes read in one step */
    KVC_PROBE_CHAINS = 12  /* sums in flight: the most that 16 registers allow */
};

/* Reads memory `times` times, from the first byte to the last, and returns the sum of its
 * words. Write to it first: pages that were never written may all be one page of zeros.
 *   bytes: a multiple of KVC_PROBE_BLOCK */
uint32_t kvc_probe_read(const void *memory, size_t bytes, uint32_t times);

/* `times` * KVC_PROBE_CHAINS * 4 multiplications of floats, each followed by an addition,
 * all in registers: x = x * half + half, with x from 1, 2, 3, ... on. Returns the sum of
 * all x, each of which tends to 1.
 *   half: 0.5, an argument because some compilers would rebuild a constant at each use */
float kvc_probe_multiply_add(uint32_t times, float half);

/* `times` * KVC_PROBE_CHAINS * 16 multiplications of small integers, each followed by an
 * addition: what the int8 kernels do, without preparing the factors. Returns the sum of
 * the lanes, which start from 1, 2, 3, ...   zero: 0, an argument for the same reason */
uint32_t kvc_probe_dot(uint32_t times, int32_t zero);

#endif
