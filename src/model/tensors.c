/* tensors.c - which tensors a GPT-2 has, under which names, and where each goes. */
#include <string.h>

#include "model/model.h"

static const char *const globals[KVC_GLOBAL_TENSORS] = {"wte.weight", "wpe.weight",
                                                        "ln_f.weight", "ln_f.bias"};
static const char *const leaves[KVC_LAYER_TENSORS] = {
    "ln_1.weight",        "ln_1.bias",        "attn.c_attn.weight", "attn.c_attn.bias",
    "attn.c_proj.weight", "attn.c_proj.bias", "ln_2.weight",        "ln_2.bias",
    "mlp.c_fc.weight",    "mlp.c_fc.bias",    "mlp.c_proj.weight",  "mlp.c_proj.bias"};

size_t kvc_tensor_count(const kvc_model *model)
{
    return KVC_GLOBAL_TENSORS + (size_t)model->config.n_layer * KVC_LAYER_TENSORS;
}

static const char *without_prefix(const char *name)
{
    static const char prefix[] = "transformer.";
    return strncmp(name, prefix, sizeof prefix - 1) == 0 ? name + sizeof prefix - 1
                                                         : name;
}

/* "h.12.rest" -> 12 and "rest"; NULL for anything else, leading zeros and overflow
 * included. */
static const char *split_layer(const char *name, size_t *layer)
{
    if (name[0] != 'h' || name[1] != '.' || (name[2] == '0' && name[3] != '.'))
        return NULL;
    const char *p = name + 2;
    size_t n = 0;
    for (; *p >= '0' && *p <= '9' && n < 1000000; p++)
        n = n * 10 + (size_t)(*p - '0');
    *layer = n;
    return p > name + 2 && *p == '.' ? p + 1 : NULL;
}

bool kvc_tensor_find(const kvc_model *model, const char *name, size_t *index)
{
    name = without_prefix(name);
    for (size_t i = 0; i < KVC_GLOBAL_TENSORS; i++)
        if (strcmp(name, globals[i]) == 0) {
            *index = i;
            return true;
        }
    size_t layer;
    const char *leaf = split_layer(name, &layer);
    if (!leaf || layer >= model->config.n_layer)
        return false;
    for (size_t i = 0; i < KVC_LAYER_TENSORS; i++)
        if (strcmp(leaf, leaves[i]) == 0) {
            *index = KVC_GLOBAL_TENSORS + layer * KVC_LAYER_TENSORS + i;
            return true;
        }
    return false;
}

bool kvc_model_ignores(const char *name)
{
    name = without_prefix(name);
    size_t layer;
    const char *leaf = split_layer(name, &layer);
    return strcmp(name, "lm_head.weight") == 0 ||
           (leaf &&
            (strcmp(leaf, "attn.bias") == 0 || strcmp(leaf, "attn.masked_bias") == 0));
}

void kvc_tensor_name(size_t index, char name[64])
{
    if (index < KVC_GLOBAL_TENSORS) {
        strcpy(name, globals[index]);
        return;
    }
    index -= KVC_GLOBAL_TENSORS;
    char digits[24];
    size_t n = 0, layer = index / KVC_LAYER_TENSORS;
    do
        digits[n++] = (char)('0' + layer % 10);
    while ((layer /= 10) != 0);
    *name++ = 'h';
    *name++ = '.';
    while (n > 0)
        *name++ = digits[--n];
    *name++ = '.';
    strcpy(name, leaves[index % KVC_LAYER_TENSORS]);
}

static kvc_place vector(float *plain, size_t n)
{
    return (kvc_place){.rank = 1, .shape = {n, 1}, .plain = plain};
}

/* A Conv1D weight: [in, the parts' outs]. */
static kvc_place conv1d(kvc_matrix *m, size_t parts)
{
    kvc_place place = {.rank = 2, .shape = {m->n_in, 0}, .matrix = m, .parts = parts};
    for (size_t i = 0; i < parts; i++)
        place.shape[1] += m[i].n_out;
    return place;
}

kvc_place kvc_tensor_place(kvc_model *model, size_t index)
{
    const size_t C = model->config.n_embd, F = model->config.n_inner;
    switch (index) {
    case 0:
        return (kvc_place){.rank = 2,
                           .shape = {model->config.vocab_size, C},
                           .matrix = &model->wte,
                           .parts = 1,
                           .out_major = true};
    case 1:
        return (kvc_place){
            .rank = 2, .shape = {model->config.n_positions, C}, .plain = model->wpe};
    case 2: return vector(model->ln_f_weight, C);
    case 3: return vector(model->ln_f_bias, C);
    default: break;
    }
    index -= KVC_GLOBAL_TENSORS;
    kvc_layer *layer = &model->layers[index / KVC_LAYER_TENSORS];
    switch (index % KVC_LAYER_TENSORS) {
    case 0: return vector(layer->ln_1_weight, C);
    case 1: return vector(layer->ln_1_bias, C);
    case 2: return conv1d(&layer->q, 3);
    case 3: /* k's and v's follow q's */
        return vector(layer->q.bias, layer->q.n_out + layer->k.n_out + layer->v.n_out);
    case 4: return conv1d(&layer->proj, 1);
    case 5: return vector(layer->proj.bias, C);
    case 6: return vector(layer->ln_2_weight, C);
    case 7: return vector(layer->ln_2_bias, C);
    case 8: return conv1d(&layer->fc, 1);
    case 9: return vector(layer->fc.bias, F);
    case 10: return conv1d(&layer->mlp_proj, 1);
    default: return vector(layer->mlp_proj.bias, C);
    }
}
