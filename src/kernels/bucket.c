#include "kernels/bucket.h"

/* base^n */
static double power(double base, size_t n)
{
    double result = 1.0;
    for (; n > 0; n--)
        result *= base;
    return result;
}

size_t kvc_bucket(size_t distance, size_t n, size_t farthest)
{
    const size_t alone = n / 2;
    if (distance < alone)
        return distance;
    if (distance >= farthest)
        return n - 1;
    const double step = (double)farthest / (double)alone,
                 reached = power((double)distance / (double)alone, n - alone);
    size_t bucket = alone;
    for (double border = step; border <= reached; border *= step)
        bucket++;
    return bucket;
}
