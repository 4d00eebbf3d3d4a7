"""A GPT-2 -> the same in floats, its channels arranged so that int8 rounds what its matrices see less.

    python3 src/train/arrange.py build/train/first --corpus DIR --out build/train/arranged

In int8, 32 channels share a scale, that of the largest among them. So what is large for the same tokens should lie
in one block, and apart from what the logits feel most: hidden units are swapped between blocks, and the channels of
the residual stream for the head's sake. All other channels are given sizes and means (see Gpt.resize) by descent on
the noise itself. The weights are off the grid then: int8.py --arranged lays them on it again.
"""
import argparse
import itertools
import os
import pathlib

import train  # first: it chooses PyTorch's kernels
import numpy as np
import torch

import data
import export
import int8
from int8 import CONTEXT, rounded


def felt(model, windows):
    """Of each matrix, how much the logits of the likeliest tokens feel a step in each channel of what it sees."""
    total, random = 0, torch.Generator().manual_seed(1)
    for _ in range(2):
        for ids in windows.split(2):
            seen = []

            def see(x):
                x.retain_grad()
                seen.append(x)
                return x

            tokens, shares = int8.likeliest(model, hidden := model.hidden(ids, torch.float32, see=see))
            logits = torch.einsum("nkc,nc->nk", model.head.weight[tokens].detach(), hidden)
            logits = logits - (shares * logits).sum(-1, keepdim=True)
            signs = torch.randint(0, 2, logits.shape, generator=random) * 2 - 1
            (logits * shares.sqrt() * signs).sum().backward()
            total = total + np.array([x.grad.square().mean(0).numpy() for x in seen], dtype=object)
    model.zero_grad(set_to_none=True)
    return total


def order(sizes, weights, trials):
    """The order of the channels that makes the steps of all blocks, as they are felt, small: any two are swapped
    where that helps.   sizes: [channels, rows], weights: [channels]"""
    random, channels = np.random.default_rng(0), np.arange(len(sizes))
    blocks = [np.arange(start, min(start + 32, len(sizes))) for start in range(0, len(sizes), 32)]

    def cost(block):
        members = channels[block]
        return float(np.square(sizes[members].max(0)).mean() * weights[members].sum())

    costs = [cost(block) for block in blocks]
    before = sum(costs)
    for _ in range(trials):
        a, b = random.choice(len(blocks), 2, replace=False)
        i, j = random.choice(blocks[a]), random.choice(blocks[b])
        channels[[i, j]] = channels[[j, i]]
        now = cost(blocks[a]), cost(blocks[b])
        if sum(now) < costs[a] + costs[b]:
            costs[a], costs[b] = now
        else:
            channels[[i, j]] = channels[[j, i]]
    print(f"{len(channels)} channels in a new order: {sum(costs) / before:.3f} of the noise", flush=True)
    return torch.from_numpy(channels)


def reorder(model, windows, trials):
    """Orders the hidden units of each layer, then the channels of the residual stream."""
    weights, seen = felt(model, windows), []
    model.requires_grad_(False)
    model.hidden(windows, torch.float32, see=lambda x: seen.append(x.abs().numpy().T[:, ::2].copy()) or x)
    for i, layer in enumerate(model.h):
        units, mlp = order(seen[4 * i + 3], weights[4 * i + 3], trials), layer.mlp
        for p, axis in ((mlp.c_fc.weight, 1), (mlp.c_fc.bias, 0), (mlp.c_proj.weight, 0)):
            p.copy_(p.index_select(axis, units))
    channels = order(seen[-1], weights[-1], trials // 2)
    for name, p in model.named_parameters():
        writes = name.endswith("c_proj.weight") or name in ("wte.weight", "wpe.weight")
        if writes or "ln_" in name or name.endswith("c_proj.bias"):
            p.copy_(p.index_select(p.dim() - 1, channels))
        elif name.endswith(("c_attn.weight", "c_fc.weight")):
            p.copy_(p[channels])
    model.requires_grad_(True)


def resize(model, windows, steps, lr):
    """Descends on the noise along the sizes and means of what the matrices of the layers see.   windows: n -> two"""
    layers, width = len(model.h), model.head.embedding_dim
    sizes, means = (torch.zeros(3 * layers, width, requires_grad=True) for _ in "sm")  # sizes as logarithms
    optimizer = torch.optim.Adam([{"params": [sizes], "scale": lr}, {"params": [means], "scale": lr / 2}], betas=(0.9, 0.99))
    model.requires_grad_(False)
    mean = None
    for step in range(steps):
        ids = torch.from_numpy(windows.take(2 * step, 2, CONTEXT))[:, :-1]
        tokens, shares = int8.likeliest(model, model.hidden(ids, torch.float32))
        count = itertools.count()

        def see(x):
            layer, place = divmod(next(count), 4)
            if place == 3 or layer == layers:  # hidden units and the head's channels have nothing that takes it over
                return rounded(x, 127)
            size, middle = sizes[3 * layer + place].exp(), means[3 * layer + place]
            return rounded((x - middle) / size, 127) * size + middle

        noise = int8.noise(model, ids, tokens, shares, see)
        for group in optimizer.param_groups:
            group["lr"] = group["scale"] * min(1.0, 2 * (1 - step / steps))
        optimizer.zero_grad()
        noise.backward()
        optimizer.step()
        mean = noise.item() if mean is None else 0.9 * mean + 0.1 * noise.item()
        if (step + 1) % 50 == 0:
            print(f"step {step + 1}  noise {mean:.4f}", flush=True)
    model.requires_grad_(True)
    for row, (size, middle) in enumerate(zip(sizes.detach().exp(), means.detach())):
        model.resize(*divmod(row, 3), middle, size)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path, help="model directory")
    parser.add_argument("--corpus", required=True, help="folder with stories.train.*.txt, stories.val.txt")
    parser.add_argument("--out", required=True, help="model directory to write")
    parser.add_argument("--work", default="build/train", help="token cache")
    parser.add_argument("--parts", type=int, default=6, help="of the corpus that are read: the first so many")
    parser.add_argument("--trials", type=int, default=80000, help="pairs of channels that are tried, per layer")
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--lr", type=float, default=0.03)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    args = parser.parse_args()
    train.tune_process(args.threads)
    model = export.read(args.model)
    corpus = data.Corpus(args.corpus, args.work, model.head.num_embeddings)
    documents = corpus.parts(args.parts)
    reorder(model, torch.from_numpy(data.Windows(documents, 33).take(0, 4, CONTEXT)[:, :-1]), args.trials)
    resize(model, data.Windows(documents, 21), args.steps, args.lr)
    export.write(model, corpus.tokenizer, args.out)


if __name__ == "__main__":
    main()
