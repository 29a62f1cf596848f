"""From vectors to decisions: exact nearest references, then the rule. All callers use it.

The labels table, `classify` and the servers decide here, so that one picture takes one label, with
the same score and from the same reference, wherever it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autolabel_core.matching.decision import Decisions, Rule, decide
from autolabel_core.matching.nearest import Nearest, nearest

KEPT_NEIGHBOURS = 10
"""So many of the nearest references are looked at for each decision."""
LABELS_TOLD = 3

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Hit:
    """The best reference of one label: its score (cosine, 1 is identical) and its row."""

    label: str
    score: float
    row: int


@dataclass(frozen=True)
class Match:
    """What was decided about one query.

    Attributes:
        label: the best label, matched or not.
        score: cosine to the reference that it comes from, from -1 to 1 (identical).
        row: that reference.
        matched: whether the rule gives the label.
        margin: score minus that of the best reference of any *other* label; may be negative after
            a vote; None where there is no other label.
        top: the best labels, each by its best reference, nearest first.
    """

    label: str
    score: float
    row: int
    matched: bool
    margin: float | None
    top: tuple[Hit, ...]


@dataclass(frozen=True)
class DecisionEngine:
    """Labelled references and the rule that decides by them.

    Attributes:
        references: (r, d) float32 rows of unit length; r may be 0.
        labels: (r,) their labels.
        rule: when a match becomes a label.
    """

    references: Vectors
    labels: npt.NDArray[np.object_]
    rule: Rule

    def decide(self, queries: Vectors) -> Decisions:
        """Decide vectors (q, d) of unit length."""
        return self.decide_neighbours(nearest(queries, self.references, KEPT_NEIGHBOURS))

    def decide_neighbours(self, neighbours: Nearest) -> Decisions:
        """Decide documents whose nearest references (n, k) are known already."""
        return decide(neighbours, self.labels, self.rule)

    def match(self, queries: Vectors, most: int = LABELS_TOLD) -> list[Match]:
        """Decide vectors, each with the labels that come closest.

        Args:
            queries: (q, d) float32 rows of unit length.
            most: how many labels to tell of each, at least 1.

        Returns:
            (q,) one match each: label, score and row are those of `decide`.

        Raises:
            ValueError: there is no reference.
        """
        if not len(self.labels):
            raise ValueError("expected at least one reference, found none")
        neighbours = nearest(queries, self.references, KEPT_NEIGHBOURS)
        decisions = self.decide_neighbours(neighbours)
        matches = []
        for i in range(len(queries)):
            hits = _first_of_each_label(neighbours, i, self.labels)
            hits = self._completed(queries[i : i + 1], hits, max(most, 2))
            matches.append(_match(decisions, i, hits, most))
        return matches

    def _completed(self, query: Vectors, hits: list[Hit], wanted: int) -> list[Hit]:
        """Look further where many near references share few labels; a margin needs two."""
        while len(hits) < wanted:
            rows = np.flatnonzero(~np.isin(self.labels, [hit.label for hit in hits]))
            if not len(rows):
                break
            others = nearest(query, self.references[rows], KEPT_NEIGHBOURS)
            hits += _first_of_each_label(others, 0, self.labels[rows], rows)
        return hits


def _first_of_each_label(
    neighbours: Nearest,
    i: int,
    labels: npt.NDArray[np.object_],
    rows: npt.NDArray[np.intp] | None = None,
) -> list[Hit]:
    hits: dict[str, Hit] = {}
    pairs = zip(neighbours.position[i].tolist(), neighbours.score[i].tolist(), strict=True)
    for position, score in pairs:
        if position >= 0:
            row = position if rows is None else int(rows[position])
            hits.setdefault(labels[position], Hit(labels[position], score, row))
    return list(hits.values())


def _match(decisions: Decisions, i: int, hits: list[Hit], most: int) -> Match:
    label, score = str(decisions.label[i]), float(decisions.confidence[i])
    margin: float | None = float(decisions.margin[i])
    if np.isnan(decisions.margin[i]):
        others = [hit.score for hit in hits if hit.label != label]
        margin = score - others[0] if others else None
    row, matched = int(decisions.position[i]), bool(decisions.matched[i])
    return Match(label, score, row, matched, margin, tuple(hits[:most]))
