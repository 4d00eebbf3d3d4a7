/* arch.h - an architecture as a table: the tensors of its files and where each goes, the
 * blocks of a layer, and the functions in which it differs from others. One with an
 * encoder has two stacks of layers, each with tensors and blocks of its own.
 *
 * Only src/model/arch tells architectures apart; all other code walks their tables. What
 * a model lacks is absent (NULL) and its helper does nothing. What differs in kind is a
 * function in the table. What differs in number is in kvc_config. */
#ifndef KVC_ARCH_H
#define KVC_ARCH_H

#include "kernels/matrix.h"
#include "kvc.h"

/* The sizes that shapes are made of. */
typedef enum kvc_size {
    KVC_NO_SIZE,
    KVC_C,      /* n_embd */
    KVC_F,      /* n_inner */
    KVC_Q,      /* n_head * head_dim: the queries of a token */
    KVC_KV,     /* n_kv_head * head_dim: its keys, or its values */
    KVC_D,      /* head_dim */
    KVC_P,      /* n_positions, and the rows before the first one */
    KVC_V,      /* vocab_size */
    KVC_N_HEAD, /* n_head */
    KVC_BUCKETS /* relative_buckets */
} kvc_size;
size_t kvc_size_of(const kvc_config *config, kvc_size size);

/* How a tensor lies in the file, and what it becomes. */
typedef enum kvc_form {
    KVC_VECTOR,   /* [out]        floats */
    KVC_TABLE,    /* [in, out]    floats */
    KVC_CONV1D,   /* [in, out]    matrices */
    KVC_LINEAR,   /* [out, in]    matrices */
    KVC_BIAS,     /* [out]        the biases of matrices */
    KVC_BIAS_ROW, /* [1, out]   the same */
    KVC_HEADS,    /* [out, in]    matrices, fused head by head */
    KVC_HEADS_BIAS
} kvc_form;

/* One tensor of a file. More than one size in `out` is a fused tensor: matrices that lie
 * side by side along out, as wholes or head by head, and one after the other in the
 * model. */
enum { KVC_PARTS = 3 };
typedef struct kvc_tensor {
    const char *name; /* at most 68 letters */
    uint8_t form;     /* a kvc_form */
    uint16_t at; /* in kvc_model or kvc_layer: of a float *, or of the first matrix */
    uint8_t in, out[KVC_PARTS]; /* kvc_size */
    uint16_t only; /* in kvc_config: of the flag of models that have it; 0: all */
} kvc_tensor;

/* The tensors of the model itself, or of each layer of a stack. */
typedef struct kvc_tensors {
    size_t n;
    const kvc_tensor *row;      /* [n] */
    const char *const *ignored; /* names in files that no pass needs, then NULL; or none.
                                 * Buffers that any file may have are ignored anyway */
} kvc_tensors;

/* What a layer is made of, in order. */
typedef enum kvc_block_kind {
    KVC_NO_BLOCK,
    KVC_SELF_ATTENTION, /* x += o(attention(q(norm(x)), k(norm(x)), v(norm(x)))) */
    KVC_MLP,            /* x += down(activation(up(norm(x)))) */
    KVC_GATED_MLP,      /* x += down(activation(gate(norm(x))) * up(norm(x))) */
    KVC_PARALLEL,       /* x += what self-attention and MLP would add, each to x; an MLP
                           without a norm of its own takes what attention takes */
    KVC_ENCODER_ATTENTION, /* self-attention without a mask, over a whole source */
    KVC_CROSS_ATTENTION, /* x += o(attention(q(norm(x)), keys and values of a source)) */
    KVC_BLOCK_KINDS
} kvc_block_kind;

typedef struct kvc_architecture {
    const char *prefix;         /* of all names; files may omit it, or its first words */
    const char *layer_prefix;   /* before a layer's number; a dot follows the number */
    const char *encoder_prefix; /* the same of the encoder's */
    kvc_tensors model, layer, encoder;
    kvc_block_kind blocks[4];          /* the rest is KVC_NO_BLOCK */
    kvc_block_kind parallel_blocks[3]; /* where the config says parallel */
    kvc_block_kind encoder_blocks[3];
    bool rotary;       /* positions are rotations */
    bool relative;     /* they are distances: scores gain the weights of their buckets */
    bool sinusoidal;   /* they are sines and cosines, in a table that no file needs */
    bool post_norm;    /* the norms of blocks stand behind their sums, not before them */
    bool norms_lack_1; /* files have the weights of norms less 1 */
    bool scaled_embedding; /* by sqrt(n_embd), where tokens become rows */
    size_t first_position; /* the row of position 0, where they are a table */
    void (*norm)(float *y, const float *x, const float *weight, const float *bias,
                 size_t rows, size_t n, float eps);
    void (*activation)(float *x, size_t n);
} kvc_architecture;

/* arch.c   arch: one of a checked config */
const kvc_architecture *kvc_architecture_of(kvc_arch arch);

/* What the layers of a model are made of, then KVC_NO_BLOCK. */
static inline const kvc_block_kind *kvc_blocks_of(const kvc_architecture *arch,
                                                  const kvc_config *config)
{
    return config->parallel ? arch->parallel_blocks : arch->blocks;
}

#endif
