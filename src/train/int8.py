"""A trained model -> the same model, hardly changed by int8 weights and the activations that go with them.

    python3 src/train/int8.py build/train/floats --corpus DIR --out web/models/stories

Rule 5 of the engine (src/int8.c): 32 numbers share a scale; weights have 7 bits, what a matrix sees of
its input has 8. First the channels are rescaled, which changes nothing in floats; then a short training
lays the weights on the grid of 7 bits, where quantising finds them again, and makes the model care less
about the rounding of its activations, while it imitates the predictions that it made before.
"""
import argparse
import math
import os
import pathlib
import time

import train  # first: it chooses PyTorch's kernels
import torch
from torch.nn import functional as F

import data
import evaluate
import export
import optim

CONTEXT, LIKELIEST = 1024, 8
MICRO = 4096  # tokens a thread works on at a time


def rounded(x, limit):
    """Blocks of 32 along the last axis, as int8 sees them. The gradient knows the scales and takes
    the rounding errors, in steps, for given."""
    blocks = F.pad(x, (0, -x.shape[-1] % 32)).unflatten(-1, (-1, 32))
    scale = blocks.abs().amax(-1, keepdim=True).clamp_min(1e-30) / limit
    steps = (blocks / scale).detach()
    return (blocks + scale * (steps.round() - steps)).flatten(-2)[..., :x.shape[-1]]


@torch.no_grad()
def likeliest(model, hidden):
    """What the head sees -> the likeliest tokens and their shares of the probability: [rows, LIKELIEST]."""
    logits, tokens = (hidden @ model.head.weight.t()).topk(LIKELIEST)
    return tokens, torch.softmax(logits, -1)


def noise(model, ids, tokens, shares, see=lambda x: rounded(x, 127)):
    """How far int8 moves the logits of the likeliest tokens against each other: the standard
    deviation, mean over the positions.   tokens, shares: [rows, LIKELIEST], of the model in floats"""
    exact = model.hidden(ids, torch.float32)
    coarse = model.hidden(ids, torch.float32, see=see)
    moved = torch.einsum("nkc,nc->nk", model.head.weight[tokens], coarse - exact)
    moved = moved - (shares * moved).sum(-1, keepdim=True)
    return ((shares * moved * moved).sum(-1) + 1e-7).sqrt().mean()


def loss(model, teacher, args, windows):
    """Cross entropy with the teacher's predictions, and price times the noise of every so many windows."""
    ids = windows[:, :-1]
    with torch.no_grad():
        target = teacher(ids).float()
        logits, tokens = target.view(*ids.shape, -1)[::args.every].flatten(0, 1).topk(LIKELIEST)
    imitated = F.cross_entropy(model(ids).float(), torch.softmax(target, -1))
    return imitated + args.price * noise(model, ids[::args.every], tokens, torch.softmax(logits, -1))


class Grid:
    """The matrices of a model, on the grid while gradients are taken and off it for the optimiser's
    steps: gradients pass the rounding as if it were not there."""

    def __init__(self, model):
        self.axes = model.grids()

    @torch.no_grad()
    def __enter__(self):
        self.free = [p.clone() for p, _ in self.axes]
        for p, axis in self.axes:
            p.copy_(rounded(p.transpose(axis, 1), 63).transpose(axis, 1))

    @torch.no_grad()
    def __exit__(self, *_):
        for (p, _), free in zip(self.axes, self.free):
            p.copy_(free)


def finetune(model, teacher, args, corpus, device):
    """Rescales, trains, and mixes the weights with those before the training."""
    model.dtype = teacher.dtype = torch.bfloat16
    if not args.arranged:
        sample = data.Windows(corpus.parts(args.parts), args.seed).take(0, 16, CONTEXT)[:, :-1]
        seen = []
        with torch.no_grad():
            model.hidden(torch.from_numpy(sample).to(device), torch.float32, see=lambda x: seen.append(x) or x)
        model.rescale(seen)
    params = list(model.parameters())
    before = [p.detach().clone() for p in params]
    grid, optimizers = Grid(model), optim.build(model, args.lr, weight_decay=0.05)
    descend = train.descent(model, lambda windows: loss(model, teacher, args, windows), optimizers, device,
                            args.threads, MICRO, around=grid)
    documents = corpus.parts(args.parts)
    windows, count = data.Windows(documents, args.seed + 1), args.batch // CONTEXT
    mean, began = None, time.monotonic()
    for step in range(args.steps):
        optim.set_rate(optimizers, args.lr * min(1.0, (step + 1) / 20) * (1 - step / args.steps))
        now = descend(windows.take(step * count, count, CONTEXT))
        mean = now.clone() if mean is None else mean.lerp_(now, 0.05)
        if (step + 1) % 20 == 0:
            print(f"step {step + 1}  {(time.monotonic() - began) / 60:.1f} min  loss {mean.item():.4f}", flush=True)
    with torch.no_grad():
        for p, old in zip(params, before):
            p.lerp_(old, args.keep)
    model.dtype = torch.float32
    with grid:
        bits = evaluate.bits_per_byte(model, corpus.val, corpus.val_bytes, CONTEXT)
        export.write(model, corpus.tokenizer, args.out)
    print(f"wrote {args.out}: {bits:.4f} bits per byte")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path, help="model directory")
    parser.add_argument("--teacher", type=pathlib.Path, help="the model to imitate, if another")
    parser.add_argument("--arranged", action="store_true", help="by arrange.py: channels stay as they are")
    parser.add_argument("--corpus", required=True, help="folder with stories.train.*.txt, stories.val.txt")
    parser.add_argument("--out", required=True, help="model directory to write")
    parser.add_argument("--work", default="build/train", help="token cache")
    parser.add_argument("--parts", type=int, default=99, help="of the corpus that are read: the first so many")
    parser.add_argument("--steps", type=int, default=700)
    parser.add_argument("--batch", type=int, default=8192, help="tokens a step")
    parser.add_argument("--lr", type=float, default=8e-4)
    parser.add_argument("--price", type=float, default=2.5, help="of noise, in nats")
    parser.add_argument("--every", type=int, default=4, help="noise is measured on every so many windows")
    parser.add_argument("--keep", type=float, default=0.0,
                        help="share of the weights before the training in those that are written")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    train.tune_process(args.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model, teacher = (export.read(path).to(device) for path in (args.model, args.teacher or args.model))
    corpus = data.Corpus(args.corpus, args.work, model.head.num_embeddings)
    finetune(model, teacher, args, corpus, device)


if __name__ == "__main__":
    main()
