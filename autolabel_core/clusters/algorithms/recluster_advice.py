"""Finds what is odd about a run, and recommends a full run when one is due."""

from __future__ import annotations

from typing import TypedDict

from autolabel_core.foundation.statistics import wilson_interval

MOST_NOISE = 0.5
"""More than half of the documents belong nowhere."""
LEAST_SILHOUETTE = 0.0
"""The average member is nearer to another cluster than to its own."""
LEAST_ENTROPY = 0.3
"""One cluster has swallowed nearly all."""
FEWEST_NEW = 20
"""So few new documents tell nothing."""
MOST_NOISE_RISE = 0.1
MOST_COSINE_FALL = 0.05
MOST_GROWTH = 1.0
"""New documents over those of the run: with more of them the run knows the lesser part."""


class RunFigures(TypedDict):
    """The figures of a run; None where there are too few clusters for one."""

    silhouette_score: float | None
    mean_cosine_to_centroid: float | None
    noise_ratio: float
    cluster_size_entropy: float


class NewDocuments(TypedDict):
    """The documents that came, or changed, since a run.

    Attributes:
        count: how many there are.
        noise: how many of them are near enough to no cluster.
        mean_cosine_to_centroid: of the others, from -1 to 1; None where there are none.
    """

    count: int
    noise: int
    mean_cosine_to_centroid: float | None


def quality_remarks(
    figures: RunFigures, assignment_threshold: float | None = None
) -> tuple[str, ...]:
    """Say what is odd about a run; the same documents would give it again by this declaration.

    Args:
        figures: those of the run.
        assignment_threshold: the lowest cosine at which a document is assigned; None where it is
            taken from the run.

    Returns:
        One sentence for each threshold crossed; empty where none is.
    """
    checks = [
        ("noise_ratio", figures["noise_ratio"], MOST_NOISE, 1),
        ("silhouette_score", figures["silhouette_score"], LEAST_SILHOUETTE, -1),
    ]
    if assignment_threshold is not None:
        cosine = figures["mean_cosine_to_centroid"]
        checks.append(("mean_cosine_to_centroid", cosine, assignment_threshold, -1))
    if figures["silhouette_score"] is not None:
        entropy = figures["cluster_size_entropy"]
        checks.append(("cluster_size_entropy", entropy, LEAST_ENTROPY, -1))
    return tuple(filter(None, (_crossed(*check) for check in checks)))


def recluster_reasons(
    noise_ratio: float, mean_cosine: float | None, documents: int, new: NewDocuments
) -> tuple[str, ...]:
    """Say why a full run is recommended: the documents that came since do not fit the clusters.

    Args:
        noise_ratio: share of noise in the run, from 0 to 1.
        mean_cosine: mean cosine to the centroid in the run; None without clusters.
        documents: how many the run grouped.
        new: the documents that came since.

    Returns:
        One sentence for each reason; empty where a full run would hardly say anything else.
    """
    count = new["count"]
    if count < FEWEST_NEW:
        return ()
    reasons = []
    if wilson_interval(new["noise"], count)[0] > noise_ratio + MOST_NOISE_RISE:
        reasons.append(
            f"{new['noise']} of {count} documents that came since belong to no cluster "
            f"({new['noise'] / count:.0%}), of those in the run {noise_ratio:.0%}"
        )
    cosine = new["mean_cosine_to_centroid"]
    if cosine is not None and mean_cosine is not None and mean_cosine - cosine > MOST_COSINE_FALL:
        reasons.append(
            f"the mean cosine to the centroid fell from {mean_cosine:.3f} in the run to "
            f"{cosine:.3f} of the documents that came since"
        )
    if count > MOST_GROWTH * documents:
        reasons.append(f"{count} documents came since, more than the {documents} of the run")
    return tuple(reasons)


def _crossed(name: str, value: float | None, limit: float, sign: int) -> str:
    if value is None or sign * (value - limit) <= 0:
        return ""
    return f"{name} is {value:.3f}, {'above' if sign > 0 else 'below'} {limit:g}"
