"""Muon (Jordan et al., 2024) for the weight matrices of the layers, AdamW for everything else.

Muon replaces the momentum of a matrix by the nearest (semi-)orthogonal matrix, found with a few
Newton-Schulz steps; scaled to the update size of AdamW (Liu et al., 2025), both share a learning rate.
"""
import collections
import contextlib
import re

import torch


def orthogonal(m, steps=5):
    """m: [n, rows, cols] -> every matrix with its singular values pushed towards 1."""
    a, b, c = 3.4445, -4.7750, 2.0315
    wide = m.shape[1] <= m.shape[2]
    x = (m if wide else m.transpose(1, 2)).bfloat16()
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.transpose(1, 2)
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x if wide else x.transpose(1, 2)).float()


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum=0.95, weight_decay=0.0):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            params = group["params"]
            for p in params:
                if not self.state[p]:
                    self.state[p]["average"] = torch.zeros_like(p)
            averages, grads = [self.state[p]["average"] for p in params], [p.grad for p in params]
            torch._foreach_mul_(averages, group["momentum"])
            torch._foreach_add_(averages, grads, alpha=1 - group["momentum"])
            ahead = torch._foreach_mul(averages, group["momentum"])  # Nesterov
            torch._foreach_add_(ahead, grads, alpha=1 - group["momentum"])
            torch._foreach_mul_(params, 1 - group["lr"] * group["weight_decay"])
            alike = collections.defaultdict(list)
            for p, update in zip(params, ahead):
                alike[p.shape].append((p, update))
            for (rows, cols), pairs in alike.items():
                parts = cols // rows if cols == 3 * rows else 1  # c_attn is q, k and v side by side
                split = torch.stack([update for _, update in pairs]).view(len(pairs), rows, parts, -1)
                split = split.transpose(1, 2).flatten(0, 1)
                step = orthogonal(split) * (0.2 * max(split.shape[1:]) ** 0.5 * group["lr"])
                step = step.unflatten(0, (-1, parts)).transpose(1, 2).flatten(2)
                torch._foreach_sub_([p for p, _ in pairs], list(step))


def build(model, lr, weight_decay, kind="muon"):
    """The optimisers of a model; biases, norms, embeddings and heads are not decayed. A CUDA graph reads the learning
    rate where it lies, so there it is a tensor."""
    matrices = [p for name, p in model.named_parameters()
                if re.search(r"\.\d+\.", f".{name}") and p.dim() == 2 and "bias" not in name]
    known = set(map(id, matrices))
    rest = [p for p in model.parameters() if id(p) not in known]
    cuda = rest[0].is_cuda
    make = lambda params: torch.optim.AdamW(  # noqa: E731
        params, torch.tensor(lr, device="cuda") if cuda else lr, betas=(0.9, 0.95), weight_decay=0.0, capturable=cuda)
    if kind == "muon":
        return [Muon(matrices, torch.tensor(lr, device="cuda") if cuda else lr, weight_decay=weight_decay), make(rest)]
    return [make([{"params": matrices, "weight_decay": weight_decay}, {"params": rest}])]


def set_rate(optimizers, lr):
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(lr)
            else:
                group["lr"] = lr


class Captured:
    """A step of the training as one CUDA graph per shape of its batch: a small model is done with its sums before
    Python has asked for the next ones.

    loss: tensors of a batch -> a number; around: what is so while gradients are taken. On a CPU the step is simply made.
    """

    def __init__(self, params, loss, optimizers, around=contextlib.nullcontext()):
        self.params, self.loss, self.optimizers, self.around = list(params), loss, optimizers, around
        self.graphs, self.cuda = {}, self.params[0].is_cuda

    def plain(self, *batch):
        for p in self.params:
            p.grad = None
        with self.around:
            loss = self.loss(*batch)
            loss.backward()
        torch.nn.utils.clip_grad_norm_(self.params, 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
        return loss.detach()

    def capture(self, batch):
        """The first three steps of a shape are made before it is recorded: they compile and make the optimisers' state."""
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self.plain(*batch)
        torch.cuda.current_stream().wait_stream(side)
        places, graph = [x.clone() for x in batch], torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            loss = self.plain(*places)
        return graph, places, loss

    def __call__(self, *batch):
        """-> the loss, which the next step overwrites."""
        if not self.cuda:
            return self.plain(*batch)
        shape = tuple(x.shape for x in batch)
        if shape not in self.graphs:
            self.graphs[shape] = self.capture(batch)
        graph, places, loss = self.graphs[shape]
        for place, x in zip(places, batch):
            place.copy_(x)
        graph.replay()
        return loss
