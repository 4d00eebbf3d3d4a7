/* tensors.h - the tensors of a model, by index: first those of the model itself, then
 * those of each layer of the decoder, then of the encoder, in the order of the table. */
#ifndef KVC_TENSORS_H
#define KVC_TENSORS_H

#include "model/model.h"

/* Where a tensor of the file goes: to floats that lie as in the file, or to matrices. */
typedef struct kvc_place {
    size_t rank, shape[2]; /* in the file; rank 1: shape[1] is 1 */
    float *plain;          /* [shape[0], shape[1]], or */
    bool lacks_1;          /* plain is 1 more than the file */
    kvc_matrix *matrix;    /* [parts], side by side along the outputs */
    size_t parts;
    bool out_major; /* the file has [out, in] rather than [in, out] */
    size_t head;    /* outputs of a head, which the file has part after part; or 0 */
} kvc_place;

size_t kvc_tensor_count(const kvc_model *model);
/* Whether the model has it: a table may list what only some models have. */
bool kvc_tensor_exists_at(const kvc_model *model, size_t index);
bool kvc_tensor_find(const kvc_model *model, const char *name, size_t *index);

/* name: [80] out, without the prefix of the architecture */
void kvc_tensor_name(const kvc_model *model, size_t index, char *name);
kvc_place kvc_tensor_place(kvc_model *model, size_t index);

/* The sum of its sizes out: the outputs of all its parts. */
size_t kvc_tensor_out(const kvc_tensor *tensor, const kvc_config *config);

/* Whether it is one of the biases of matrices. */
static inline bool kvc_is_bias(const kvc_tensor *tensor)
{
    return tensor->form == KVC_BIAS || tensor->form == KVC_BIAS_ROW ||
           tensor->form == KVC_HEADS_BIAS;
}

/* Where a row of the table points to in its owner, a kvc_model or a kvc_layer. */
static inline float **kvc_tensor_floats(const kvc_tensor *tensor, void *owner)
{
    return (float **)(void *)((char *)owner + tensor->at);
}

static inline kvc_matrix *kvc_tensor_matrix(const kvc_tensor *tensor, void *owner)
{
    return (kvc_matrix *)(void *)((char *)owner + tensor->at);
}

#endif
