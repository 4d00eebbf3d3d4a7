"""GPT-2 in PyTorch, with the parameter names and the arithmetic of transformers' GPT2LMHeadModel.

B sequences, T tokens, H heads, D = width / H, C = width, V = vocabulary.
"""
import math

import torch
from torch import nn
from torch.nn import functional as F

BLOCK = 256  # queries per attention block; keys after the block are never touched


class Gelu(torch.autograd.Function):
    """gelu_new(x) = x * sigmoid(2 u), u = sqrt(2/pi) (x + 0.044715 x^3).

    The same function as 0.5 x (1 + tanh(u)); spelt out because the built-in one took half of the
    training time on a CPU.
    """

    @staticmethod
    def forward(ctx, x):
        scale = 2 * math.sqrt(2 / math.pi)
        gate = torch.sigmoid(x * (scale + scale * 0.044715 * x * x))
        ctx.save_for_backward(x, gate)
        return x * gate

    @staticmethod
    def backward(ctx, grad):
        x, gate = ctx.saved_tensors
        scale = 2 * math.sqrt(2 / math.pi)
        slope = scale + 3 * scale * 0.044715 * x * x
        return grad * gate * (1 + x * slope * (1 - gate))


class Conv1D(nn.Module):
    """y = x W + b with W: [in, out], as GPT-2 stores it."""

    def __init__(self, n_in, n_out, std):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_in, n_out) * std)
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x):
        return torch.addmm(self.bias.to(x.dtype), x, self.weight.to(x.dtype))


def attend(q, k, v):
    """Causal attention, q, k, v: [B, H, T, D], on a CPU block of queries by block of queries."""
    if q.is_cuda:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    shape, (q, k, v) = q.shape, (x.flatten(0, 1) for x in (q, k, v))
    q = q * (1 / math.sqrt(q.shape[-1]))
    out = []
    for start in range(0, q.shape[1], BLOCK):
        end = min(start + BLOCK, q.shape[1])
        scores = q[:, start:end] @ k[:, :end].transpose(1, 2)
        hidden = torch.full((end - start, end - start), -math.inf, device=q.device)
        scores[:, :, start:] += hidden.triu(1).to(q.dtype)
        out.append(torch.softmax(scores, -1) @ v[:, :end])
    return torch.cat(out, 1).view(shape)


def sizes(x):
    """The size of each channel, against the others: all but the hundredth part of it is smaller.   x: [rows, channels]"""
    size = x.abs().kthvalue(math.ceil(0.99 * len(x)), 0)[0].clamp_min(1e-6)
    return size / size.log().mean().exp()


