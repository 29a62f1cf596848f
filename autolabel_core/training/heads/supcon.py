"""Supervised contrastive training of a projection head on frozen features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from autolabel_core.models.projection_head import LAYERS, Vectors

if TYPE_CHECKING:
    import torch

Rng = np.random.Generator


def supcon_loss(projected: torch.Tensor, labels: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return the loss that pulls views of one label together and pushes the others away.

    Args:
        projected: tensor (n, m), rows of unit length.
        labels: tensor (n,) of whole numbers; a view without a partner adds nothing.
        temperature: above 0; smaller looks at the hardest pairs alone.

    Returns:
        A scalar tensor, the mean over views that have a partner.

    Source:
        Khosla et al., Supervised Contrastive Learning, 2020, equation 2.
    """
    import torch

    itself = torch.eye(len(labels), dtype=torch.bool, device=projected.device)
    logits = (projected @ projected.T / temperature).masked_fill(itself, float("-inf"))
    log_share = logits - torch.logsumexp(logits, dim=1, keepdim=True)
    partners = (labels[:, None] == labels[None, :]) & ~itself
    counts = partners.sum(dim=1)
    sums = log_share.masked_fill(~partners, 0.0).sum(dim=1)
    return -(sums / counts.clamp(min=1))[counts > 0].mean()


def head_module(dim: int, hidden: int, out: int, seed: int) -> torch.nn.Module:
    """Return the trainable head, on the CPU, its first weights decided by the seed.

    Args:
        dim: length of the features.
        hidden: width of the hidden layer.
        out: length of the projections.
        seed: decides the weights.

    Returns:
        A torch module whose `state_dict` has the names of `LAYERS`.
    """
    import torch

    module = torch.nn.ModuleDict(
        {"hidden": torch.nn.Linear(dim, hidden), "out": torch.nn.Linear(hidden, out)}
    )
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            fan_in = dim if name.startswith("hidden") else hidden
            bound = fan_in**-0.5
            parameter.uniform_(-bound, bound, generator=generator)
    return module


def project(module: torch.nn.Module, features: torch.Tensor) -> torch.Tensor:
    """Return unit projections of features `(n, d)`, as `Head.project` computes them."""
    import torch

    active = torch.nn.functional.gelu(module["hidden"](features))
    return torch.nn.functional.normalize(module["out"](active), dim=-1)


def weights_of(module: torch.nn.Module) -> dict[str, Vectors]:
    """Return the four arrays of a head."""
    state = module.state_dict()
    return {name: state[name].detach().cpu().numpy().copy() for name in LAYERS}


def batches(
    members: Sequence[npt.NDArray[np.int64]], classes: int, views: int, steps: int, rng: Rng
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Yield batches of so many labels with so many views each.

    Args:
        members: rows of the features that each label has.
        classes: labels in a batch; all of them where there are fewer.
        views: rows of each label, drawn with replacement where it has fewer.
        steps: how many batches.
        rng: decides.

    Yields:
        tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]: Rows `(b,)` and labels `(b,)`.
    """
    count = min(classes, len(members))
    for _ in range(steps):
        chosen = rng.choice(len(members), count, replace=False)
        rows = [
            rng.choice(members[label], views, replace=len(members[label]) < views)
            for label in chosen.tolist()
        ]
        yield np.concatenate(rows), np.repeat(chosen, views)
