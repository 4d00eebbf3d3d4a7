"""Corpus -> tokenizer -> training -> Hugging Face model directory, in one command.

    python3 src/train/train.py --corpus DIR --out web/models/stories --minutes 100

Stopped runs go on from the last checkpoint in --work when the same command is given again.
"""
import argparse
import collections
import concurrent.futures
import contextlib
import ctypes
import csv
import math
import os
import pathlib
import signal
import sys
import time

CPU = pathlib.Path("/proc/cpuinfo")
if CPU.exists() and "avx512bw" in CPU.read_text():  # unasked, PyTorch 1.13 stops at AVX2
    os.environ.setdefault("ATEN_CPU_CAPABILITY", "avx512")

import torch

import data
import evaluate
import export
import llama
import model as gpt
import optim

CONTEXTS = "0.15:256,0.35:512,1:1024"
MICRO = 2048  # tokens a CPU thread works on at a time
LOGS, EVALUATIONS = 200, 20  # in a budget; checkpoints come with the evaluations


def plan(text):
    """"0.3:512,1:1024" -> what holds until which share of the budget."""
    pairs = (pair.split(":") for pair in text.split(","))
    return [(float(share), int(count)) for share, count in pairs]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", required=True, help="folder with stories.train.*.txt, stories.val.txt")
    parser.add_argument("--out", required=True, help="model directory to write")
    parser.add_argument("--work", default="build/train", help="token cache, checkpoint and log")
    parser.add_argument("--minutes", type=float, help="budget in minutes of training")
    parser.add_argument("--steps", type=int, help="budget in steps, instead of minutes")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--batch", type=int, default=8192, help="tokens a step, a multiple of 1024")
    parser.add_argument("--lr", type=float, default=6e-3)
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--dropout", type=float, default=0.0,
                        help="of the embedding and of what each half-layer adds; above 0 on a CPU, "
                             "threads share one random stream, so a run does not repeat bit for bit")
    parser.add_argument("--optimizer", choices=["muon", "adamw"], default="muon")
    parser.add_argument("--dtype", choices=["bfloat16", "float32"], default="bfloat16")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--width", type=int, default=176)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--vocab", type=int, default=6144)
    parser.add_argument("--kv-heads", type=int, help="makes a Llama, with so many heads of keys and values")
    parser.add_argument("--inner", type=int, help="width inside the MLP of a Llama")
    parser.add_argument("--contexts", type=plan, default=CONTEXTS, metavar="SHARE:TOKENS,...",
                        help="until this share of the budget, windows of so many tokens")
    parser.add_argument("--parts", type=plan, default="1:99", metavar="SHARE:COUNT,...",
                        help="until this share of the budget, the first so many parts of the corpus")
    args = parser.parse_args()
    if (args.minutes is None) == (args.steps is None):
        parser.error("give one of --minutes and --steps")
    return args


