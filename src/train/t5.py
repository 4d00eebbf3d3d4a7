"""T5 (version 1.1) in PyTorch, with the parameter names and the arithmetic of transformers'
T5ForConditionalGeneration: RMSNorm before each half-layer, distances in buckets, a gated GELU, a head of its own.

B words, S letters, T phonemes, H heads, d = d_kv, D = width, V = vocabulary. Ids 0 are padding.
"""
import math

import torch
from torch import nn
from torch.nn import functional as F

BUCKETS, FAR = 32, 128
LONGEST = 64  # letters or phonemes that are read here
# Where the buckets begin that hold more than one distance; integers, since T5's logarithm rounds differently elsewhere.
ONE_WAY = [19, 21, 24, 27, 31, 35, 40, 46, 52, 59, 67, 77, 87, 99, 113]
BOTH_WAYS = [12, 16, 23, 32, 46, 64, 91]


def buckets(length, both_ways):
    """[T, T]: of each pair of a query and a key."""
    own, starts = (8, BOTH_WAYS) if both_ways else (16, ONE_WAY)
    place = torch.arange(length)
    back = place[:, None] - place
    far = back.abs() if both_ways else back.clamp_min(0)
    bucket = torch.where(far < own, far, own + torch.bucketize(far, torch.tensor(starts), right=True))
    return bucket + 16 * (back < 0) if both_ways else bucket


class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6) * self.weight


def matrix(n_in, n_out, std):
    linear = nn.Linear(n_in, n_out, bias=False)
    nn.init.normal_(linear.weight, std=std)
    return linear


class Attention(nn.Module):
    """The scores are not divided by sqrt(d): T5 has that in the weights of q. While it is trained, q holds them without
    it, so that all matrices have steps of one size; fold() puts it in."""

    def __init__(self, width, heads, d, depth, has_bias=False):
        super().__init__()
        self.heads, self.d, self.query = heads, d, d ** -0.5
        self.q, self.k, self.v = (matrix(width, heads * d, width ** -0.5) for _ in "qkv")
        self.o = matrix(heads * d, width, (heads * d * depth) ** -0.5)
        if has_bias:
            self.relative_attention_bias = nn.Embedding(BUCKETS, heads)
            nn.init.zeros_(self.relative_attention_bias.weight)

    @torch.no_grad()
    def fold(self):
        self.q.weight *= self.query
        self.query = 1.0

    @torch.no_grad()
    def unfold(self):
        self.query = self.d ** -0.5
        self.q.weight /= self.query

    def forward(self, x, source, bias, dtype):
        """x: [B, T, D], source: [B, S, D], bias: [B or 1, H or 1, T, S]"""
        q, k, v = (F.linear(y, m.weight.to(dtype)).unflatten(-1, (self.heads, self.d)).transpose(1, 2)
                   for y, m in ((x, self.q), (source, self.k), (source, self.v)))
        scores = (q * self.query @ k.transpose(2, 3)).float() + bias
        out = torch.softmax(scores, -1).to(dtype) @ v
        return F.linear(out.transpose(1, 2).flatten(2), self.o.weight.to(dtype))


class Mlp(nn.Module):
    def __init__(self, width, inner, depth):
        super().__init__()
        self.wi_0, self.wi_1 = (matrix(width, inner, width ** -0.5) for _ in "01")
        self.wo = matrix(inner, width, (inner * depth) ** -0.5)

    def forward(self, x, dtype):
        gate = F.gelu(F.linear(x, self.wi_0.weight.to(dtype)), approximate="tanh")
        return F.linear(gate * F.linear(x, self.wi_1.weight.to(dtype)), self.wo.weight.to(dtype))


class Half(nn.Module):
    """A half-layer: what it adds to x."""

    def __init__(self, width, name, part):
        super().__init__()
        self.layer_norm = Norm(width)
        self.name = name
        self.add_module(name, part)

    def forward(self, x, dtype, *rest):
        seen = self.layer_norm(x).to(dtype)
        part = getattr(self, self.name)
        if self.name == "DenseReluDense":
            return part(seen, dtype)
        source, bias = rest
        return part(seen, seen if source is None else source, bias, dtype)


