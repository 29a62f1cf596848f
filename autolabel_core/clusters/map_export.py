"""Writes the interactive map of a cluster definition to a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from autolabel_core.clusters.algorithms.projection import project
from autolabel_core.clusters.charts import places_of, shown_name
from autolabel_core.clusters.definition_state import DefinitionState
from autolabel_core.clusters.map import (
    MAX_INLINE,
    MapCluster,
    MapPoints,
    Thumbnails,
    cluster_map_html,
)
from autolabel_core.clusters.map.thumbnails import INLINE_SIDE_PX, SIDE_PX, file_name, thumbnail
from autolabel_core.clusters.member_contents import Member, MemberContents, members_of
from autolabel_core.foundation.atomic_files import write_atomically
from autolabel_core.foundation.errors import NotFoundError
from autolabel_core.foundation.parallel import read_in_order
from autolabel_core.storage.typed_rows import rows_as
from autolabel_core.tables.cluster_files import CurrentMember, texts

BLOCK = 2048
Progress = Callable[[int, int], None]
Matrix = npt.NDArray[np.float32]


class WrittenMap(TypedDict):
    """What a map shows, and its size.

    Attributes:
        documents: on the map.
        clusters: in its legend.
        noise: documents of no cluster.
        thumbnails: documents with a picture.
        bytes: of the page.
        folder: the folder of pictures beside it; None where they lie in the page.
    """

    documents: int
    clusters: int
    noise: int
    thumbnails: int
    bytes: int
    folder: str | None


def write_map(
    state: DefinitionState, out: Path, progress: Progress, with_thumbnails: bool = True
) -> WrittenMap:
    """Write the map of everybody as they are now; up to 5,000 thumbnails lie in the page itself.

    More of them lie in the folder `<name>_files` beside it.

    Args:
        state: the definition.
        out: the HTML file.
        progress: told how many documents are done.
        with_thumbnails: whether images are shown; without, the page is made in seconds.

    Returns:
        What was written.

    Raises:
        NotFoundError: there is no run in force.
    """
    if state.last is None or not state.last.complete:
        raise NotFoundError(
            f"`{state.name}` has no clusters yet; `autolabel clusters run "
            f"{state.collection.name}` makes some."
        )
    table = state.collection.workspace.warehouse.read_table(state.files.current)
    rows = rows_as(table, CurrentMember)
    members, contents = members_of(rows), MemberContents(state)
    points = _points(state, rows, members, contents, progress)
    clusters = [
        MapCluster(c, shown_name(state, c), state.history.names.get(c, {}).get("summary") or "")
        for c in state.last.place
    ]
    thumbnails = _thumbnails(members, contents, out, progress) if with_thumbnails else None
    title = f"{state.collection.name}: {state.name}"
    page = cluster_map_html(points, clusters, title, thumbnails)
    write_atomically(out, lambda part: _write(part, page))
    return {
        "documents": len(rows),
        "clusters": len(clusters),
        "noise": int(np.count_nonzero(points.assigned < 0)),
        "thumbnails": sum(file is not None for file in thumbnails.files) if thumbnails else 0,
        "bytes": out.stat().st_size,
        "folder": str(out.parent / thumbnails.folder) if thumbnails and thumbnails.folder else None,
    }


def _points(
    state: DefinitionState,
    rows: list[CurrentMember],
    members: list[Member],
    contents: MemberContents,
    progress: Progress,
) -> MapPoints:
    assert state.last is not None
    place = state.last.place
    shown = []
    for done, text in enumerate(read_in_order(contents.text, members)):
        shown.append(text or _said(contents.fields.get(members[done].document_id, {})))
        progress(done + 1, len(members))
    cosines = [row["cosine_similarity_to_centroid"] for row in rows]
    return MapPoints(
        _places(state, rows),
        np.array([place.get(row["cluster_id"], -1) for row in rows], np.int32),
        [member.key for member in members],
        shown,
        np.nan_to_num(np.array(cosines, dtype=np.float32)),
    )


def _said(fields: dict[str, object]) -> str:
    """What is known of an image in words: its label, or the suggested one."""
    if fields.get("label"):
        return f"{fields['label']} ({fields.get('label_source')})"
    return f"{fields['suggested_label']}?" if fields.get("suggested_label") else ""


def _places(state: DefinitionState, rows: list[CurrentMember]) -> Matrix:
    """Where everybody lies; who came after the run lies with the most similar one of the run."""
    assert state.last is not None
    run = state.last
    placed = places_of(run.members)
    if not len(placed):
        placed = project(run.reduced, "pca", 2, state.definition.seed)
    row_of = {document: i for i, document in enumerate(texts(run.members, "document_id"))}
    fresh = [i for i, row in enumerate(rows) if row["mode"] == "assign"]
    known = np.array([row_of.get(row["document_id"], -1) for row in rows], np.int64)
    known[fresh] = _most_similar(state, [rows[i]["document_id"] for i in fresh], row_of)
    places: Matrix = np.where(known[:, None] >= 0, placed[known], np.nan).astype(np.float32)
    return places


def _most_similar(
    state: DefinitionState, documents: list[str], row_of: dict[str, int]
) -> npt.NDArray[np.int64]:
    """The row of the run that each document is nearest to."""
    found = np.full(len(documents), -1, np.int64)
    here = {document: i for i, document in enumerate(state.documents.rows.document_ids)}
    old = [(here[document], row) for document, row in row_of.items() if document in here]
    if not old:
        return found
    vectors, run_rows = state.documents.rows.vectors, np.array([row for _, row in old])
    known = vectors[[i for i, _ in old]]
    for start in range(0, len(documents), BLOCK):
        block = vectors[[here[document] for document in documents[start : start + BLOCK]]]
        found[start : start + BLOCK] = run_rows[np.argmax(block @ known.T, axis=1)]
    return found


def _thumbnails(
    members: list[Member], contents: MemberContents, out: Path, progress: Progress
) -> Thumbnails | None:
    if "image" not in contents.kinds.values():
        return None
    folder = f"{out.stem}_files" if len(members) > MAX_INLINE else None
    side_px = SIDE_PX if folder else INLINE_SIDE_PX
    beside = out.parent / folder if folder else out.parent
    beside.mkdir(parents=True, exist_ok=True)

    def make(row: int) -> bytes | None:
        data = contents.data(members[row])
        file = None if data is None else thumbnail(data, side_px)
        if folder and file is not None:
            (beside / file_name(row)).write_bytes(file)
            return b""
        return file

    files = []
    for done, file in enumerate(read_in_order(make, range(len(members)))):
        files.append(file)
        progress(done + 1, len(members))
    return Thumbnails(files, folder)


def _write(part: Path, page: str) -> None:
    part.write_text(page, encoding="utf-8")