class Attention(nn.Module):
    def __init__(self, width, n_head, std, out_std):
        super().__init__()
        self.n_head = n_head
        self.c_attn = Conv1D(width, 3 * width, std)
        self.c_proj = Conv1D(width, width, out_std)

    def forward(self, x, batch, see):
        rows, width = x.shape  # rows = B*T
        shape = (batch, rows // batch, 3, self.n_head, width // self.n_head)
        q, k, v = self.c_attn(see(x)).view(shape).permute(2, 0, 3, 1, 4)
        return self.c_proj(see(attend(q, k, v).transpose(1, 2).reshape(rows, width)))


class Mlp(nn.Module):
    def __init__(self, width, inner, std, out_std):
        super().__init__()
        self.c_fc = Conv1D(width, inner, std)
        self.c_proj = Conv1D(inner, width, out_std)

    def forward(self, x, see):
        return self.c_proj(see(Gelu.apply(self.c_fc(see(x)))))


class Layer(nn.Module):
    def __init__(self, width, n_head, inner, std, out_std, dropout):
        super().__init__()
        self.drop = nn.Dropout(dropout)
        self.ln_1 = nn.LayerNorm(width, eps=1e-5)
        self.attn = Attention(width, n_head, std, out_std)
        self.ln_2 = nn.LayerNorm(width, eps=1e-5)
        self.mlp = Mlp(width, inner, std, out_std)

    def forward(self, x, batch, dtype, see):
        x = x + self.drop(self.attn(self.ln_1(x).to(dtype), batch, see))
        return x + self.drop(self.mlp(self.ln_2(x).to(dtype), see))


class Gpt(nn.Module):
    """dtype is that of the matrix products; weights, residual stream and loss stay float32."""

    prefix = "transformer."

    def __init__(self, vocab_size, n_positions, n_layer, n_embd, n_head, n_inner=None,
                 dtype=torch.float32, dropout=0.0):
        super().__init__()
        self.drop = nn.Dropout(dropout)
        self.n_positions, self.dtype = n_positions, dtype
        std, out_std = 0.02, 0.02 / math.sqrt(2 * n_layer)
        self.wte = nn.Embedding(vocab_size, n_embd)
        self.wpe = nn.Embedding(n_positions, n_embd)
        nn.init.normal_(self.wte.weight, std=std)
        nn.init.normal_(self.wpe.weight, std=std)
        inner = n_inner or 4 * n_embd
        self.h = nn.ModuleList(
            Layer(n_embd, n_head, inner, std, out_std, dropout) for _ in range(n_layer))
        self.ln_f = nn.LayerNorm(n_embd, eps=1e-5)

    def config(self):
        return {
            "architectures": ["GPT2LMHeadModel"], "model_type": "gpt2",
            "vocab_size": self.head.num_embeddings, "n_positions": self.n_positions,
            "n_embd": self.head.embedding_dim, "n_layer": len(self.h), "n_head": self.h[0].attn.n_head,
            "n_inner": None, "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5,
            "scale_attn_weights": True, "scale_attn_by_inverse_layer_idx": False,
            "reorder_and_upcast_attn": False, "tie_word_embeddings": True, "initializer_range": 0.02,
            "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0, "use_cache": True}

    @staticmethod
    def of(config, dtype):
        """The model, untrained, that a config.json describes."""
        return Gpt(*(config[key] for key in ("vocab_size", "n_positions", "n_layer", "n_embd", "n_head")), dtype=dtype)

    @property
    def head(self):
        return self.wte

    def hidden(self, ids, dtype, see=lambda x: x):
        """Token ids [B, T] -> what the output head sees, [B*T, C].

        see: what becomes of the input of each matrix on its way there: of c_attn, c_proj, c_fc and
        c_proj in every layer, then of the head.
        """
        batch, length = ids.shape
        positions = torch.arange(length, device=ids.device)
        x = self.drop(self.wte(ids) + self.wpe(positions)).flatten(0, 1)
        for layer in self.h:
            x = layer(x, batch, dtype, see)
        return see(self.ln_f(x).to(dtype))

    def forward(self, ids):
        """Token ids [B, T] -> logits [B*T, V]."""
        return self.hidden(ids, self.dtype) @ self.head.weight.to(self.dtype).t()

    def losses(self, ids, targets):
        """Negative log-likelihood in nats of each target, [B*T]."""
        return F.cross_entropy(self(ids).float(), targets.flatten(), reduction="none")

    def grids(self):
        """The matrices, and the axis along which int8 cuts them into blocks: the input's."""
        return [(p, 1 if name == "wte.weight" else 0) for name, p in self.named_parameters()
                if p.dim() == 2 and name != "wpe.weight"]

    @torch.no_grad()
    def resize(self, layer, place, mean, size):
        """Has a matrix of a layer see (x - mean) / size instead of x, which what is before and after it makes up for.
        place: 0 c_attn, 1 c_proj of attention, 2 c_fc; mean, size: [C]"""
        layer = self.h[layer]
        attention = layer.attn
        reader = (attention.c_attn, attention.c_proj, layer.mlp.c_fc)[place]
        reader.bias += mean @ reader.weight
        reader.weight *= size[:, None]
        if place == 1:  # the weights of attention add up to 1, so values take it over
            width = len(mean)
            attention.c_attn.weight[:, -width:] /= size
            attention.c_attn.bias[-width:].sub_(mean).div_(size)
        else:
            norm = layer.ln_2 if place else layer.ln_1
            norm.weight /= size
            norm.bias.sub_(mean).div_(size)

    @torch.no_grad()
    def rescale(self, seen):
        """Gives the channels of what a matrix sees one size and no mean, as far as a bias, a gain or a weight before
        and after it can take that over: for the same result with smaller steps.   seen: what hidden() lets see"""
        for layer in range(len(self.h)):
            for place in range(3):
                x = seen[4 * layer + place]
                mean = x.mean(0)
                self.resize(layer, place, mean, sizes(x - mean))