class Gradient:
    """Mean loss and gradient of a batch, on a CPU. Each thread takes one micro-batch after another,
    which loses less to a busy machine than splitting every operation over the cores; the parts
    are added in a fixed order, so the result does not depend on who did what.

    loss: windows [n, context + 1] -> a number; micro: tokens in a micro-batch."""

    def __init__(self, model, loss, micro, threads):
        self.params, self.loss, self.tokens = list(model.parameters()), loss, micro
        self.pool = concurrent.futures.ThreadPoolExecutor(threads, initializer=lambda: torch.set_num_threads(1))

    def micro(self, windows):
        loss = self.loss(torch.from_numpy(windows))
        return loss.item(), torch.autograd.grad(loss, self.params)

    def __call__(self, windows):
        size = max(1, self.tokens // (windows.shape[1] - 1))
        parts = [windows[i:i + size] for i in range(0, len(windows), size)]
        results = list(self.pool.map(self.micro, parts))
        for p, *grads in zip(self.params, *(grads for _, grads in results)):
            p.grad = sum(grads) / len(parts)
        return sum(loss for loss, _ in results) / len(parts)


def descent(model, loss, optimizers, device, threads, micro, around=contextlib.nullcontext(), compiles=False):
    """-> a function that makes a step of the optimisers for some windows and returns their loss.

    around: what is so while gradients are taken; compiles: loss, on a CUDA device."""
    if device != "cpu":
        captured = optim.Captured(
            model.parameters(), torch.compile(loss, dynamic=False) if compiles else loss, optimizers, around)
        return lambda windows: captured(torch.from_numpy(windows).to(device, non_blocking=True))
    gradient = Gradient(model, loss, micro, threads)

    def step(windows):
        with around:
            value = gradient(windows)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        return torch.tensor(value)

    return step


def build(args, device):
    common = dict(dtype=getattr(torch, args.dtype), dropout=args.dropout)
    if args.kv_heads:
        sizes = (args.vocab, 1024, args.layers, args.width, args.heads, args.kv_heads, args.inner)
        return llama.Llama(*sizes, **common).to(device)
    return gpt.Gpt(args.vocab, 1024, args.layers, args.width, args.heads, **common).to(device)


class Run:
    """The state of a training run: what a checkpoint holds."""

    def __init__(self, args, corpus, device):
        torch.manual_seed(args.seed)
        self.args, self.device = args, device
        self.model = build(args, device)
        self.optimizers = optim.build(self.model, args.lr, args.weight_decay, args.optimizer)
        self.descend = descent(self.model, self.loss, self.optimizers, device, args.threads, MICRO, compiles=True)
        self.shapes = set()  # seen by now: a CUDA device compiles for each
        self.windows = {count: data.Windows(corpus.parts(count), args.seed) for _, count in args.parts}
        self.step, self.seconds, self.tokens, self.mean, self.log = 0, 0.0, 0, None, []
        self.read = collections.Counter()  # tokens, by how many parts they were drawn from
        self.file = pathlib.Path(args.work) / "checkpoint.pt"
        if self.file.exists():
            self.load()

    def loss(self, windows):
        return self.model.losses(windows[:, :-1], windows[:, 1:]).mean()

    def progress(self):
        """Part of the budget that is used up, 0..1."""
        args = self.args
        return min(1.0, self.step / args.steps if args.steps else self.seconds / 60 / args.minutes)

    def rate(self):
        """Warm-up, then half a cosine to zero."""
        warm = min(1.0, (self.step + 1) / 100)
        return self.args.lr * warm * (0.5 + 0.5 * math.cos(math.pi * self.progress()))

    def train_step(self):
        began = time.monotonic()
        done = self.progress()
        context, parts = (next(x for end, x in plan if done <= end) for plan in (self.args.contexts, self.args.parts))
        count = self.args.batch // context
        windows = self.windows[parts].take(self.read[parts] // context, count, context)
        optim.set_rate(self.optimizers, self.rate())
        loss = self.descend(windows)
        self.step += 1
        self.tokens += count * context
        self.read[parts] += count * context
        self.mean = loss.clone() if self.mean is None else self.mean.lerp_(loss, 0.02)
        if self.device == "cpu" or windows.shape in self.shapes:
            self.seconds += time.monotonic() - began
        self.shapes.add(windows.shape)
        return context

    def save(self):
        state = dict(model=self.model.state_dict(), optimizers=[o.state_dict() for o in self.optimizers],
                     step=self.step, seconds=self.seconds, tokens=self.tokens, read=self.read, mean=self.mean,
                     log=self.log)
        torch.save(state, self.file.with_suffix(".new"))
        self.file.with_suffix(".new").rename(self.file)
        with open(self.file.with_name("log.csv"), "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["step", "minutes", "tokens", "context", "train_nats", "val_bits_per_byte"])
            writer.writerows(self.log)

    def load(self):
        state = torch.load(self.file, map_location=self.device)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"]):
            optimizer.load_state_dict(saved)
        for name in ("step", "seconds", "tokens", "read", "mean", "log"):
            setattr(self, name, state[name])
        print(f"resumed at step {self.step}, {self.seconds / 60:.1f} minutes", flush=True)


def train(run, corpus):
    """Trains until the budget is used up."""
    logged, evaluated = (math.floor(run.progress() * count) for count in (LOGS, EVALUATIONS))
    while run.progress() < 1:
        context = run.train_step()
        if math.floor(run.progress() * LOGS) == logged:
            continue
        logged = math.floor(run.progress() * LOGS)
        entry = [run.step, f"{run.seconds / 60:.2f}", run.tokens, context, f"{run.mean.item():.4f}", ""]
        looks = math.floor(run.progress() * EVALUATIONS) > evaluated
        if looks:
            evaluated = math.floor(run.progress() * EVALUATIONS)
            bits = evaluate.bits_per_byte(run.model, corpus.val, corpus.val_bytes, context)
            entry[-1] = f"{bits:.4f}"
        run.log.append(entry)
        print(f"{100 * run.progress():5.1f} %  step {run.step}  {run.seconds / 60:.1f} min  "
              f"{run.tokens / 1e6:.1f} M tokens  {run.tokens / run.seconds:.0f} tokens/s  "
              f"context {context}  train {entry[4]} nats  {entry[-1]}", flush=True)
        if looks:
            run.save()


def tune_process(threads):
    """Lowest priority; and on Linux freed memory is kept, or page faults eat a third of the time."""
    os.nice(19)
    torch.set_num_threads(threads)
    with contextlib.suppress(OSError, AttributeError):  # a C library without mallopt
        for option, value in ((-4, 0), (-1, 2**31 - 1), (-2, 2**28), (-8, 1)):
            ctypes.CDLL(None).mallopt(option, value)  # MMAP_MAX, TRIM_THRESHOLD, TOP_PAD, ARENA_MAX


def main():
    args = arguments()
    tune_process(args.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    corpus = data.Corpus(args.corpus, args.work, args.vocab)
    documents = corpus.parts(99)
    print(f"{sum(map(len, documents))} training tokens in {len(documents)} documents, on {device}", flush=True)
    run = Run(args, corpus, device)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped; the same command resumes"))
    train(run, corpus)
    export.write(run.model, corpus.tokenizer, args.out)
    print(f"wrote {args.out}")


if __name__ == "__main__":
    main()
