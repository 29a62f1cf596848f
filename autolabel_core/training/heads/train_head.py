"""Trains a projection head on frozen features, keeps the best epoch, and evaluates it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.foundation.progress import Progress, no_progress
from autolabel_core.models.evaluation.held_out_set import HeldOutSet, unchanged
from autolabel_core.models.projection_head import Head, HeadCard, HeldOutFigures, Vectors
from autolabel_core.models.weights import pick_device
from autolabel_core.training.heads.checkpoint import TrainingState
from autolabel_core.training.heads.supcon import (
    batches,
    head_module,
    project,
    supcon_loss,
    weights_of,
)

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Recipe:
    """How a head is trained.

    Attributes:
        epochs: at most.
        steps_per_epoch: batches between two looks at the views kept for early stopping.
        classes: labels in a batch.
        batch_views: views of each label in a batch.
        views: training views of each picture.
        hidden: width of the hidden layer.
        out: length of the projections.
        learning_rate: at the start; falls to 0 along a cosine.
        weight_decay: of AdamW.
        temperature: of the loss.
        patience: epochs without a better mean margin after which it stops.
        seed: decides first weights and batches.
        reference_views: views whose mean stands for a picture; 0 is the picture itself.

    Source:
        Two layers, 16 classes by 4 views, temperature 0.1 and AdamW with decay 1e-4 are the recipe
        for retrieval from one picture of a class; the learning rate and the number of steps were
        measured on 150 rendered cards.
    """

    epochs: int = 20
    steps_per_epoch: int = 80
    classes: int = 16
    batch_views: int = 4
    views: int = 32
    hidden: int = 512
    out: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    temperature: float = 0.1
    patience: int = 5
    seed: int = 0
    reference_views: int = 0

    def rate(self, step: int) -> float:
        """Return the learning rate of a step."""
        share = step / (self.epochs * self.steps_per_epoch)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * share))


@dataclass(frozen=True)
class HeadTrainingData:
    """What a head is trained on and judged by.

    Attributes:
        feature_uri: the space of the features.
        labels: (n,) label of each reference.
        checksums: (n,) of the pictures.
        features: (n, v, d) of the training views, the picture itself among them.
        stopping: decides which epoch is best.
        held_out: judges the result; decides nothing before.
    """

    feature_uri: str
    labels: Sequence[str]
    checksums: Sequence[str]
    features: Vectors
    stopping: HeldOutSet
    held_out: HeldOutSet

    @property
    def members(self) -> list[npt.NDArray[np.int64]]:
        """Rows of the flattened features that each label has."""
        place = {label: code for code, label in enumerate(self.stopping.distinct)}
        codes = np.repeat([place[label] for label in self.labels], self.features.shape[1])
        return [np.flatnonzero(codes == code) for code in range(len(place))]


@dataclass(frozen=True)
class TrainedHead:
    """A head, and whether it is better than none.

    Attributes:
        head: the weights of the best epoch, with a card.
        before: figures of the bare encoder, or of the head in service, on held-out views.
        after: figures with the head.
        margins: median margin of each label before and after.
        epochs: how many were trained.
        best_epoch: the one that was kept, from 1.
        fell: what is worse with the head on held-out views: `top1`, `median_margin`.
    """

    head: Head
    before: Mapping[str, float]
    after: Mapping[str, float]
    margins: Mapping[str, tuple[float, float]]
    epochs: int
    best_epoch: int
    fell: tuple[str, ...]

    @property
    def adopted(self) -> bool:
        """The gate: neither held-out top-1 nor the median margin fell."""
        return not self.fell


def train_head(
    material: HeadTrainingData,
    recipe: Recipe,
    resume: Path | None = None,
    device: str | None = None,
    progress: Progress = no_progress,
    standing: Head | None = None,
) -> TrainedHead:
    """Train a head, keep its best epoch, judge it on views that decided nothing.

    Args:
        material: features, and what judges.
        recipe: how.
        resume: a file that is written after each epoch, continued from where it fits, and removed
            at the end.
        device: a torch device; None takes the fastest that this machine has.
        progress: told how many epochs are done.
        standing: the head in service, which the new one is compared with; None: the bare encoder.

    Returns:
        The head, adopted or not. The same material, recipe and kind of device give the
        same weights.

    Raises:
        AutolabelError: there are fewer than two labels.
    """
    if len(material.members) < 2:
        raise AutolabelError(
            f"A head is trained to tell labels apart; there is only {list(material.labels)[:1]}. "
            "Add pictures of other things."
        )
    from threadpoolctl import threadpool_limits

    state = TrainingState.start(_key(material, recipe), resume, _new_module(material, recipe))
    # At this size several threads wait for each other longer than they work, and round otherwise.
    with threadpool_limits(limits=1):
        last = _run(state, material, recipe, pick_device(device), progress)
    head = Head(state.best, _card(material, recipe, last, state.best_epoch))
    trained = _judged(head, material, last, state.best_epoch, standing)
    state.remove()
    return trained


def _key(material: HeadTrainingData, recipe: Recipe) -> str:
    said = [material.feature_uri, list(material.labels), list(material.checksums)]
    return fingerprint(*said, asdict(recipe))


def _new_module(material: HeadTrainingData, recipe: Recipe) -> torch.nn.Module:
    return head_module(material.features.shape[-1], recipe.hidden, recipe.out, recipe.seed)


def _run(
    state: TrainingState,
    material: HeadTrainingData,
    recipe: Recipe,
    device: str,
    progress: Progress,
) -> int:
    """Train what epochs are missing; return the number of the last."""
    import torch

    module = state.module.to(device)
    optimizer = torch.optim.AdamW(
        module.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    state.restore(optimizer)
    features = material.features.reshape(-1, material.features.shape[-1])
    members = material.members
    while state.epoch < recipe.epochs and state.epoch - state.best_epoch < recipe.patience:
        rng = np.random.default_rng([recipe.seed, state.epoch])
        drawn = batches(members, recipe.classes, recipe.batch_views, recipe.steps_per_epoch, rng)
        for step, (rows, codes) in enumerate(drawn, start=state.epoch * recipe.steps_per_epoch):
            optimizer.param_groups[0]["lr"] = recipe.rate(step)
            batch = torch.from_numpy(features[rows]).to(device)
            labels = torch.from_numpy(codes).to(device)
            loss = supcon_loss(project(module, batch), labels, recipe.temperature)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        weights = weights_of(module)
        margin = float(material.stopping.evaluate(Head(weights).project).margin.mean())
        state.finish_epoch(weights, margin, optimizer)
        progress(state.epoch, recipe.epochs)
    return state.epoch


def _judged(
    head: Head, material: HeadTrainingData, epochs: int, best_epoch: int, standing: Head | None
) -> TrainedHead:
    before = material.held_out.evaluate(standing.project if standing else unchanged)
    after = material.held_out.evaluate(head.project)
    labels = material.held_out.distinct
    old, new = before.median_margins(labels), after.median_margins(labels)
    margins = {label: (old[label], new[label]) for label in old}
    fell = tuple(
        name for name in ("top1", "median_margin") if after.figures[name] < before.figures[name]
    )
    figures: HeldOutFigures = {
        "before": before.figures,
        "after": after.figures,
        "adopted": not fell,
    }
    card: HeadCard = {**head.card, "held_out": figures}
    whole = Head(head.weights, card)
    return TrainedHead(whole, before.figures, after.figures, margins, epochs, best_epoch, fell)


def _card(material: HeadTrainingData, recipe: Recipe, epochs: int, best_epoch: int) -> HeadCard:
    return {
        "kind": "projection_head",
        "feature_uri": material.feature_uri,
        "recipe": asdict(recipe),
        "labels": sorted(set(material.labels)),
        "data": fingerprint(list(material.labels), list(material.checksums)),
        "epochs": epochs,
        "best_epoch": best_epoch,
    }
