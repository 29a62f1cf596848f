"""Records in the ledger which annotations an export rests on."""

from __future__ import annotations

import logging
import uuid

from autolabel_core.exports.export_report import ExportReport
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.ledger import Ledger
from autolabel_core.ledger.exports import RecordedExport
from autolabel_core.tables.lost_ledger import noted_annotations
from autolabel_core.tables.made_references import MadeReferences
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.taxonomy_labels import TaxonomyLabels
from autolabel_core.tables.workspace import OpenCollection

LOGGER = logging.getLogger("autolabel")


def record_export(collection: OpenCollection, ledger: Ledger, report: ExportReport) -> None:
    """Record an export that was just written from the tables.

    Where the ledger cannot be written, such as that of a home which is only read, a warning says
    so: the export itself is whole.

    Args:
        collection: what was exported, as it stands or as it stood.
        ledger: where it is recorded.
        report: what was written.
    """
    references = collection.declaration.reference_collection
    names = sorted({collection.name, references or collection.name})
    until = {name: _until(collection, name) for name in names}
    held = [e.event_id for name in names for e in collection.ledger.holding_annotations(name)]
    export = RecordedExport(
        uuid.uuid4().hex,
        collection.name,
        report.format,
        str(report.out.resolve()),
        {
            "documents": report.written,
            "annotations_until": until,
            "labels_digest": fingerprint(sorted(held)),
        },
    )
    try:
        ledger.append_export(export)
    except AutolabelError as error:
        LOGGER.warning(
            "The export is whole, and is not in the ledger, so that `impact` and `revoke` will not "
            "name it: %s",
            error,
        )


def _until(collection: OpenCollection, name: str) -> int:
    """Return the last annotation that the tables know; of stale ones, that of the last sweep.

    A sweep begins with a note of the last annotation, and its tables know what was said since.
    """
    other, ledger = collection.workspace.open(name), collection.ledger
    references = ReferenceSet(other)
    if not (TaxonomyLabels(collection).stale() or references.stale()):
        return ledger.annotation_position(name).last
    noted = noted_annotations(collection.workspace, name)
    made = MadeReferences.load(other, references.version)
    known = [ledger.place_of_annotations(noted)] if noted else []
    known += [made.position.last] if made is not None else []
    return max(known) if known else ledger.annotation_position(name).last
