"""Writes a collection's dataset to a folder, of labelled documents or of boxes."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from autolabel_core.exports import ExportReport, write_export
from autolabel_core.exports.box_formats import write_boxes
from autolabel_core.exports.box_report import BoxExportReport
from autolabel_core.exports.label_exports_table import AnnotationExports
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.tables.boxes.training_set import training_set
from autolabel_core.tables.workspace import OpenCollection


def export_collection(
    collection: OpenCollection,
    fmt: str,
    out: Path,
    label_sources: Collection[str] = (),
    plain: bool = False,
) -> ExportReport | BoxExportReport:
    """Write labelled documents, or of a collection with boxes the reviewed images, to a folder.

    Args:
        collection: opened with its stores.
        fmt: name of a format.
        out: folder that is absent, empty or an earlier export; that one is replaced.
        label_sources: keep only labels from these sources; all but `suggested` when empty.
        plain: leave texts in CSV as they are that a spreadsheet takes for formulas.

    Returns:
        What went in and what was left out.

    Raises:
        AutolabelError: no such format, a folder that is no export, or sources of boxes.
    """
    if collection.declaration.detection is not None:
        if label_sources:
            raise AutolabelError("Sources are about labels; boxes are all of people.")
        return write_boxes(fmt, training_set(collection), out, plain)
    exports = AnnotationExports(collection)
    return write_export(
        fmt, exports.documents(), out, exports.read_object(), list(label_sources) or None, plain
    )
