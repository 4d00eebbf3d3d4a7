#include "kernels/linear.h"

#include <string.h>

#include "base/number.h"
#include "kernels/accumulate.h"
#include "kernels/int8.h"

void kvc_linear(float *restrict y, const float *restrict x, size_t rows,
                const kvc_matrix *m)
{
    const size_t lanes = kvc_round_up(m->n_out, 4), x_stride = kvc_round_up(m->n_in, 4);
    for (size_t r = 0; r < rows; r++) {
        if (m->bias)
            memcpy(y + r * lanes, m->bias, lanes * sizeof *y);
        else
            memset(y + r * lanes, 0, lanes * sizeof *y);
    }
    if (m->int8) {
        kvc_int8_accumulate(y, x, rows, m);
        return;
    }
    for (size_t o = 0; o < lanes; o += KVC_PANEL) {
        const size_t width = kvc_min(KVC_PANEL, lanes - o);
        kvc_accumulate(y + o, lanes, x, x_stride, m->w + o * m->n_in, width, rows,
                       m->n_in, width);
    }
}
