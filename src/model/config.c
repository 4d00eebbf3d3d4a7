/* config.c - the sizes of a model: which there can be, and what a table means by them. */
#include "base/number.h"
#include "model/model.h"

size_t kvc_size_of(const kvc_config *config, kvc_size size)
{
    switch (size) {
    case KVC_NO_SIZE: return 0;
    case KVC_C: return config->n_embd;
    case KVC_F: return config->n_inner;
    case KVC_Q: return kvc_query_width(config);
    case KVC_KV: return kvc_kv_width(config);
    case KVC_D: return config->head_dim;
    case KVC_P:
        return config->n_positions + kvc_architecture_of(config->arch)->first_position;
    case KVC_N_HEAD: return config->n_head;
    case KVC_BUCKETS: return config->relative_buckets;
    case KVC_V: break;
    }
    return config->vocab_size;
}

/* Far above any model, so that sums and products of two never overflow. */
enum { MOST = 1 << 24, MOST_LAYERS = 1 << 12 /* each costs time before any memory */ };

static bool sizes_exist(const kvc_config *c)
{
    const uint32_t sizes[] = {c->n_layer, c->n_head,  c->n_kv_head,   c->head_dim,
                              c->n_embd,  c->n_inner, c->n_positions, c->vocab_size};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i] == 0 || sizes[i] > MOST)
            return false;
    return c->n_layer <= MOST_LAYERS && c->head_dim <= MOST / c->n_head;
}

/* A flag is 0, or 1 where the architecture has tensors that depend on it. */
static bool flag_exists(const kvc_config *c, size_t flag)
{
    const kvc_architecture *arch = kvc_architecture_of(c->arch);
    const void *at = (const char *)c + flag;
    bool known = false;
    for (size_t i = 0; i < arch->model.n; i++)
        known = known || arch->model.row[i].only == flag;
    for (size_t i = 0; i < arch->layer.n; i++)
        known = known || arch->layer.row[i].only == flag;
    return *(const uint32_t *)at <= (known ? 1u : 0u);
}

/* What is only of YaRN is nothing elsewhere. */
static bool yarn_exists(const kvc_config *c)
{
    const float sizes[] = {c->rope_attention, c->rope_mscale, c->rope_mscale_all};
    for (size_t i = 0; i < 3; i++)
        if (!(sizes[i] >= 0.0f && kvc_is_finite(sizes[i])) ||
            (c->rope_yarn == 0 && sizes[i] != 0.0f))
            return false;
    return c->rope_yarn == 0 ||
           (c->rope_yarn <= 2 && c->rope_original > 0 && c->rope_theta > 1.0f);
}

/* Heads of queries that share K and V do not lie in a tensor that is fused by head. */
static bool heads_exist(const kvc_config *c)
{
    const kvc_architecture *arch = kvc_architecture_of(c->arch);
    bool fused = false;
    for (size_t i = 0; i < arch->layer.n; i++)
        fused = fused || arch->layer.row[i].form == KVC_HEADS;
    return c->n_head % c->n_kv_head == 0 && (!fused || c->n_head == c->n_kv_head);
}

static bool rotation_exists(const kvc_config *c)
{
    const bool rotary = kvc_architecture_of(c->arch)->rotary;
    const float local = c->rope_local_theta;
    if (local != 0.0f && !(rotary && local >= 1.0f && kvc_is_finite(local)))
        return false;
    if (!rotary || c->rotary_dim == 0)
        return !rotary && c->rotary_dim == 0;
    if (!yarn_exists(c))
        return false;
    if (c->rotary_dim % 2 != 0 || c->rotary_dim > c->head_dim || c->rope_original > MOST)
        return false;
    const float sizes[] = {c->rope_theta, c->rope_factor};
    for (size_t i = 0; i < 2; i++)
        if (!(sizes[i] >= 1.0f && kvc_is_finite(sizes[i])))
            return false;
    return c->rope_original == 0 || (c->rope_low > 0.0f && c->rope_low < c->rope_high &&
                                     kvc_is_finite(c->rope_high));
}

/* Layers with a window are among the first 64. */
static bool windows_exist(const kvc_config *c)
{
    const uint32_t *words = c->window_layers;
    for (uint32_t i = c->n_layer; i < 64; i++)
        if (words[i / 32] >> i % 32 & 1)
            return false;
    return c->window <= MOST && (c->window > 0) == ((words[0] | words[1]) != 0);
}

/* Layers of an encoder, and buckets whose powers (bucket.c) do not overflow. */
static bool encoder_exists(const kvc_config *c)
{
    const kvc_architecture *arch = kvc_architecture_of(c->arch);
    const uint32_t n = c->relative_buckets;
    if ((c->n_encoder_layer > 0) != (arch->encoder.n > 0) ||
        c->n_encoder_layer > MOST_LAYERS || c->scaled_head > arch->relative)
        return false;
    if (!arch->relative)
        return n == 0 && c->relative_distance == 0;
    return n > 0 && n % 4 == 0 && n <= 128 && c->relative_distance > n / 2 &&
           c->relative_distance <= 4096 && c->score_scale == 1.0f;
}

kvc_error kvc_config_check(const kvc_config *c)
{
    if (!c)
        return KVC_ERR_INVALID_ARGUMENT;
    if ((unsigned)c->arch >= KVC_ARCH_COUNT || !sizes_exist(c))
        return KVC_ERR_CONFIG_INVALID;
    if (c->head_dim % 4 != 0 || c->n_embd % 4 != 0 || !heads_exist(c))
        return KVC_ERR_CONFIG_INVALID;
    if (!(c->norm_epsilon > 0.0f && c->norm_epsilon < 1.0f))
        return KVC_ERR_CONFIG_INVALID;
    if (c->weights != KVC_F32 && c->weights != KVC_I8)
        return KVC_ERR_CONFIG_INVALID;
    static const size_t flags[] = {offsetof(kvc_config, own_head),
                                   offsetof(kvc_config, attention_bias),
                                   offsetof(kvc_config, mlp_bias)};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (!flag_exists(c, flags[i]))
            return KVC_ERR_CONFIG_INVALID;
    if (c->parallel > 1 || !*kvc_blocks_of(kvc_architecture_of(c->arch), c))
        return KVC_ERR_CONFIG_INVALID;
    if (!rotation_exists(c) || !windows_exist(c) || !encoder_exists(c))
        return KVC_ERR_CONFIG_INVALID;
    if (!(c->score_scale >= 0.0f && kvc_is_finite(c->score_scale)))
        return KVC_ERR_CONFIG_INVALID;
    return KVC_OK;
}
