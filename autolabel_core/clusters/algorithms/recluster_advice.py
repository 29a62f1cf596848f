"""When the figures of a run recommend to group everything anew: thresholds, and the reasons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

MOST_NOISE = 0.5
"""More than half of the documents belong nowhere."""
DEFAULT_ASSIGNMENT_THRESHOLD = 0.5
"""Below the threshold of assignment the average member would not be put to its own cluster."""
LEAST_SILHOUETTE = 0.0
"""The average member is nearer to another cluster than to its own."""
LEAST_ENTROPY = 0.3
"""One cluster has swallowed nearly all."""
MOST_NOISE_RISE = 0.1
MOST_COSINE_FALL = 0.05
MOST_SILHOUETTE_FALL = 0.1
"""The last three compare documents assigned since with the last full run."""


class RunFigures(TypedDict):
    """The figures of a run; None where there are too few clusters for one."""

    silhouette_score: float | None
    mean_cosine_to_centroid: float | None
    noise_ratio: float
    cluster_size_entropy: float


def recluster_reasons(
    now: RunFigures,
    before: RunFigures | None = None,
    assignment_threshold: float = DEFAULT_ASSIGNMENT_THRESHOLD,
) -> tuple[str, ...]:
    """Say why a full run is recommended.

    Args:
        now: the figures of a run.
        before: those of the last full run, where documents were assigned since.
        assignment_threshold: the lowest cosine at which a document is assigned; what a cosine means
            depends on the encoder, so this threshold is the definition's own.

    Returns:
        One sentence for each threshold crossed; empty where none is.
    """
    checks = [
        ("noise_ratio", now["noise_ratio"], MOST_NOISE, 1),
        ("mean_cosine_to_centroid", now["mean_cosine_to_centroid"], assignment_threshold, -1),
        ("silhouette_score", now["silhouette_score"], LEAST_SILHOUETTE, -1),
    ]
    if now["silhouette_score"] is not None:
        checks.append(("cluster_size_entropy", now["cluster_size_entropy"], LEAST_ENTROPY, -1))
    found = [_crossed(name, value, limit, sign) for name, value, limit, sign in checks]
    return tuple(text for text in [*found, *_worse(now, before or {})] if text)


def _crossed(name: str, value: float | None, limit: float, sign: int) -> str:
    if value is None or sign * (value - limit) <= 0:
        return ""
    return f"{name} is {value:.3f}, {'above' if sign > 0 else 'below'} {limit:g}"


def _worse(now: RunFigures, before: RunFigures | Mapping[str, float | None]) -> list[str]:
    limits = {
        "noise_ratio": (MOST_NOISE_RISE, 1),
        "mean_cosine_to_centroid": (MOST_COSINE_FALL, -1),
        "silhouette_score": (MOST_SILHOUETTE_FALL, -1),
    }
    found = []
    for name, (limit, sign) in limits.items():
        value, old = now.get(name), before.get(name)
        if isinstance(value, float) and isinstance(old, float) and sign * (value - old) > limit:
            verb = "rose" if sign > 0 else "fell"
            found.append(f"{name} {verb} from {old:.3f} to {value:.3f}, by more than {limit:g}")
    return found
