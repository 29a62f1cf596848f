"""Checkpoints of an interrupted training: tensors in a safetensors file, no pickles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from autolabel_core.foundation.atomic_files import write_atomically
from autolabel_core.models.projection_head import Vectors
from autolabel_core.training.heads.supcon import weights_of

if TYPE_CHECKING:
    import torch

MOMENTS = ("exp_avg", "exp_avg_sq")


class TrainingState:
    """Epochs done, the best weights so far, and the optimizer's moments.

    Args:
        key: fingerprint of material and recipe.
        file: written after each epoch; None keeps nothing.
        module: the head with its first weights.
    """

    def __init__(self, key: str, file: Path | None, module: torch.nn.Module) -> None:
        self._key, self._file = key, file
        self.module = module
        # Epochs are counted from 1; the best of none is the first weights.
        self.epoch = self.best_epoch = 0
        self.best = weights_of(module)
        self._margin = float("-inf")
        self._steps = 0
        self._moments: dict[str, torch.Tensor] = {}

    @classmethod
    def start(cls, key: str, file: Path | None, module: torch.nn.Module) -> TrainingState:
        """Continue from a file where it is of the same training, else begin.

        Args:
            key: fingerprint of material and recipe.
            file: written after each epoch; None keeps nothing.
            module: the head with its first weights.

        Returns:
            The state.
        """
        state = cls(key, file, module)
        if file is not None and file.is_file():
            state._load(file)
        return state

    def _load(self, file: Path) -> None:
        import torch
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(file, framework="np") as stored:
                said = json.loads((stored.metadata() or {})["state"])
                arrays = {name: stored.get_tensor(name) for name in list(stored.keys())}
        except (SafetensorError, KeyError, ValueError, OSError):
            return
        if said["key"] != self._key:
            return
        names = [name for name, _ in self.module.named_parameters()]
        now = {name: torch.from_numpy(arrays[f"now.{name}"]) for name in names}
        self.module.load_state_dict(now)
        self.best = {name: arrays[f"best.{name}"] for name in names}
        self._moments = {n: a for n, a in arrays.items() if n.partition(".")[0] in MOMENTS}
        self.epoch, self.best_epoch = said["epoch"], said["best_epoch"]
        self._margin, self._steps = said["margin"], said["steps"]

    def restore(self, optimizer: torch.optim.Optimizer) -> None:
        """Give a new optimizer the moments that were kept."""
        import torch

        if not self._moments:
            return
        for name, parameter in self.module.named_parameters():
            kept = {m: torch.from_numpy(self._moments[f"{m}.{name}"]) for m in MOMENTS}
            moved = {m: tensor.to(parameter.device) for m, tensor in kept.items()}
            optimizer.state[parameter] = {"step": torch.tensor(float(self._steps)), **moved}

    def finish_epoch(
        self, weights: dict[str, Vectors], margin: float, optimizer: torch.optim.Optimizer
    ) -> None:
        """Count an epoch, keep it where it is the best, and write the file.

        Args:
            weights: of the head now.
            margin: its mean margin on the views kept for early stopping.
            optimizer: whose moments are kept.
        """
        self.epoch += 1
        if margin > self._margin:
            self.best, self.best_epoch, self._margin = weights, self.epoch, margin
        if self._file is None:
            return
        from safetensors.numpy import save

        named = list(self.module.named_parameters())
        self._steps = int(optimizer.state[named[0][1]]["step"])
        tensors = {
            f"{m}.{n}": optimizer.state[p][m].cpu().numpy() for n, p in named for m in MOMENTS
        }
        tensors |= {f"now.{name}": array for name, array in weights.items()}
        tensors |= {f"best.{name}": array for name, array in self.best.items()}
        data = save(tensors, {"state": self._said()})
        write_atomically(self._file, lambda part: part.write_bytes(data))

    def _said(self) -> str:
        return json.dumps(
            {
                "key": self._key,
                "epoch": self.epoch,
                "best_epoch": self.best_epoch,
                "margin": self._margin,
                "steps": self._steps,
            }
        )

    def remove(self) -> None:
        """Forget the file: the training is done."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)
