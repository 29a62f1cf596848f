"""Charts of clusters: the map of the current run, and a sheet of the largest clusters."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from autolabel_core.clusters.definition_state import DefinitionState
from autolabel_core.clusters.member_contents import MemberContents, members_of
from autolabel_core.foundation.charts import cluster_map, contact_sheet
from autolabel_core.foundation.charts.palette import PALETTE, cluster_colours
from autolabel_core.foundation.charts.text_card import CARD_PX
from autolabel_core.foundation.parallel import read_in_order
from autolabel_core.storage.typed_rows import rows_as
from autolabel_core.tables.cluster_files import COORDINATES, StoredMember, texts

SHEETS, TILES, TILE_PX = 12, 12, 96
"""A report holds sheets of the largest clusters alone, because Dagster keeps every report;
`autolabel clusters sheet` draws any."""


def cluster_pictures(state: DefinitionState) -> dict[str, bytes]:
    """Draw the map of the run in force and a contact sheet of each of its largest clusters.

    Args:
        state: the definition.

    Returns:
        PNG files by name; none before the first run.
    """
    if state.last is None or not state.last.complete:
        return {}
    top = [row for row in state.last.clusters if row["parent_cluster_id"] is None]
    names = [shown_name(state, row["cluster_id"]) for row in top]
    place = {row["cluster_id"]: i for i, row in enumerate(top)}
    highest = {c: place[line[-1]] for c, line in state.last.lineage.items()}
    members = state.last.members
    assigned = np.array([highest.get(c, -1) for c in texts(members, "cluster_id")], np.int32)
    placed = places_of(members)
    drawn = {"map": cluster_map(placed, assigned, names)} if len(placed) else {}
    sizes = np.array([row["size"] for row in top], np.int64)
    centres = np.array([[row["x"] or 0.0, row["y"] or 0.0] for row in top], np.float64)
    colours = cluster_colours(centres, sizes)
    contents = MemberContents(state)
    for i in np.lexsort((np.arange(len(top)), -sizes))[:SHEETS].tolist():
        cluster = top[i]["cluster_id"]
        drawn[f"{cluster} {names[i]}"] = cluster_sheet(state, cluster, contents, colour=colours[i])
    return drawn


def cluster_sheet(
    state: DefinitionState,
    cluster: str,
    contents: MemberContents,
    tiles: int = TILES,
    colour: str = PALETTE[0],
) -> bytes:
    """Draw members of a cluster: the nearest to its centroid, and at the end the furthest.

    Args:
        state: the definition, with a run in force.
        cluster: the cluster's id.
        contents: opens the members; those that cannot be read as they were grouped are left out.
        tiles: how many; a third of them are the furthest.
        colour: of the frames.

    Returns:
        A PNG; beneath each tile are its key and its cosine.
    """
    assert state.last is not None
    lineage, members = state.last.lineage, state.last.members
    own = np.array([cluster in lineage.get(c, ()) for c in texts(members, "cluster_id")])
    chosen = _ends(members, own, tiles)
    texts_alone = set(contents.kinds.values()) == {"text"}
    side_px = CARD_PX if texts_alone else TILE_PX
    pictures = read_in_order(lambda m: contents.picture(m, side_px), members_of(chosen))
    drawn = [
        (picture, f"{row['key']}\n{row['cosine_similarity_to_centroid']:.3f}", colour)
        for row, picture in zip(chosen, pictures, strict=True)
        if picture is not None
    ]
    return contact_sheet(drawn, tile_px=side_px)


def places_of(members: pa.Table) -> npt.NDArray[np.float32]:
    """Return the places on the map, (n, 2) or (n, 3); no rows where there is no map."""
    columns = [members[axis].to_numpy(zero_copy_only=False) for axis in COORDINATES]
    known = [column for column in columns if np.isfinite(column).any()]
    return np.stack(known, axis=1).astype(np.float32) if known else np.zeros((0, 2), np.float32)


def _ends(members: pa.Table, own: npt.NDArray[np.bool_], tiles: int) -> list[StoredMember]:
    cosine = members["cosine_similarity_to_centroid"].to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(own)
    rows = rows[np.argsort(-cosine[rows], kind="stable")]
    if len(rows) > tiles:
        rows = np.concatenate([rows[: tiles - tiles // 3], rows[len(rows) - tiles // 3 :]])
    return rows_as(members.take(rows), StoredMember)


def shown_name(state: DefinitionState, cluster: str) -> str:
    """Return the name of a cluster, or its id where it has none."""
    return str(state.history.names.get(cluster, {}).get("label") or cluster)
