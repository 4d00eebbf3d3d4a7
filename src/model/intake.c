/* intake.c - bytes of a file, in pieces of any size, become packed weights. */
#include <string.h>

#include "base/number.h"
#include "kernels/int8.h"
#include "model/tensors.h"

enum { RUN = 512 }; /* elements at a time, of one row */

/* Bytes of an element; 0: no tensor arrives as that. */
static size_t dtype_size(kvc_dtype dtype)
{
    switch (dtype) {
    case KVC_F32: return 4;
    case KVC_F16:
    case KVC_BF16: return 2;
    case KVC_F8_E4M3:
    case KVC_F8_E5M2: return 1;
    default: return 0;
    }
}

static void widen_halves(float *restrict x, const unsigned char *restrict p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t half;
        memcpy(&half, p + 2 * i, sizeof half);
        x[i] = kvc_float_from_half(half);
    }
}

static void widen_bfloats(float *restrict x, const unsigned char *restrict p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t upper;
        memcpy(&upper, p + 2 * i, sizeof upper);
        x[i] = kvc_float_from_bits((uint32_t)upper << 16);
    }
}

static void widen_e4m3(float *restrict x, const unsigned char *restrict p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = kvc_float_from_e4m3(p[i]);
}

static void widen_e5m2(float *restrict x, const unsigned char *restrict p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = kvc_float_from_half((uint16_t)(p[i] << 8));
}

/* Elements of the file as floats; false where one of them is NaN or infinite. Loops that
 * compilers turn into vectors.
 *   x: [n] out   p: [n] elements, little-endian, unaligned */
static bool load(float *restrict x, const unsigned char *restrict p, size_t n,
                 kvc_dtype dtype)
{
    if (dtype == KVC_F32)
        memcpy(x, p, n * sizeof *x);
    else if (dtype == KVC_F16)
        widen_halves(x, p, n);
    else if (dtype == KVC_BF16)
        widen_bfloats(x, p, n);
    else if (dtype == KVC_F8_E4M3)
        widen_e4m3(x, p, n);
    else
        widen_e5m2(x, p, n);
    uint32_t largest = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t magnitude = kvc_float_bits(x[i]) & KVC_MAGNITUDE_BITS;
        largest = magnitude > largest ? magnitude : largest;
    }
    return largest < KVC_INFINITY_BITS;
}

/* Where row i of a tensor fused by head is among the rows of its parts as wholes. */
static size_t row_of_parts(const kvc_place *place, size_t i)
{
    const size_t D = place->head, part = i / D % KVC_PARTS, head = i / D / KVC_PARTS;
    return part * (place->shape[0] / KVC_PARTS) + head * D + i % D;
}

/* Inputs in .. in + n - 1 of one output. Those of an int8 matrix wait until the KVC_BLOCK
 * inputs of a block are there. */
static void put_inputs(float *waiting, const kvc_matrix *m, size_t out, size_t in,
                       const float *x, size_t n)
{
    if (!m->int8) {
        float *w = kvc_matrix_at(m, in, out);
        const ptrdiff_t next = kvc_matrix_at(m, in + 1, out) - w;
        for (size_t i = 0; i < n; i++, w += next)
            *w = x[i];
        return;
    }
    for (size_t done = 0, part; done < n; done += part) {
        const size_t block = (in + done) / KVC_BLOCK, at = (in + done) % KVC_BLOCK;
        part = (n - done) / KVC_BLOCK * KVC_BLOCK;
        if (at == 0 && part > 0) {
            kvc_int8_set_blocks(m, block, out, x + done, part / KVC_BLOCK);
            continue;
        }
        part = kvc_min(KVC_BLOCK - at, n - done);
        memcpy(waiting + at, x + done, part * sizeof *x);
        if (at + part == KVC_BLOCK || in + done + part == m->n_in)
            kvc_int8_set_block(m, block, out, waiting, 1, at + part);
    }
}

/* The same of one input of outputs out .. out + n - 1 of all parts; here a whole block
 * waits, [KVC_BLOCK][stride], for all outputs. */
