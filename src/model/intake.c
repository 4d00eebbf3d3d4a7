/* intake.c - bytes of a file, in pieces of any size, become packed weights. */
#include "base/number.h"
#include "kernels/int8.h"
#include "model/tensors.h"

static size_t dtype_size(kvc_dtype dtype)
{
    return dtype == KVC_F32 ? 4 : 2;
}

static float load_element(const unsigned char *p, kvc_dtype dtype)
{
    const uint32_t low = (uint32_t)p[0] | (uint32_t)p[1] << 8;
    if (dtype == KVC_F16)
        return kvc_float_from_half((uint16_t)low);
    if (dtype == KVC_BF16)
        return kvc_float_from_bits(low << 16);
    return kvc_float_from_bits(low | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
}

/* Where row i of a tensor fused by head is among the rows of its parts as wholes. */
static size_t row_of_parts(const kvc_place *place, size_t i)
{
    const size_t D = place->head, part = i / D % KVC_PARTS, head = i / D / KVC_PARTS;
    return part * (place->shape[0] / KVC_PARTS) + head * D + i % D;
}

/* Puts element i of the file's tensor in its place. Weights of an int8 matrix wait until
 * the KVC_BLOCK inputs of a block are there: for all outputs where a row of the file is
 * an input, for one output where it is an output. */
static void put(kvc_model *model, const kvc_place *place, size_t i, float value)
{
    const size_t file_row = i / place->shape[1], column = i % place->shape[1];
    const size_t row = place->head ? row_of_parts(place, file_row) : file_row;
    if (place->plain) {
        const float whole = place->lacks_1 ? 1.0f + value : value;
        place->plain[row * place->shape[1] + column] = whole;
        return;
    }
    const size_t in = place->out_major ? column : row;
    const size_t stride = place->out_major ? 1 : place->shape[1];
    const size_t at = place->out_major ? 0 : column;
    const kvc_matrix *m = place->matrix;
    size_t out = place->out_major ? row : column;
    for (; out >= m->n_out; m++) /* from part to part */
        out -= m->n_out;
    if (!m->q) {
        *kvc_matrix_at(m, in, out) = value;
        return;
    }
    model->rows[in % KVC_BLOCK * stride + at] = value;
    if (in % KVC_BLOCK == KVC_BLOCK - 1 || in == m->n_in - 1)
        kvc_int8_set_block(m, in / KVC_BLOCK, out, model->rows + at, stride,
                           in % KVC_BLOCK + 1);
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
    if (dtype != KVC_F32 && dtype != KVC_F16 && dtype != KVC_BF16)
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
    for (size_t left = bytes / size; left > 0; left--, p += size) {
        const float value = load_element(p, in->dtype);
        if (!kvc_is_finite(value)) {
            kvc_model_cancel_tensor(model);
            return KVC_ERR_NOT_FINITE;
        }
        put(model, &place, in->written++, value);
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
