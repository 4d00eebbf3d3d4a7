"""Llama in PyTorch, with the parameter names and the arithmetic of transformers' LlamaForCausalLM.

B sequences, T tokens, H heads, K heads of keys and values, d = head size, C = width, V = vocabulary.
"""
import math

import torch
from torch import nn
from torch.nn import functional as F

import model as gpt

EPS, THETA = 1e-5, 10000.0


class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + EPS) * self.weight


class Matrix(nn.Module):
    """y = x W^T with W: [out, in]."""

    def __init__(self, n_in, n_out, std):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_out, n_in) * std)

    def forward(self, x):
        return F.linear(x, self.weight.to(x.dtype))


def rotation(length, d, device):
    """cos and sin of position times frequency, [T, d]: the second half as the first."""
    frequency = THETA ** (-torch.arange(0, d, 2, device=device) / d)
    angle = (torch.arange(length, device=device)[:, None] * frequency).repeat(1, 2)
    return angle.cos(), angle.sin()


def rotated(x, cos, sin):
    """x: [B, heads, T, d]"""
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat([-b, a], -1) * sin


class Attention(nn.Module):
    def __init__(self, width, heads, kv_heads, std, out_std):
        super().__init__()
        self.heads, self.kv_heads, self.d = heads, kv_heads, width // heads
        self.q_proj = Matrix(width, width, std)
        self.k_proj, self.v_proj = (Matrix(width, kv_heads * self.d, std) for _ in "kv")
        self.o_proj = Matrix(width, width, out_std)

    def forward(self, x, batch, turn, see):
        x = see(x)
        q, k, v = (m(x).view(batch, -1, n, self.d).transpose(1, 2) for m, n in (
            (self.q_proj, self.heads), (self.k_proj, self.kv_heads), (self.v_proj, self.kv_heads)))
        q, k = rotated(q, *turn).to(x.dtype), rotated(k, *turn).to(x.dtype)
        k, v = (y.repeat_interleave(self.heads // self.kv_heads, 1) for y in (k, v))
        return self.o_proj(see(gpt.attend(q, k, v).transpose(1, 2).reshape(x.shape[0], -1)))


class Mlp(nn.Module):
    def __init__(self, width, inner, std, out_std):
        super().__init__()
        self.gate_proj, self.up_proj = (Matrix(width, inner, std) for _ in "gu")
        self.down_proj = Matrix(inner, width, out_std)

    def forward(self, x, see):
        x = see(x)
        return self.down_proj(see(F.silu(self.gate_proj(x)) * self.up_proj(x)))


class Layer(nn.Module):
    def __init__(self, width, heads, kv_heads, inner, std, out_std, dropout):
        super().__init__()
        self.drop = nn.Dropout(dropout)
        self.input_layernorm, self.post_attention_layernorm = Norm(width), Norm(width)
        self.self_attn = Attention(width, heads, kv_heads, std, out_std)
        self.mlp = Mlp(width, inner, std, out_std)

    def forward(self, x, batch, turn, dtype, see):
        x = x + self.drop(self.self_attn(self.input_layernorm(x).to(dtype), batch, turn, see))
        return x + self.drop(self.mlp(self.post_attention_layernorm(x).to(dtype), see))


class Llama(nn.Module):
    """dtype is that of the matrix products; weights, residual stream and loss stay float32."""

    prefix = "model."

    def __init__(self, vocab_size, n_positions, n_layer, width, heads, kv_heads, inner,
                 dtype=torch.float32, dropout=0.0):
        super().__init__()
        self.n_positions, self.dtype, self.drop = n_positions, dtype, nn.Dropout(dropout)
        std, out_std = 0.02, 0.02 / math.sqrt(2 * n_layer)
        self.embed_tokens = nn.Embedding(vocab_size, width)
        nn.init.normal_(self.embed_tokens.weight, std=std)
        self.layers = nn.ModuleList(
            Layer(width, heads, kv_heads, inner, std, out_std, dropout) for _ in range(n_layer))
        self.norm = Norm(width)

    def config(self):
        attention = self.layers[0].self_attn
        return {
            "architectures": ["LlamaForCausalLM"], "model_type": "llama",
            "vocab_size": self.head.num_embeddings, "max_position_embeddings": self.n_positions,
            "hidden_size": self.head.embedding_dim, "num_hidden_layers": len(self.layers),
            "num_attention_heads": attention.heads, "num_key_value_heads": attention.kv_heads,
            "head_dim": attention.d, "intermediate_size": self.layers[0].mlp.down_proj.weight.shape[1],
            "hidden_act": "silu", "rms_norm_eps": EPS, "rope_theta": THETA, "rope_scaling": None,
            "attention_bias": False, "mlp_bias": False, "attention_dropout": 0.0,
            "tie_word_embeddings": True, "initializer_range": 0.02, "use_cache": True}

    @staticmethod
    def of(config, dtype):
        """The model, untrained, that a config.json describes."""
        return Llama(*(config[key] for key in (
            "vocab_size", "max_position_embeddings", "num_hidden_layers", "hidden_size",
            "num_attention_heads", "num_key_value_heads", "intermediate_size")), dtype=dtype)

    @property
    def head(self):
        return self.embed_tokens

    def hidden(self, ids, dtype, see=lambda x: x):
        """Token ids [B, T] -> what the output head sees, [B*T, C].

        see: what becomes of the input of each matrix on its way there: of q, k and v, of o, of gate and up, and of
        down in every layer, then of the head.
        """
        batch, length = ids.shape
        turn = rotation(length, self.layers[0].self_attn.d, ids.device)
        x = self.drop(self.embed_tokens(ids)).flatten(0, 1)
        for layer in self.layers:
            x = layer(x, batch, turn, dtype, see)
        return see(self.norm(x).to(dtype))

    forward, losses = gpt.Gpt.forward, gpt.Gpt.losses

    def grids(self):
        """The matrices, and the axis along which int8 cuts them into blocks."""
        return [(p, 1) for p in self.parameters() if p.dim() == 2]

    @torch.no_grad()
    def rescale(self, seen):
        """See Gpt.rescale. There are no biases, so means stay; a norm's gain, the values and `up` take sizes over."""
        for i, layer in enumerate(self.layers):
            attention, mlp = layer.self_attn, layer.mlp
            for x, norm, readers in (
                    (seen[4 * i], layer.input_layernorm, (attention.q_proj, attention.k_proj, attention.v_proj)),
                    (seen[4 * i + 2], layer.post_attention_layernorm, (mlp.gate_proj, mlp.up_proj))):
                size = gpt.sizes(x)
                norm.weight /= size
                for reader in readers:
                    reader.weight *= size
            shared = seen[4 * i + 1].view(-1, attention.kv_heads, attention.heads // attention.kv_heads, attention.d)
            size = gpt.sizes(shared.transpose(1, 2).reshape(-1, attention.kv_heads * attention.d))
            attention.v_proj.weight /= size[:, None]
            size = size.view(attention.kv_heads, 1, -1).expand(-1, shared.shape[2], -1).reshape(-1)
            attention.o_proj.weight *= size
            size = gpt.sizes(seen[4 * i + 3])
            mlp.up_proj.weight /= size[:, None]
            mlp.down_proj.weight *= size
