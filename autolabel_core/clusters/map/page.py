"""Writes the map as HTML: documents and clusters as data, with the script that draws them."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from autolabel_core.clusters.map.thumbnails import Thumbnails
from autolabel_core.foundation.charts.cluster_map import dot_scales
from autolabel_core.foundation.charts.palette import NOISE_COLOUR, cluster_colours

SCRIPTS = ("data.js", "scene.js", "overlay.js", "panel.js", "hands.js")
TEXT_CHARACTERS = 240
REACH_PERCENTILE = 90
_MARKER = re.compile(r"\{\{(\w+)\}\}")
_UNSAFE = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


@dataclass(frozen=True)
class MapCluster:
    """A cluster as the legend shows it."""

    cluster_id: str
    name: str
    summary: str = ""


@dataclass(frozen=True)
class MapPoints:
    """The documents of a map.

    Attributes:
        coordinates: `(n, 2)`, or `(n, 3)`: the third is shown as the size of the dots.
        assigned: `(n,)` index of each document's cluster, -1 for noise.
        keys: `(n,)` of the documents; a selection is copied as keys.
        texts: `(n,)` shown beside the key, may be empty; long ones are cut.
        cosines: `(n,)` to the cluster's centroid, or None where it is not known.
    """

    coordinates: npt.NDArray[np.float32]
    assigned: npt.NDArray[np.int32]
    keys: Sequence[str]
    texts: Sequence[str]
    cosines: npt.NDArray[np.float32] | None = None


def cluster_map_html(
    points: MapPoints,
    clusters: Sequence[MapCluster],
    title: str,
    thumbnails: Thumbnails | None = None,
) -> str:
    """Return the map as one HTML file; it opens from a disk, without a network.

    Whatever names, keys and texts hold, they are shown as text: they enter the page as JSON within
    which no markup can end, and a content security policy lets the page's own script run alone.

    Args:
        points: the documents; rows whose coordinates are not finite lie in the middle.
        clusters: `points.assigned` counts them.
        title: of the page.
        thumbnails: pictures of the documents, in the page or in a folder beside it.

    Returns:
        The file's text, the same for the same input.
    """
    script = '"use strict";\n(() => {\n' + "\n".join(map(_part, SCRIPTS)) + "})();\n"
    style = _part("map.css")
    data = json.dumps(_data(points, clusters, title, thumbnails), ensure_ascii=False)
    filled = {
        "title": html.escape(title),
        "style": style,
        "script": script,
        "style_hash": _hash(style),
        "script_hash": _hash(script),
        "data": data.translate(_UNSAFE),
    }
    return _MARKER.sub(lambda marker: filled[marker[1]], _part("map.html"))


def _part(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _data(
    points: MapPoints,
    clusters: Sequence[MapCluster],
    title: str,
    thumbnails: Thumbnails | None,
) -> dict[str, object]:
    places = unit_places(points.coordinates)
    third = points.coordinates[:, 2] if points.coordinates.shape[1] > 2 else None
    scales = None if third is None else dot_scales(np.nan_to_num(third.astype(np.float64)))
    cosines = None if points.cosines is None else _encoded(points.cosines, np.float32)
    return {
        "title": title,
        "noise_colour": NOISE_COLOUR,
        "places": _encoded(places, np.float32),
        "scales": None if scales is None else _encoded(scales, np.float32),
        "cosines": cosines,
        "assigned": _encoded(points.assigned, np.int32),
        "keys": [_well_formed(key) for key in points.keys],
        "texts": [_well_formed(_shortened(text)) for text in points.texts],
        "clusters": _legend(places, points.assigned, clusters),
        **(thumbnails.data() if thumbnails else {}),
    }


def unit_places(coordinates: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the first two coordinates within -1 and 1, both axes on one scale.

    Args:
        coordinates: `(n, 2)` or more.

    Returns:
        `(n, 2)`; what is not finite is 0.
    """
    flat = coordinates[:, :2].astype(np.float64)
    known = flat[np.isfinite(flat).all(axis=1)]
    low, high = (known.min(axis=0), known.max(axis=0)) if len(known) else (np.zeros(2), np.ones(2))
    half = max(float((high - low).max()) / 2, 1e-12)
    placed = np.nan_to_num((flat - (low + high) / 2) / half, posinf=0.0, neginf=0.0)
    return np.clip(placed, -1.0, 1.0).astype(np.float32)


def _legend(
    places: npt.NDArray[np.float32],
    assigned: npt.NDArray[np.int32],
    clusters: Sequence[MapCluster],
) -> list[dict[str, object]]:
    members = [places[assigned == i].astype(np.float64) for i in range(len(clusters))]
    centres = np.array([np.median(m, axis=0) if len(m) else np.zeros(2) for m in members])
    centres = centres.reshape(-1, 2)
    sizes = np.array([len(m) for m in members], dtype=np.int64)
    return [
        {
            "id": _well_formed(cluster.cluster_id),
            "name": _well_formed(cluster.name),
            "summary": _well_formed(cluster.summary),
            "colour": colour,
            "size": int(size),
            "x": round(float(centre[0]), 5),
            "y": round(float(centre[1]), 5),
            "reach": round(_reach(own, centre), 5),
        }
        for cluster, colour, size, centre, own in zip(
            clusters, cluster_colours(centres, sizes), sizes, centres, members, strict=True
        )
    ]


def _reach(members: npt.NDArray[np.float64], centre: npt.NDArray[np.float64]) -> float:
    """How far nine tenths of the members lie from the middle."""
    far = np.abs(members - centre).max(axis=1) if len(members) else np.ones(1)
    return float(np.percentile(far, REACH_PERCENTILE))


def _encoded(values: npt.NDArray[Any], kind: type[np.generic]) -> str:
    little = np.ascontiguousarray(values, dtype=np.dtype(kind).newbyteorder("<"))
    return base64.b64encode(little.tobytes()).decode()


def _shortened(text: str) -> str:
    words = " ".join(text[: 4 * TEXT_CHARACTERS].split())
    return words if len(words) <= TEXT_CHARACTERS else words[: TEXT_CHARACTERS - 1].rstrip() + "…"


def _well_formed(text: str) -> str:
    """The text with � for halves of characters, which file names may hold and UTF-8 may not."""
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text
