/* tensors.c - walks the table of an architecture: name <-> index <-> place. */
#include "model/tensors.h"

#include <string.h>

enum { STACKS = 2 };

/* The tensors of each layer of a stack, and what stands before a layer's number. */
typedef struct stack {
    const kvc_stack *layers;
    const kvc_tensors *tensors;
    const char *prefix;
} stack;

static stack stack_of(const kvc_model *model, size_t i)
{
    const kvc_architecture *arch = model->arch;
    return i == 0 ? (stack){&model->decoder, &arch->layer, arch->layer_prefix}
                  : (stack){&model->encoder, &arch->encoder, arch->encoder_prefix};
}

size_t kvc_tensor_count(const kvc_model *model)
{
    return model->arch->model.n + model->decoder.n_layer * model->arch->layer.n +
           model->encoder.n_layer * model->arch->encoder.n;
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

static bool find_row(const kvc_model *model, const kvc_tensors *tensors, const char *name,
                     size_t *row)
{
    for (*row = 0; *row < tensors->n; ++*row)
        if (kvc_tensor_exists(&tensors->row[*row], &model->config) &&
            strcmp(name, tensors->row[*row].name) == 0)
            return true;
    return false;
}

static const char *without_prefix(const kvc_model *model, const char *name)
{
    const char *rest = after_prefix(name, model->arch->prefix);
    return rest ? rest : name;
}

bool kvc_tensor_find(const kvc_model *model, const char *name, size_t *index)
{
    name = without_prefix(model, name);
    if (find_row(model, &model->arch->model, name, index))
        return true;
    size_t first = model->arch->model.n, layer, row;
    for (size_t i = 0; i < STACKS; i++) {
        const stack s = stack_of(model, i);
        const char *leaf = s.prefix ? split_layer(name, s.prefix, &layer) : NULL;
        if (leaf && layer < s.layers->n_layer && find_row(model, s.tensors, leaf, &row)) {
            *index = first + layer * s.tensors->n + row;
            return true;
        }
        first += s.layers->n_layer * s.tensors->n;
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

static bool is_among(const char *name, const char *const *ignored)
{
    while (ignored && *ignored && strcmp(name, *ignored) != 0)
        ignored++;
    return ignored && *ignored;
}

bool kvc_model_ignores(const kvc_model *model, const char *name)
{
    size_t layer, index;
    if (kvc_tensor_find(model, name, &index))
        return false;
    name = without_prefix(model, name);
    bool ignored = is_buffer(name) || is_among(name, model->arch->model.ignored);
    for (size_t i = 0; i < STACKS; i++) {
        const stack s = stack_of(model, i);
        const char *leaf = s.prefix ? split_layer(name, s.prefix, &layer) : NULL;
        ignored = ignored || (leaf && is_among(leaf, s.tensors->ignored));
    }
    return ignored;
}

/* ---- indices ----------------------------------------------------------------------- */

/* The row of a tensor; *layer: NULL for one of the model itself, else one of *of. */
static const kvc_tensor *row_of(const kvc_model *model, size_t index, kvc_layer **layer,
                                stack *of)
{
    *layer = NULL;
    if (index < model->arch->model.n)
        return &model->arch->model.row[index];
    index -= model->arch->model.n;
    *of = stack_of(model, 0);
    if (index >= of->layers->n_layer * of->tensors->n) {
        index -= of->layers->n_layer * of->tensors->n;
        *of = stack_of(model, 1);
    }
    *layer = &of->layers->layers[index / of->tensors->n];
    return &of->tensors->row[index % of->tensors->n];
}

bool kvc_tensor_exists_at(const kvc_model *model, size_t index)
{
    kvc_layer *layer;
    stack of;
    return kvc_tensor_exists(row_of(model, index, &layer, &of), &model->config);
}

void kvc_tensor_name(const kvc_model *model, size_t index, char *name)
{
    kvc_layer *layer;
    stack of;
    const kvc_tensor *row = row_of(model, index, &layer, &of);
    *name = '\0';
    if (layer) {
        char digits[24], *digit = digits + sizeof digits;
        size_t n = (size_t)(layer - of.layers->layers);
        *--digit = '\0';
        *--digit = '.';
        do
            *--digit = (char)('0' + n % 10);
        while ((n /= 10) != 0);
        strcat(strcpy(name, of.prefix), digit);
    }
    strcat(name, row->name);
}

/* ---- places ------------------------------------------------------------------------ */

kvc_place kvc_tensor_place(kvc_model *model, size_t index)
{
    kvc_layer *layer;
    stack of;
    const kvc_tensor *t = row_of(model, index, &layer, &of);
    void *owner = layer ? (void *)layer : (void *)model;
    const size_t in = kvc_size_of(&model->config, t->in),
                 out = kvc_tensor_out(t, &model->config);
    kvc_place place = {.rank = 2, .shape = {in, out}};
    const bool is_bias = kvc_is_bias(t);
    if (t->form == KVC_BIAS_ROW)
        place = (kvc_place){.rank = 2, .shape = {1, out}};
    else if (t->form == KVC_VECTOR || is_bias)
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
