"""Pictures of clusters: the map of the run in force, and a sheet of the largest clusters."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from PIL import Image

from autolabel_core.derived.cluster_artifacts import COORDINATES, texts
from autolabel_core.derived.cluster_definition import DefinedClusters
from autolabel_core.errors import StoreUnavailableError, UnreadableItemError
from autolabel_core.identity import content_hash
from autolabel_core.images import decode_image
from autolabel_core.pictures import contact_sheet
from autolabel_core.pictures.cards import text_card
from autolabel_core.pictures.cluster_map import cluster_map
from autolabel_core.pictures.palette import cluster_colours
from autolabel_core.texts import decode_text

SHEETS, TILES, TILE_PX = 12, 12, 96


def cluster_pictures(one: DefinedClusters) -> dict[str, bytes]:
    """Draw the map of the run in force and a contact sheet of each of its largest clusters.

    Args:
        one: the definition.

    Returns:
        PNG files by name; none before the first run.
    """
    if one.last is None or not one.last.complete:
        return {}
    top = [row for row in one.last.clusters if row["parent_cluster_id"] is None]
    names = [_name(one, row["cluster_id"]) for row in top]
    place = {row["cluster_id"]: i for i, row in enumerate(top)}
    highest = {c: place[line[-1]] for c, line in one.last.lineage.items()}
    members = one.last.members
    assigned = np.array([highest.get(c, -1) for c in texts(members, "cluster_id")], np.int32)
    placed = _placed(members)
    drawn = {"map": cluster_map(placed, assigned, names)} if len(placed) else {}
    sizes = np.array([row["size"] for row in top], np.int64)
    centres = np.array([[row[axis] or 0.0 for axis in COORDINATES[:2]] for row in top], np.float64)
    colours = cluster_colours(centres, sizes)
    for i in np.lexsort((np.arange(len(top)), -sizes))[:SHEETS].tolist():
        if found := _tiles(one, _most_central(members, assigned == i), colours[i]):
            drawn[f"{top[i]['cluster_id']} {names[i]}"] = contact_sheet(found, tile_px=TILE_PX)
    return drawn


def _placed(members: pa.Table) -> npt.NDArray[np.float32]:
    """Return the places on the map, (n, 2) or (n, 3); no rows where there is no map."""
    columns = [members[axis].to_numpy(zero_copy_only=False) for axis in COORDINATES]
    known = [column for column in columns if np.isfinite(column).any()]
    return np.stack(known, axis=1).astype(np.float32) if known else np.zeros((0, 2), np.float32)


def _most_central(members: pa.Table, own: npt.NDArray[np.bool_]) -> list[dict[str, Any]]:
    cosine = members["cosine_similarity_to_centroid"].to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(own)
    nearest = rows[np.argsort(-cosine[rows], kind="stable")][:TILES]
    found: list[dict[str, Any]] = members.take(nearest).to_pylist()
    return found


def _name(one: DefinedClusters, cluster: str) -> str:
    return str(one.history.names.get(cluster, {}).get("label") or cluster)


def _tiles(
    one: DefinedClusters, members: list[dict[str, Any]], colour: str
) -> list[tuple[Image.Image, str, str]]:
    """Return the documents that can still be read as they were grouped, with their cosines."""
    collections = {c.collection_name: c for c in one.documents.collections}
    sources = {name: one.workspace.source(c) for name, c in collections.items()}
    tiles = []
    for row in members:
        declared = collections[row["collection"]]
        kind = one.workspace.extractor(declared).manifest.input
        mapped = declared.feature_extractor.input_mappings.get(kind)
        try:
            data = sources[row["collection"]].open(row["key"]).input_blob(kind, mapped).read()
            if content_hash(data) == row["content_hash"]:
                picture = _picture(data, kind)
                tiles.append((picture, f"{row['cosine_similarity_to_centroid']:.2f}", colour))
        except (UnreadableItemError, StoreUnavailableError):
            continue
    return tiles


def _picture(data: bytes, kind: str) -> Image.Image:
    if kind == "text":
        return text_card(decode_text(data))
    picture = decode_image(data, TILE_PX)
    picture.thumbnail((2 * TILE_PX, 2 * TILE_PX))
    return picture
