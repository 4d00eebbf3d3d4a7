/* arch.c - the list of all architectures. */
#include "model/arch.h"

extern const kvc_architecture kvc_gpt2, kvc_llama, kvc_qwen2, kvc_qwen3, kvc_gpt_neox,
    kvc_phi, kvc_opt, kvc_gpt_neo, kvc_gemma3, kvc_t5, kvc_t5_gated, kvc_marian, kvc_bart;

const kvc_architecture *kvc_architecture_of(kvc_arch arch)
{
    static const kvc_architecture *const all[KVC_ARCH_COUNT] = {
        [KVC_GPT2] = &kvc_gpt2,         [KVC_LLAMA] = &kvc_llama,
        [KVC_QWEN2] = &kvc_qwen2,       [KVC_QWEN3] = &kvc_qwen3,
        [KVC_GPT_NEOX] = &kvc_gpt_neox, [KVC_PHI] = &kvc_phi,
        [KVC_OPT] = &kvc_opt,           [KVC_GPT_NEO] = &kvc_gpt_neo,
        [KVC_GEMMA3] = &kvc_gemma3,     [KVC_T5] = &kvc_t5,
        [KVC_T5_GATED] = &kvc_t5_gated, [KVC_MARIAN] = &kvc_marian,
        [KVC_BART] = &kvc_bart,
    };
    return all[arch];
}
