"""The rule of a taxonomy as a torch network: from vectors to labels and how sure they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from autolabel_core.exports.onnx_classifier.function_network import network_of
from autolabel_core.matching.decision_engine import KEPT_NEIGHBOURS, DecisionEngine
from autolabel_core.matching.scores.fitted import FittedScore
from autolabel_core.matching.scores.ranking import LABELS_COMPARED
from autolabel_core.matching.scores.similarity import LEAST, NEAREST_COUNTED

if TYPE_CHECKING:
    import torch

    Choose = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
    """From vectors, cosines with the nearest references and their positions to label and score."""
    Measure = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class RuleNetwork:
    """A rule as a network.

    Attributes:
        network: maps vectors `(n, d)` of unit length to the position of the label (n,), its
            confidence (n,) and whether the rule gives it (n,).
        labels: by position.
        thresholds: the confidence at which each is given.
    """

    network: torch.nn.Module
    labels: tuple[str, ...]
    thresholds: tuple[float, ...]


def rule_network(engine: DecisionEngine) -> RuleNetwork:
    """Return a decision engine as a network that decides alike.

    Args:
        engine: with at least one reference.

    Returns:
        The network.
    """
    import torch

    labels = tuple(sorted(set(map(str, engine.labels))))
    place = {label: i for i, label in enumerate(labels)}
    codes = torch.tensor([place[str(label)] for label in engine.labels])
    thresholds = tuple(engine.rule.thresholds.of(label) for label in labels)
    references = torch.from_numpy(np.array(engine.references, np.float32))
    kept = min(KEPT_NEIGHBOURS, len(references))
    lowest = torch.tensor(thresholds, dtype=torch.float32)
    least_similar = engine.similarity_threshold
    floor = None if engine.score is None else engine.rule.min_score
    choose = _chooser(engine, codes, kept)

    similarity = _similarity(engine)

    def decide(vectors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        cosines, near = torch.topk(vectors @ references.T, kept, dim=1)
        label, confidence = choose(vectors, cosines, near)
        matched = confidence >= lowest[label]
        if least_similar is not None:
            matched = matched & (similarity(vectors, cosines, near) >= least_similar)
        if floor is not None:
            matched = matched & (cosines[:, 0] >= floor)
        return label, confidence, matched

    return RuleNetwork(network_of(decide), labels, thresholds)


def _chooser(engine: DecisionEngine, codes: torch.Tensor, kept: int) -> Choose:
    """Return what gives the likeliest label and how sure it is, by the score of the engine."""
    score = engine.score
    if score is None:
        return _nearest(codes, min(engine.rule.top_k, kept))
    if len(score.labels) < 2:
        return _only_label()
    if len(score.weights):
        return _products(score)
    return _votes(score, codes)


def _nearest(codes: torch.Tensor, top_k: int) -> Choose:
    """The nearest reference's label, or that for which the nearest `top_k` vote."""
    import torch

    def choose(
        vectors: torch.Tensor, cosines: torch.Tensor, near: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        code = codes[near]
        votes = cosines[:, :top_k].clamp_min(0.0)
        same = (code[:, :top_k, None] == code[:, None, :top_k]).to(torch.float32)
        winner = (same * votes[:, None, :]).sum(dim=2).argmax(dim=1, keepdim=True)
        if top_k <= 1:
            winner = torch.zeros_like(winner)
        return code.gather(1, winner)[:, 0], cosines.gather(1, winner)[:, 0]

    return choose


def _only_label() -> Choose:
    """Nothing says how probable the only label is."""
    import torch

    def choose(
        vectors: torch.Tensor, cosines: torch.Tensor, near: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.zeros_like(near[:, 0]), cosines[:, 0] * float("nan")

    return choose


def _products(score: FittedScore) -> Choose:
    """A row of weights for each label: class means, or the probe."""
    import torch

    weights = torch.from_numpy(np.array(score.weights, np.float32))
    most = min(LABELS_COMPARED, len(weights))

    def choose(
        vectors: torch.Tensor, cosines: torch.Tensor, near: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        best, place = torch.topk(vectors @ weights[:, :-1].T + weights[:, -1], most, dim=1)
        shares = torch.exp((best - best[:, :1]) / score.temperature)
        return place[:, 0], 1.0 / shares.sum(dim=1)

    return choose


def _votes(score: FittedScore, codes: torch.Tensor) -> Choose:
    """The nearest references vote, the nearer the heavier."""
    import torch

    importance = torch.from_numpy(np.array(score.importance, np.float32))
    best_only = score.name == "nearest"

    def choose(
        vectors: torch.Tensor, cosines: torch.Tensor, near: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        code = codes[near]
        weight = torch.exp((cosines - cosines[:, :1]) / score.temperature) * importance[near]
        same = (code[:, :, None] == code[:, None, :]).to(torch.float32)
        is_first = (torch.tril(same, -1).sum(dim=2) == 0).to(torch.float32)
        voting = weight * is_first if best_only else weight
        share = (same * voting[:, None, :]).sum(dim=2) * is_first
        winner = share.argmax(dim=1, keepdim=True)
        return code.gather(1, winner)[:, 0], share.gather(1, winner)[:, 0] / share.sum(dim=1)

    return choose


def _similarity(engine: DecisionEngine) -> Measure:
    """Return what says how near the nearest references are, seen from the middle of the pool."""
    import torch

    score = engine.score
    if score is None:
        return lambda vectors, cosines, near: cosines[:, :NEAREST_COUNTED].mean(dim=1)
    centre = torch.from_numpy(np.array(score.pool.centre, np.float32))
    products = torch.from_numpy(np.array(score.pool.reference_product, np.float32))
    norm = float(centre @ centre)

    def measure(vectors: torch.Tensor, cosines: torch.Tensor, near: torch.Tensor) -> torch.Tensor:
        own = (vectors @ centre)[:, None]
        theirs = products[near] if len(products) else torch.zeros_like(cosines)
        lengths = (1 - 2 * own + norm).clamp_min(LEAST) * (1 - 2 * theirs + norm).clamp_min(LEAST)
        centred = (cosines - own - theirs + norm) / lengths.sqrt()
        counted = min(NEAREST_COUNTED, cosines.shape[1])
        return torch.topk(centred, counted, dim=1).values.mean(dim=1).clamp(-1.0, 1.0)

    return measure
