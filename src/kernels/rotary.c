#include "kernels/rotary.h"

#include "base/number.h"

/* ---- powers, sines and cosines in double precision --------------------------------- */

/* Adding it to x in -2^51 .. 2^51 rounds x to an integer: KVC_ROUNDER of doubles. */
static const double rounder = 0x1.8p52;

/* ln 2 and pi / 2, each in two parts: what is counted here times the first is exact. */
static const double ln_2 = 0x1.62e42fep-1, ln_2_rest = 0x1.f473de6af278fp-30;
static const double half_pi = 0x1.921fb54p+0, half_pi_rest = 0x1.10b4611a62633p-30;

/* x = 2^n m, ln m = 2 artanh((m - 1) / (m + 1)).   x: positive, finite */
static double natural_log(double x)
{
    double n = 0.0, sum = 0.0;
    for (; x > 1.4142135623730951; x *= 0.5)
        n += 1.0;
    for (; x < 0.7071067811865476; x *= 2.0)
        n -= 1.0;
    const double s = (x - 1.0) / (x + 1.0), square = s * s;
    for (int k = 25; k > 0; k -= 2)
        sum = sum * square + 1.0 / k;
    return n * ln_2 + (n * ln_2_rest + 2.0 * s * sum);
}

/* exp(x) = 2^n exp(r), and Taylor's series.   |x| < 700 */
static double exponential(double x)
{
    double n = (x * 1.4426950408889634 + rounder) - rounder, sum = 1.0;
    const double r = (x - n * ln_2) - n * ln_2_rest;
    for (int k = 16; k > 0; k--)
        sum = 1.0 + r / k * sum;
    for (; n > 0.0; n -= 1.0)
        sum *= 2.0;
    for (; n < 0.0; n += 1.0)
        sum *= 0.5;
    return sum;
}

/* From the quarter turn that x is nearest to, Taylor's series.   0 <= x < 2^25 */
static void turn(float *cosine, float *sine, double x)
{
    const double n = (x * 0.6366197723675814 + rounder) - rounder;
    const double r = (x - n * half_pi) - n * half_pi_rest, square = -r * r;
    double c = 1.0, s = 1.0;
    for (int k = 16; k > 0; k -= 2) {
        c = 1.0 + square / (k * (k - 1)) * c;
        s = 1.0 + square / (k * (k + 1)) * s;
    }
    s *= r;
    const uint32_t quarter = (uint32_t)n % 4;
    const double x_axis = quarter % 2 == 0 ? c : s, y_axis = quarter % 2 == 0 ? s : c;
    *cosine = (float)(quarter == 1 || quarter == 2 ? -x_axis : x_axis);
    *sine = (float)(quarter >= 2 ? -y_axis : y_axis);
}

/* ---- frequencies ------------------------------------------------------------------- */

/* Of a model trained on `rope_original` positions: where a wave is much shorter than
 * these, as it is; where it is longer, divided; between, a mixture (Llama 3.1). Without
 * `rope_original`, all are divided (linear scaling). */
static float scaled(float frequency, const kvc_config *c)
{
    const float low = c->rope_low, high = c->rope_high;
    const float wave = 6.2831853f / frequency, original = (float)c->rope_original;
    if (c->rope_original == 0 || wave > original / low)
        return frequency / c->rope_factor;
    if (wave < original / high)
        return frequency;
    const float smooth = (original / wave - low) / (high - low);
    return (1.0f - smooth) * frequency / c->rope_factor + smooth * frequency;
}

/* Downwards to a whole number.   |x| < 2^63 */
static double floor_of(double x)
{
    const double whole = (double)(int64_t)x;
    return whole > x ? whole - 1.0 : whole;
}

/* The pair that makes so many turns in the positions of the training. */
static double pair_of(float turns, const kvc_config *c)
{
    const double pi = 3.141592653589793;
    const double wave = (double)c->rope_original / ((double)turns * 2.0 * pi);
    return c->rotary_dim * natural_log(wave) / (2.0 * natural_log((double)c->rope_theta));
}

/* The pairs between which a mixture grows. */
static void yarn_borders(double *low, double *high, const kvc_config *c)
{
    *low = pair_of(c->rope_high, c);
    *high = pair_of(c->rope_low, c);
    if (c->rope_yarn == 1) {
        *low = floor_of(*low);
        *high = -floor_of(-*high);
    }
    *low = *low < 0.0 ? 0.0 : *low;
    *high = *high > c->rotary_dim - 1.0 ? c->rotary_dim - 1.0 : *high;
    *high += *low == *high ? 0.001 : 0.0;
}

/* As scaled() does it, but from pair to pair. Each step is rounded where transformers
 * rounds it.   power: theta^(2i/r) */
static float yarn_scaled(float power, uint32_t i, const kvc_config *c)
{
    double low, high;
    yarn_borders(&low, &high, c);
    float divided = ((float)i - (float)low) / (float)(high - low);
    divided = divided < 0.0f ? 0.0f : divided > 1.0f ? 1.0f : divided;
    const float kept = 1.0f - divided;
    const float slow = 1.0f / (c->rope_factor * power), fast = 1.0f / power;
    return slow * (1.0f - kept) + fast * kept;
}

void kvc_rotary_frequencies(float *frequencies, const kvc_config *c)
{
    const double log_theta = natural_log((double)c->rope_theta);
    for (uint32_t i = 0; i < c->rotary_dim / 2; i++) {
        const float exponent = (float)(2 * i) / (float)c->rotary_dim;
        const float power = (float)exponential((double)exponent * log_theta);
        if (c->rope_yarn)
            frequencies[i] = yarn_scaled(power, i, c);
        else
            frequencies[i] = scaled(1.0f / power, c);
    }
}

float kvc_rotary_amplitude(const kvc_config *c)
{
    if (c->rope_yarn == 0 || c->rope_attention > 0.0f)
        return c->rope_yarn == 0 ? 1.0f : c->rope_attention;
    const double length = natural_log((double)c->rope_factor);
    return (float)((0.1 * (double)c->rope_mscale * length + 1.0) /
                   (0.1 * (double)c->rope_mscale_all * length + 1.0));
}

/* ---- rotations --------------------------------------------------------------------- */

void kvc_rotary_turns(float *restrict turns, const float *restrict frequencies,
                      float amplitude, size_t r, size_t position, size_t n)
{
    for (size_t t = 0; t < n; t++, turns += r)
        for (size_t i = 0; i < r / 2; i++) {
            const float angle = (float)(position + t) * frequencies[i];
            turn(&turns[i], &turns[r / 2 + i], (double)angle);
            turns[i] *= amplitude;
            turns[r / 2 + i] *= amplitude;
        }
}

void kvc_sinusoids(float *table, size_t n, size_t C)
{
    const double steps = natural_log(10000.0) * 2.0 / (double)C;
    for (size_t p = 0; p < n; p++, table += C)
        for (size_t i = 0; i < C / 2; i++)
            turn(&table[C / 2 + i], &table[i],
                 (double)p * exponential(-steps * (double)i));
}

void kvc_rotate(float *restrict x, const float *restrict turns, size_t rows, size_t heads,
                size_t D, size_t r)
{
    const size_t half = r / 2;
    for (; rows > 0; rows--, turns += r)
        for (size_t head = 0; head < heads; head++, x += D)
            for (size_t i = 0; i < half; i++) {
                const float a = x[i];
                const float b = x[half + i];
                x[i] = a * turns[i] - b * turns[half + i];
                x[half + i] = b * turns[i] + a * turns[half + i];
            }
}
