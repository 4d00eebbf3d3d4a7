/* bucket.h - distances between tokens in buckets (Raffel et al. 2020): near ones have one
 * each, far ones share. Made of integers and powers: no logarithm can land on the other
 * side of a border. */
#ifndef KVC_BUCKET_H
#define KVC_BUCKET_H

#include <stddef.h>

/* The bucket of a distance, 0 .. n - 1: below n/2 its own; from there on, bucket n/2 + m
 * begins at n/2 * (farthest / (n/2))^(m / (n - n/2)).   2 <= n/2 < farthest */
size_t kvc_bucket(size_t distance, size_t n, size_t farthest);

#endif
