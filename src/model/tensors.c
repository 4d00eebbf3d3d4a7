/* tensors.c - walks the table of an architecture: name <-> index <-> place. */
#include "model/tensors.h"

#include <string.h>

size_t kvc_tensor_count(const kvc_model *model)
{
    return model->arch->model.n + model->config.n_layer * model->arch->layer.n;
}

size_t kvc_tensor_out(const kvc_tensor *tensor, const kvc_config *config)
{
    size_t out = 0;
    for (size_t part = 0; part < KVC_PARTS; part++)
        out += kvc_size_of(config, tensor->out[part]);
    return out;
}

/* ---- names ------------------------------------------------------------------------- */

/* What follows a prefix; NULL where the name does not begin with it. */
static const char *after(const char *name, const char *prefix)
{
    const size_t n = strlen(prefix);
    return strncmp(name, prefix, n) == 0 ? name + n : NULL;
}

/* The same for "model.decoder." or, in other files, its last words alone: "decoder." */
static const char *after_prefix(const char *name, const char *prefix)
{
    const char *rest = NULL;
    for (; !rest && *prefix; prefix = strchr(prefix, '.') + 1)
        rest = after(name, prefix);
    return rest;
}

/* "h.12.rest" -> 12 and "rest"; NULL for anything else, leading zeros and overflow
 * included. */
static const char *split_layer(const char *name, const char *prefix, size_t *layer)
{
    const char *first = after(name, prefix), *p = first;
    if (!p || (p[0] == '0' && p[1] != '.'))
        return NULL;
    size_t n = 0;
    for (; *p >= '0' && *p <= '9' && n < 1000000; p++)
        n = n * 10 + (size_t)(*p - '0');
    *layer = n;
    return p > first && *p == '.' ? p + 1 : NULL;
}

/* The list of tensors that a name belongs to: of a layer, and then *layer is its number,
 * or of the model itself. *name becomes what the list calls it. */
static const kvc_tensors *split_name(const kvc_architecture *arch, const char **name,
                                     size_t *layer)
{
    const char *rest = after_prefix(*name, arch->prefix);
    *name = rest ? rest : *name;
    rest = split_layer(*name, arch->layer_prefix, layer);
    if (!rest)
        return &arch->model;
    *name = rest;
    return &arch->layer;
}

bool kvc_tensor_find(const kvc_model *model, const char *name, size_t *index)
{
    size_t layer = 0;
    const kvc_tensors *tensors = split_name(model->arch, &name, &layer);
    const bool of_layer = tensors == &model->arch->layer;
    if (of_layer && layer >= model->config.n_layer)
        return false;
    for (size_t i = 0; i < tensors->n; i++)
        if (kvc_tensor_exists(&tensors->row[i], &model->config) &&
            strcmp(name, tensors->row[i].name) == 0) {
            *index = of_layer ? model->arch->model.n + layer * tensors->n + i : i;
            return true;
        }
    return false;
}

/* Masks and frequencies, which any file may have and no pass reads: frequencies are
 * computed, since files have them in half precision too. */
static bool is_buffer(const char *name)
{
    static const char *const buffers[] = {"attn.bias", "attention.bias", "masked_bias",
                                          "rotary_emb.inv_freq"};
    const size_t n = strlen(name);
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) {
        const size_t end = strlen(buffers[i]);
        if (n >= end && strcmp(name + n - end, buffers[i]) == 0 &&
            (n == end || name[n - end - 1] == '.'))
            return true;
    }
    return false;
}

bool kvc_model_ignores(const kvc_model *model, const char *name)
{
    size_t layer, index;
    if (kvc_tensor_find(model, name, &index))
        return false;
    if (is_buffer(name))
        return true;
    const char *const *ignored = split_name(model->arch, &name, &layer)->ignored;
    while (ignored && *ignored && strcmp(name, *ignored) != 0)
        ignored++;
    return ignored && *ignored;
}

/* ---- indices ----------------------------------------------------------------------- */

/* The row of a tensor; *layer: NULL for one of the model itself. */
static const kvc_tensor *row_of(const kvc_model *model, size_t index, kvc_layer **layer)
{
    const kvc_architecture *arch = model->arch;
    *layer = NULL;
    if (index < arch->model.n)
        return &arch->model.row[index];
    index -= arch->model.n;
    *layer = &model->layers[index / arch->layer.n];
    return &arch->layer.row[index % arch->layer.n];
}

bool kvc_tensor_exists_at(const kvc_model *model, size_t index)
{
    kvc_layer *layer;
    return kvc_tensor_exists(row_of(model, index, &layer), &model->config);
}

void kvc_tensor_name(const kvc_model *model, size_t index, char *name)
{
    kvc_layer *layer;
    const kvc_tensor *row = row_of(model, index, &layer);
    *name = '\0';
    if (layer) {
        char digits[24], *digit = digits + sizeof digits;
        size_t n = (size_t)(layer - model->layers);
        *--digit = '\0';
        *--digit = '.';
        do
            *--digit = (char)('0' + n % 10);
        while ((n /= 10) != 0);
        strcat(strcpy(name, model->arch->layer_prefix), digit);
    }
    strcat(name, row->name);
}

/* ---- places ------------------------------------------------------------------------ */

kvc_place kvc_tensor_place(kvc_model *model, size_t index)
{
    kvc_layer *layer;
    const kvc_tensor *t = row_of(model, index, &layer);
    void *owner = layer ? (void *)layer : (void *)model;
    const size_t in = kvc_size_of(&model->config, t->in),
                 out = kvc_tensor_out(t, &model->config);
    kvc_place place = {.rank = 2, .shape = {in, out}};
    const bool is_bias = t->form == KVC_BIAS || t->form == KVC_HEADS_BIAS;
    if (t->form == KVC_VECTOR || is_bias)
        place = (kvc_place){.rank = 1, .shape = {out, 1}};
    if (t->form == KVC_LINEAR || t->form == KVC_HEADS)
        place = (kvc_place){.rank = 2, .shape = {out, in}, .out_major = true};
    place.lacks_1 = t->form == KVC_VECTOR && model->arch->norms_lack_1;
    if (t->form == KVC_VECTOR || t->form == KVC_TABLE)
        place.plain = *kvc_tensor_floats(t, owner);
    else if (is_bias) /* of all parts: layout.c puts them side by side */
        place.plain = kvc_tensor_matrix(t, owner)->bias;
    else
        place.matrix = kvc_tensor_matrix(t, owner);
    while (place.matrix && place.parts < KVC_PARTS && t->out[place.parts] != KVC_NO_SIZE)
        place.parts++;
    if (t->form == KVC_HEADS || t->form == KVC_HEADS_BIAS)
        place.head = model->config.head_dim;
    return place;
}
