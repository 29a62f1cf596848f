"""From vectors to decisions: nearest references, a score, then the rule. All callers use it.

The labels table, `classify` and the servers decide here, so that one picture takes one label, with
the same score and from the same reference, wherever it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from autolabel_core.matching.decision import Decisions, Rule, decide, decide_ranked
from autolabel_core.matching.nearest import Nearest, nearest, nearest_among_themselves, without
from autolabel_core.matching.scores.fitted import FittedScore

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
        score: the confidence: under `nearest` the cosine with the reference that it comes from,
            from -1 to 1 (identical), else the probability of the label, from 0 to 1; nan where
            there is but one label.
        row: the nearest reference with that label.
        matched: whether the rule gives the label.
        margin: score minus that of the next label; under `nearest` it may be negative after a
            vote; None where there is no other label.
        top: the nearest labels, each by its best reference, nearest first.
        similarity: to the references at all, from -1 to 1.
        probability: of the label, from 0 to 1; None under `nearest`.
    """

    label: str
    score: float
    row: int
    matched: bool
    margin: float | None
    top: tuple[Hit, ...]
    similarity: float | None = None
    probability: float | None = None


@dataclass(frozen=True)
class DecisionEngine:
    """Labelled references and the rule that decides by them.

    Attributes:
        references: (r, d) float32 rows of unit length; r may be 0.
        labels: (r,) their labels.
        rule: when a match becomes a label.
        score: fitted to these references; None where the nearest one decides.
    """

    references: Vectors
    labels: npt.NDArray[np.object_]
    rule: Rule
    score: FittedScore | None = None

    def decide(self, queries: Vectors) -> Decisions:
        """Decide vectors (q, d) of unit length."""
        return self.decide_documents(queries, nearest(queries, self.references, KEPT_NEIGHBOURS))

    def decide_documents(
        self,
        vectors: Vectors,
        neighbours: Nearest,
        own_position: npt.NDArray[np.int32] | None = None,
    ) -> Decisions:
        """Decide documents whose nearest references are known already.

        Args:
            vectors: (n, d) rows of unit length; those without neighbours are not looked at.
            neighbours: (n, k) their nearest references, themselves left out.
            own_position: (n,) where a document is itself a reference, -1 elsewhere. A score decides
                it as it did without it; None: none is.

        Returns:
            The decisions.
        """
        if self.score is None or not len(self.references):
            return decide(neighbours, self.labels, self.rule)
        n = len(vectors)
        own = np.full(n, -1, np.int32) if own_position is None else own_position
        rows = np.flatnonzero(neighbours.position[:, 0] >= 0)
        near = Nearest(neighbours.position[rows], neighbours.score[rows])
        readable = vectors if len(rows) == n else vectors[rows]
        own = own[rows]
        ranked = self.score.rank(readable, near)
        ranked = ranked.replaced(own >= 0, self.score.held_out.at(np.maximum(own, 0)))
        position = self._nearest_of_label(readable, near, ranked.code, own)
        similarity = self.score.pool.similarity(readable, near)
        decided = decide_ranked(
            ranked,
            self.score.label_array,
            position,
            similarity,
            near.score[:, 0],
            replace(self.rule, similarity_threshold=self.similarity_threshold),
        )
        return decided if len(rows) == n else decided.spread(rows, n)

    def decide_references(self) -> Decisions:
        """Decide each reference as a document, itself left out: how well the others know it."""
        others = nearest_among_themselves(self.references, KEPT_NEIGHBOURS)
        own = np.arange(len(self.references), dtype=np.int32)
        return self.decide_documents(self.references, others, own)

    @property
    def similarity_threshold(self) -> float | None:
        """The similarity below which documents are unknown, declared or fitted; None: none is."""
        if self.score is None or self.rule.similarity_threshold is not None:
            return self.rule.similarity_threshold
        return self.score.similarity_threshold

    def _nearest_of_label(
        self,
        vectors: Vectors,
        neighbours: Nearest,
        code: npt.NDArray[np.int32],
        own: npt.NDArray[np.int32],
    ) -> npt.NDArray[np.int32]:
        """Return the nearest reference with a label; searched for where no neighbour has it."""
        assert self.score is not None
        codes = self.score.codes
        same = codes[np.maximum(neighbours.position, 0)] == code[:, None]
        same &= neighbours.position >= 0
        column = same.argmax(axis=1)
        at = np.where(same.any(axis=1), neighbours.position[np.arange(len(code)), column], -1)
        for missing in np.unique(code[(at < 0) & (code >= 0)]).tolist():
            rows = np.flatnonzero((at < 0) & (code == missing))
            candidates = np.flatnonzero(codes == missing).astype(np.int32)
            place = np.full(len(codes) + 1, -1, np.int32)
            place[candidates] = np.arange(len(candidates))
            close = nearest(vectors[rows], self.references[candidates], 2)
            best = without(close, place[own[rows]]).position[:, 0]
            at[rows] = np.where(best >= 0, candidates[best], -1)
        return at.astype(np.int32)

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
        decisions = self.decide_documents(queries, neighbours)
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
    margin = _known(decisions.margin[i])
    others = [hit.score for hit in hits if hit.label != label]
    if margin is None and others:
        margin = score - others[0]
    return Match(
        label,
        score,
        int(decisions.position[i]),
        bool(decisions.matched[i]),
        margin,
        tuple(hits[:most]),
        _known(decisions.similarity[i]),
        _known(decisions.probability[i]),
    )


def _known(value: np.float32) -> float | None:
    return None if np.isnan(value) else float(value)
