"""Muon (Jordan et al., 2024) for the weight matrices of the layers, AdamW for everything else.

Muon replaces the momentum of a matrix by the nearest (semi-)orthogonal matrix, found with a few
Newton-Schulz steps; scaled to the update size of AdamW (Liu et al., 2025), both share a learning rate.
"""
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
            for p in group["params"]:
                state = self.state[p]
                if not state:
                    state["average"] = torch.zeros_like(p)
                average = state["average"].lerp_(p.grad, 1 - group["momentum"])
                ahead = p.grad.lerp(average, group["momentum"])  # Nesterov
                rows, cols = p.shape
                parts = cols // rows if cols == 3 * rows else 1  # c_attn is q, k and v side by side
                split = ahead.view(rows, parts, -1).transpose(0, 1)
                update = orthogonal(split) * 0.2 * max(split.shape[1:]) ** 0.5
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.sub_(update.transpose(0, 1).reshape(rows, cols), alpha=group["lr"])


def build(model, lr, weight_decay, kind="muon"):
    """The optimisers of a model; biases, layer norms and embeddings are not decayed."""
    matrices = [p for name, p in model.named_parameters() if name.startswith("h.") and p.dim() == 2]
    known = set(map(id, matrices))
    rest = [p for p in model.parameters() if id(p) not in known]
    if kind == "muon":
        return [Muon(matrices, lr, weight_decay=weight_decay),
                torch.optim.AdamW(rest, lr, betas=(0.9, 0.95), weight_decay=0.0)]
    groups = [{"params": matrices, "weight_decay": weight_decay},
              {"params": rest, "weight_decay": 0.0}]
    return [torch.optim.AdamW(groups, lr, betas=(0.9, 0.95))]
