"""Colours for clusters, distinct for colour-blind people too, and which cluster has which."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

PALETTE = (
    *("#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7"),
    *("#771100", "#770055", "#99cc77", "#cc3344", "#003399", "#0099ff"),
)
"""Source: Okabe and Ito, Color Universal Design, 2008, without black and yellow; then, one by one,
the colour furthest from all before in CIELAB as normal eyes, protanopes, deuteranopes see it."""
NOISE_COLOUR = "#c9cdd2"


def cluster_colours(centres: npt.NDArray[np.float64], sizes: npt.NDArray[np.int64]) -> list[str]:
    """Return a colour for each cluster; where colours run out, a colour comes again far away.

    Args:
        centres: `(k, 2)` where each cluster lies on the map.
        sizes: `(k,)` members; the largest choose first.

    Returns:
        `k` colours of `PALETTE`.
    """
    holders: dict[str, list[int]] = {colour: [] for colour in PALETTE}
    chosen = [""] * len(centres)

    def distance(colour: str, cluster: int) -> float:
        held = centres[holders[colour]]
        return float(np.linalg.norm(held - centres[cluster], axis=1).min()) if len(held) else np.inf

    for cluster in np.argsort(-sizes, kind="stable"):
        colour = max(PALETTE, key=lambda name: distance(name, int(cluster)))
        holders[colour].append(int(cluster))
        chosen[int(cluster)] = colour
    return chosen