static void put_outputs(float *waiting, size_t stride, const kvc_matrix *m, size_t in,
                        size_t out, const float *x, size_t n)
{
    const bool full = in % KVC_BLOCK == KVC_BLOCK - 1 || in == m->n_in - 1;
    for (size_t i = 0, at = out; i < n; i++, at++, out++) {
        for (; out >= m->n_out; m++) /* from part to part */
            out -= m->n_out;
        if (!m->int8) { /* and nothing waits */
            *kvc_matrix_at(m, in, out) = x[i];
            continue;
        }
        waiting[in % KVC_BLOCK * stride + at] = x[i];
        if (full)
            kvc_int8_set_block(m, in / KVC_BLOCK, out, waiting + at, stride,
                               in % KVC_BLOCK + 1);
    }
}

/* Elements i .. i + n - 1 of the file's tensor, all of one row, to their places. */
static void put(kvc_model *model, const kvc_place *place, size_t i, const float *x,
                size_t n)
{
    const size_t width = place->shape[1], file_row = i / width, column = i % width;
    size_t row = place->head ? row_of_parts(place, file_row) : file_row;
    if (place->plain) {
        float *plain = place->plain + row * width + column;
        memcpy(plain, x, n * sizeof *x);
        for (size_t j = 0; place->lacks_1 && j < n; j++)
            plain[j] += 1.0f;
        return;
    }
    const kvc_matrix *m = place->matrix;
    if (!place->out_major) {
        put_outputs(model->rows, width, m, row, column, x, n);
        return;
    }
    for (; row >= m->n_out; m++)
        row -= m->n_out;
    put_inputs(model->rows, m, row, column, x, n);
}

kvc_error kvc_model_begin_tensor(kvc_model *model, const char *name, kvc_dtype dtype,
                                 const uint64_t *shape, size_t rank)
{
    if (!model || !name || (rank > 0 && !shape))
        return KVC_ERR_INVALID_ARGUMENT;
    if (model->intake.active)
        return KVC_ERR_BUSY;
    size_t index;
    if (!kvc_tensor_find(model, name, &index))
        return KVC_ERR_TENSOR_UNKNOWN;
    if (dtype_size(dtype) == 0)
        return KVC_ERR_TENSOR_DTYPE;
    if (model->present[index])
        return KVC_ERR_TENSOR_DUPLICATE;
    const kvc_place place = kvc_tensor_place(model, index);
    size_t elements = 1;
    for (size_t i = 0; i < place.rank; i++) {
        if (rank != place.rank || shape[i] != place.shape[i])
            return KVC_ERR_TENSOR_SHAPE;
        elements *= place.shape[i];
    }
    model->begun[index] = true;
    model->intake = (kvc_intake){
        .active = true, .index = index, .dtype = dtype, .elements = elements};
    return KVC_OK;
}

kvc_error kvc_model_write_tensor(kvc_model *model, const void *data, size_t bytes)
{
    kvc_intake *in = &model->intake;
    if (!in->active || (!data && bytes > 0))
        return KVC_ERR_INVALID_ARGUMENT;
    const size_t size = dtype_size(in->dtype);
    if (bytes % size != 0 || bytes / size > in->elements - in->written) {
        kvc_model_cancel_tensor(model);
        return KVC_ERR_TENSOR_BYTES;
    }
    const kvc_place place = kvc_tensor_place(model, in->index);
    const unsigned char *p = data;
    for (size_t left = bytes / size, n; left > 0; left -= n, p += n * size) {
        float x[RUN];
        const size_t row = place.shape[1] - in->written % place.shape[1];
        n = kvc_min(kvc_min(left, row), RUN);
        if (!load(x, p, n, in->dtype)) {
            kvc_model_cancel_tensor(model);
            return KVC_ERR_NOT_FINITE;
        }
        put(model, &place, in->written, x, n);
        in->written += n;
    }
    if (in->written == in->elements) {
        model->present[in->index] = true;
        in->active = false;
    }
    return KVC_OK;
}

void kvc_model_cancel_tensor(kvc_model *model)
{
    model->intake.active = false;
}

kvc_error kvc_model_set_tensor(kvc_model *model, const char *name, kvc_dtype dtype,
                               const uint64_t *shape, size_t rank, const void *data,
                               size_t bytes)
{
    if (model && name && kvc_model_ignores(model, name))
        return KVC_OK;
    kvc_error error = kvc_model_begin_tensor(model, name, dtype, shape, rank);
    if (error)
        return error;
    error = kvc_model_write_tensor(model, data, bytes);
    if (!error && model->intake.active)
        error = KVC_ERR_TENSOR_BYTES; /* too few */
    kvc_model_cancel_tensor(model);
    return error;
}