class Stack(nn.Module):
    def __init__(self, width, heads, d, inner, layers, is_decoder, dropout):
        super().__init__()
        self.is_decoder, self.drop = is_decoder, nn.Dropout(dropout)
        depth = layers * (3 if is_decoder else 2)
        self.block = nn.ModuleList()
        for i in range(layers):
            halves = [Half(width, "SelfAttention", Attention(width, heads, d, depth, has_bias=i == 0))]
            if is_decoder:
                halves.append(Half(width, "EncDecAttention", Attention(width, heads, d, depth)))
            halves.append(Half(width, "DenseReluDense", Mlp(width, inner, depth)))
            self.block.append(nn.ModuleDict({"layer": nn.ModuleList(halves)}))
        self.final_layer_norm = Norm(width)
        self.register_buffer("near", buckets(LONGEST, not is_decoder), persistent=False)

    def forward(self, x, hidden, dtype, source=None, source_hidden=None):
        """hidden, source_hidden: [.., 1, .., S] numbers that are added to scores, -inf where nothing may look."""
        table = self.block[0]["layer"][0].SelfAttention.relative_attention_bias.weight
        bias = table[self.near[:x.shape[1], :x.shape[1]]].permute(2, 0, 1) + hidden
        x = self.drop(x)
        for block in self.block:
            for half in block["layer"]:
                if half.name == "EncDecAttention":
                    x = x + self.drop(half(x, dtype, source, source_hidden))
                else:
                    x = x + self.drop(half(x, dtype, None, bias))
        return self.drop(self.final_layer_norm(x)).to(dtype)


class T5(nn.Module):
    """dtype is that of the matrix products; weights, residual stream and loss stay float32."""

    def __init__(self, vocab, width, heads, d, inner, layers, decoder_layers, dtype=torch.float32, dropout=0.0):
        super().__init__()
        self.shape = dict(vocab_size=vocab, d_model=width, num_heads=heads, d_kv=d, d_ff=inner, num_layers=layers,
                          num_decoder_layers=decoder_layers)
        self.dtype = dtype
        self.shared = nn.Embedding(vocab, width)
        self.encoder = Stack(width, heads, d, inner, layers, False, dropout)
        self.decoder = Stack(width, heads, d, inner, decoder_layers, True, dropout)
        self.lm_head = matrix(width, vocab, width ** -0.5)

    def forward(self, source, before):
        """Letters [B, S]; phonemes [B, T], each the one before that which is predicted -> logits [B, T, V]."""
        padding = torch.where(source == 0, -math.inf, 0.0)[:, None, None]
        seen = self.encoder(self.shared(source), padding, self.dtype)
        later = torch.full((before.shape[1],) * 2, -math.inf, device=before.device).triu(1)
        out = self.decoder(self.shared(before), later, self.dtype, seen, padding)
        return F.linear(out, self.lm_head.weight.to(self.dtype))

    def loss(self, source, target, smoothing=0.0):
        """Nats a phoneme, the end counted; padding of target is left out."""
        before = F.pad(target, (1, -1))  # begins with id 0
        logits = self(source, before).float()
        return F.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=0, label_smoothing=smoothing)

    @torch.no_grad()
    def speak(self, source, length):
        """The likeliest phoneme after the likeliest: [B, length]."""
        said = torch.zeros(len(source), 1, dtype=torch.long, device=source.device)
        for _ in range(length):
            said = torch.cat([said, self(source, said)[:, -1:].argmax(-1)], 1)
        return said[:, 1:]

    @torch.no_grad()
    def fold(self, longest):
        """Ready to be written: the scale of scores in q, and distances that no word of the training had (from
        `longest` on) as the farthest that one had."""
        for attention in self.attentions():
            attention.fold()
        for stack in (self.encoder, self.decoder):
            table = stack.block[0]["layer"][0].SelfAttention.relative_attention_bias.weight
            last = int(buckets(longest, not stack.is_decoder)[-1, 0])
            for side in (0, 16) if stack is self.encoder else (0,):
                end = 16 if stack is self.encoder else BUCKETS
                table[side + last + 1:side + end] = table[side + last]

    def unfold(self):
        """As it was trained, from what fold() made."""
        for attention in self.attentions():
            attention.unfold()

    def attentions(self):
        return [part for part in self.modules() if isinstance(part, Attention)]
