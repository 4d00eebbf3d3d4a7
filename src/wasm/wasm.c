/* wasm.c - the flat ABI: the instance itself, the model, and the limits of the machine. A
 * model lives as long as its instance. */
#include "wasm/wasm.h"

#include "base/number.h"
#include "kernels/probe.h"

_Alignas(16) kvc_mailbox mailbox;

void *EXPORT(kvc_wasm_mailbox)(void)
{
    return &mailbox;
}

size_t EXPORT(kvc_wasm_mailbox_bytes)(void)
{
    return sizeof mailbox;
}

/* Of these files' functions: web/engine.js refuses a module with another number. */
uint32_t EXPORT(kvc_wasm_abi)(void)
{
    return 4;
}

/* What the kernels were compiled for: 0 scalar, 1 SIMD128, 2 relaxed SIMD */
uint32_t EXPORT(kvc_wasm_variant)(void)
{
#if defined(__wasm_relaxed_simd__)
    return 2;
#elif defined(__wasm_simd128__)
    return 1;
#else
    return 0;
#endif
}

const char *EXPORT(kvc_wasm_error_name)(kvc_error error)
{
    return kvc_error_name(error);
}

/* bytes comes from a *_bytes() call, or is small */
void *EXPORT(kvc_wasm_allocate)(size_t bytes)
{
    return bytes > SIZE_MAX - KVC_ALIGN
               ? NULL
               : aligned_alloc(KVC_ALIGN, kvc_round_up(bytes, KVC_ALIGN));
}

void EXPORT(kvc_wasm_free)(void *memory)
{
    free(memory);
}

/* ---- model ------------------------------------------------------------------------- */

/* mailbox.words[0]: the handle; words[1]: the bytes that the model takes, if that is
 * known */
kvc_error EXPORT(kvc_wasm_model_new)(uint32_t n_layer, uint32_t n_head, uint32_t n_embd,
                                     uint32_t n_inner, uint32_t n_positions,
                                     uint32_t vocab_size, float layer_norm_epsilon,
                                     kvc_dtype weights)
{
    const kvc_config config = {
        KVC_GPT2, n_layer, n_head,      n_head,     n_head ? n_embd / n_head : 0,
        n_embd,   n_inner, n_positions, vocab_size, layer_norm_epsilon,
        weights};
    size_t bytes;
    kvc_error error = kvc_model_bytes(&config, &bytes);
    if (error)
        return error;
    mailbox.words[1] = bytes;
    kvc_model *model;
    void *memory = kvc_wasm_allocate(bytes);
    if (!memory)
        return KVC_ERR_OUT_OF_MEMORY;
    error = kvc_model_init(&model, &config, memory, bytes);
    if (error)
        free(memory);
    else
        mailbox.words[0] = (uint32_t)model;
    return error;
}

/* mailbox: the name, ended by 0 */
bool EXPORT(kvc_wasm_tensor_ignored)(void)
{
    return kvc_model_ignores(mailbox.bytes);
}

/* mailbox.shape, then the name, ended by 0 */
kvc_error EXPORT(kvc_wasm_tensor_begin)(kvc_model *model, kvc_dtype dtype, size_t rank)
{
    if (rank > MAX_RANK)
        return KVC_ERR_TENSOR_SHAPE;
    return kvc_model_begin_tensor(model, mailbox.bytes + sizeof mailbox.shape, dtype,
                                  mailbox.shape, rank);
}

/* mailbox.bytes: the next bytes of the tensor */
kvc_error EXPORT(kvc_wasm_tensor_write)(kvc_model *model, size_t bytes)
{
    return kvc_model_write_tensor(model, mailbox.bytes, bytes);
}

void EXPORT(kvc_wasm_tensor_cancel)(kvc_model *model)
{
    kvc_model_cancel_tensor(model);
}

/* mailbox.words[0]: the name of the first tensor missing */
kvc_error EXPORT(kvc_wasm_model_complete)(kvc_model *model)
{
    const char *name;
    const kvc_error error = kvc_model_complete(model, &name);
    if (error)
        mailbox.words[0] = (uint32_t)name;
    return error;
}

/* ---- the limits of the machine: probe.h ------------------------------------------- */

uint32_t EXPORT(kvc_wasm_probe_read)(const void *memory, size_t bytes, uint32_t times)
{
    return kvc_probe_read(memory, bytes, times);
}

float EXPORT(kvc_wasm_probe_multiply_add)(uint32_t times, float half)
{
    return kvc_probe_multiply_add(times, half);
}

uint32_t EXPORT(kvc_wasm_probe_dot)(uint32_t times, int32_t zero)
{
    return kvc_probe_dot(times, zero);
}
