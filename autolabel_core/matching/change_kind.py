"""What kind of change it is: a new class, a shifted camera, or another mix of the known labels."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]
ChangeKind = Literal["new_class", "shifted_camera", "changed_mix"]

FAR_SHARE = 0.05
"""A document is far off when its similarity is among this lowest share of those before."""
BEYOND_NOISE = 4.0
"""Standard deviations from which documents are less similar than before."""
ONLY_SOME = 0.4
"""From this share of the lower documents that is far off on, the others are as they were."""
MOST = 0.7
"""From this share of lower documents on, most are not as before."""
ONE_CLASS, ONE_CLASS_OF_MOST = 0.7, 0.35
"""Below this spread, from 0 (one class) to 1 (all documents), the far ones are of one class; the
second where most are lower: then hardly any known ones among the far ones spread them."""


@dataclass(frozen=True)
class Sample:
    """Documents before or after a change, n of them.

    Attributes:
        label: (n,) code of the likeliest label, from 0.
        similarity: (n,) to the references.
        vectors: (n, d) rows of unit length.
    """

    label: npt.NDArray[np.int64]
    similarity: Floats
    vectors: Vectors


@dataclass(frozen=True)
class ChangeFigures:
    """How the documents after a change differ from those before.

    Attributes:
        kind: which of the three it is.
        lower: the share that is less similar to the references than before, from 0 to 1: by how
            much more of them lie below the median of the same label before than above it.
        far: the share that is far off, beyond what their labels had before; from 0 to 1.
        spread: of the far ones, from about 0 (as close together as one class) to about 1 (as far
            apart as all documents before); nan with fewer than two.
        far_rows: (f,) rows of the far ones, the farthest first.
    """

    kind: ChangeKind
    lower: float
    far: float
    spread: float
    far_rows: npt.NDArray[np.int64]


def change_figures(before: Sample, after: Sample) -> ChangeFigures:
    """Compare documents with those before them, and tell what kind of change it is.

    A new class: some documents are far from all references, and close to each other; the others
    are as before. A shifted camera: documents of all labels are less similar. A changed mix:
    within each label they are as before, and only its share differs.

    Args:
        before: at least two documents.
        after: at least one.

    Returns:
        The figures.
    """
    ranks, deviations = _ranks_within_labels(before, after)
    # What lies in the middle, as all of a label does that was not there before, counts for neither.
    lower = max(0.0, float(np.mean(ranks < 0.5)) - float(np.mean(ranks > 0.5)))
    limit = np.quantile(before.similarity, FAR_SHARE)
    far_rows = np.flatnonzero(after.similarity < limit)
    far_rows = far_rows[np.argsort(after.similarity[far_rows], kind="stable")]
    usual = _usual_share(before, after, before.similarity < limit)
    far = (len(far_rows) / len(after.label) - usual) / (1.0 - usual)
    noise = sqrt(FAR_SHARE / (1 - FAR_SHARE) * (1 / len(after.label) + 1 / len(before.label)))
    spread = _spread_between(before, after.vectors[far_rows])
    kind: ChangeKind = "changed_mix"
    if deviations >= BEYOND_NOISE or far >= BEYOND_NOISE * noise:
        widest = ONE_CLASS_OF_MOST if lower >= MOST else ONE_CLASS
        is_new = far >= ONLY_SOME * lower and spread < widest
        kind = "new_class" if is_new else "shifted_camera"
    return ChangeFigures(kind, lower, max(far, 0.0), spread, far_rows)


def _usual_share(before: Sample, after: Sample, far: npt.NDArray[np.bool_]) -> float:
    """Return the share of far ones that the labels after the change had before it."""
    labels = int(max(before.label.max(), after.label.max())) + 1
    counts = np.bincount(before.label, minlength=labels)
    # One document more, as far as usual: a label that was not there before has the usual share.
    shares = (np.bincount(before.label[far], minlength=labels) + FAR_SHARE) / (counts + 1)
    return float(shares[after.label].mean())


def _ranks_within_labels(before: Sample, after: Sample) -> tuple[Floats, float]:
    """Rank similarities among those of the same label before; and how many deviations lower.

    Source: Ph. van Elteren (1960), On the combination of independent two-sample tests of Wilcoxon.
    """
    ranks = np.full(len(after.label), 0.5)
    difference = variance = 0.0
    for label in np.unique(after.label).tolist():
        rows = np.flatnonzero(after.label == label)
        known = np.sort(before.similarity[before.label == label])
        if not len(known):
            continue
        values = after.similarity[rows]
        places = np.searchsorted(known, values, "left") + np.searchsorted(known, values, "right")
        ranks[rows] = (places / 2 + 0.5) / (len(known) + 1)
        weight = len(known) * len(rows) / (len(known) + len(rows))
        difference += weight * (0.5 - float(ranks[rows].mean()))
        variance += weight / 12
    return ranks, difference / sqrt(variance) if variance else 0.0


def _spread_between(before: Sample, vectors: Vectors) -> float:
    """Place the spread of vectors (f, d) between that of a class and that of all documents."""
    if len(vectors) < 2:
        return float("nan")
    labels, sizes = np.unique(before.label, return_counts=True)
    shared = [(label, n) for label, n in zip(labels.tolist(), sizes.tolist(), strict=True) if n > 1]
    if not shared or len(before.label) < 2:
        return float("nan")
    of_class = sum(n * _spread(before.vectors[before.label == label]) for label, n in shared)
    one, every = of_class / sum(n for _, n in shared), _spread(before.vectors)
    return float((_spread(vectors) - one) / max(every - one, 1e-9))


def _spread(vectors: Vectors) -> float:
    """Return one less the mean cosine of all pairs of n > 1 rows of unit length."""
    n = len(vectors)
    total = float(np.linalg.norm(vectors.sum(axis=0, dtype=np.float64)) ** 2)
    return 1.0 - (total - n) / (n * (n - 1))
