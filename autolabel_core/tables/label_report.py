"""The report on a batch's labels: counts, confidences, some pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import pyarrow as pa

from autolabel_core.declarations.zero_shot import SUGGESTED
from autolabel_core.foundation.errors import StoreUnavailableError
from autolabel_core.foundation.json_types import Report
from autolabel_core.foundation.statistics import coverage, field_distribution, quantiles
from autolabel_core.matching.decision import Rule
from autolabel_core.storage.typed_rows import rows_as
from autolabel_core.tables.document_table import DocumentRow, DocumentTable

if TYPE_CHECKING:
    from PIL import Image

PEOPLES, MOST_CONFIDENT, LEAST_CONFIDENT, UNLABELLED = 4, 8, 8, 4
TILE_PX = 96
ABOVE_ALL = 1.05
"""Where the threshold of what is not given at all is drawn."""
FIGURE_COLUMNS = ("label", "label_source", "confidence", "reason")
PICTURE_COLUMNS = ("document_id", "content_hash", "suggested_label", *FIGURE_COLUMNS)


class LabelRow(TypedDict):
    """What a picture of a labelled document needs: PICTURE_COLUMNS as a type."""

    document_id: str
    content_hash: str
    suggested_label: str | None
    label: str | None
    label_source: str | None
    confidence: float | None
    reason: str | None


def label_report(table: pa.Table, rule: Rule) -> Report:
    """Count the labels of a batch, by source and by label; proposals by name are no labels.

    Args:
        table: documents with FIGURE_COLUMNS.
        rule: decided them.

    Returns:
        The report by name.
    """
    import pyarrow.compute as pc

    is_proposed = pc.is_in(table["label_source"], value_set=pa.array([SUGGESTED]))
    decided = table.filter(pc.invert(is_proposed))
    counts = field_distribution(decided["label"].drop_null().to_pylist())
    suggested = table.num_rows - decided.num_rows
    return {
        **label_figures(table),
        **({"suggested": suggested} if suggested else {}),
        "threshold": rule.thresholds.common,
        "labels": [{"label": k, "documents": n} for k, n in sorted(counts.items(), key=str)],
    }


def label_figures(table: pa.Table) -> dict[str, int | float | None]:
    """Return the numbers that tell how labelling fares; Dagster plots them over materializations.

    Args:
        table: documents with FIGURE_COLUMNS.

    Returns:
        documents, human, promoted, auto, unlabelled, coverage (of the readable documents that no
        person labelled, the share with an auto-label), review queue (readable, without a label),
        quarantined share, median confidence (of those that no person labelled).
    """
    import pyarrow.compute as pc

    sources = field_distribution(table["label_source"].to_pylist())
    human, promoted, auto = (sources.get(name, 0) for name in ("human", "promoted", "auto"))
    readable = table["reason"].null_count
    left = max(readable - human - promoted, 0)
    by_people = pc.is_in(table["label_source"], value_set=pa.array(["human", "promoted"]))
    confidence = table["confidence"].filter(pc.invert(by_people)).drop_null()
    return {
        "documents": table.num_rows,
        "human": human,
        "promoted": promoted,
        "auto": auto,
        "unlabelled": sources.get(None, 0),
        "coverage": coverage(auto, left),
        "review queue": max(left - auto, 0),
        "quarantined share": coverage(table.num_rows - readable, table.num_rows),
        "median confidence": quantiles(confidence.to_numpy(), (0.5,)).get(0.5),
    }


def label_pictures(table: pa.Table, rule: Rule, images: DocumentTable | None) -> dict[str, bytes]:
    """Draw the confidences of a batch with the threshold; of images some documents too.

    Args:
        table: documents with PICTURE_COLUMNS.
        rule: decided them.
        images: gives the pictures; None where the documents are no images.

    Returns:
        PNG files by name.
    """
    from autolabel_core.foundation.charts import confidence_histogram

    confidence = table["confidence"].drop_null().to_numpy()
    common = rule.thresholds.common
    threshold = ABOVE_ALL if common is None else common
    drawn = {
        "confidence histogram": confidence_histogram(confidence, threshold, rule.label_thresholds)
    }
    if images is not None:
        drawn["contact sheet"] = _sheet(images, chosen_for_sheet(rows_as(table, LabelRow)))
    return drawn


def chosen_for_sheet(rows: list[LabelRow]) -> list[LabelRow]:
    """Choose documents to look at: people's, the surest and least sure auto-labels, some left.

    Args:
        rows: documents; those with a reason have no picture.

    Returns:
        At most 24 of them: people's labels first, then auto-labels by falling confidence, then
        unlabelled ones, the nearest to a label first.
    """
    readable = [row for row in rows if row["reason"] is None]
    people = [row for row in readable if row["label_source"] in ("human", "promoted")]
    auto = sorted((row for row in readable if row["label_source"] == "auto"), key=_least_sure_last)
    undecided = (row for row in readable if row["label_source"] in (None, SUGGESTED))
    left = sorted(undecided, key=_least_sure_last)
    surest, rest = auto[:MOST_CONFIDENT], auto[MOST_CONFIDENT:]
    return [*people[:PEOPLES], *surest, *rest[-LEAST_CONFIDENT:], *left[:UNLABELLED]]


def _least_sure_last(row: LabelRow) -> float:
    return 2.0 if row["confidence"] is None else -row["confidence"]


def _sheet(items: DocumentTable, rows: list[LabelRow]) -> bytes:
    """Draw the documents that can still be read as they were labelled; the others are left out."""
    from autolabel_core.foundation.charts import SOURCE_COLOURS, contact_sheet

    stored = {row["document_id"]: row for row in items.rows_of({r["document_id"] for r in rows})}
    tiles = []
    for row in rows:
        document = stored.get(row["document_id"])
        if document is None or document["content_hash"] != row["content_hash"]:
            continue
        picture = _picture(items, document)
        if picture is not None:
            tiles.append((picture, _caption(row), SOURCE_COLOURS[row["label_source"]]))
    return contact_sheet(tiles, tile_px=TILE_PX)


def _picture(items: DocumentTable, row: DocumentRow) -> Image.Image | None:
    from PIL import Image

    try:
        picture = next(items.decoded([row], TILE_PX))
    except StoreUnavailableError:
        return None
    if not isinstance(picture, Image.Image):
        return None
    picture.thumbnail((2 * TILE_PX, 2 * TILE_PX))
    return picture


def _caption(row: LabelRow) -> str:
    confidence = "" if row["confidence"] is None else f" {row['confidence']:.2f}"
    if row["label_source"] in (None, SUGGESTED):
        return f"{row['suggested_label'] or 'unlabelled'}?{confidence}"
    return f"{row['label']}{confidence if row['label_source'] == 'auto' else ''}"
