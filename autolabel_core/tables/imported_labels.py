"""Labels that objects carry: in their metadata, or in their names. Each is imported as a person's.

A label in the bucket is a person's decision, so it goes to the ledger like any other; it is
imported when it differs from the last one imported for the same content.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autolabel_core.declarations import Collection
from autolabel_core.declarations.conditions.values import text_of
from autolabel_core.declarations.file_name_labels import read_name
from autolabel_core.foundation.errors import AutolabelError, UnreadableItemError
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.foundation.label_names import check_label
from autolabel_core.ledger import Annotation, Ledger

METADATA, FILENAME = "metadata", "filename"


@dataclass(frozen=True)
class Carried:
    """A label, the fields beside it, and whether metadata or the file's name says so."""

    label: str
    origin: str
    fields: Mapping[str, str] = field(default_factory=dict)


def carried_label(collection: Collection, key: str, metadata: Mapping[str, Any]) -> Carried | None:
    """Return the label that an object carries; its metadata goes before its name.

    Args:
        collection: says which field is the label, and whether names are labels.
        key: of the object.
        metadata: of the object.

    Returns:
        The label as `autolabel label` would store it; None where there is none.

    Raises:
        UnreadableItemError: what should be a label is none.
    """
    text = text_of(metadata.get(collection.label_field))
    if text is not None and text.strip():
        try:
            return Carried(check_label(text), METADATA)
        except AutolabelError as error:
            field = collection.label_field
            raise UnreadableItemError(f"its metadata `{field}`: {error}") from error
    if collection.references is None:
        return None
    card = read_name(key, collection.references)
    return Carried(card.name, FILENAME, card.fields)


def import_labels(
    ledger: Ledger, collection: Collection, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Import what differs from the last label imported for the same content.

    Where boxes are documents, what an object carries is about no single one of them.

    Args:
        ledger: where to.
        collection: the declaration.
        rows: of `raw_objects`; quarantined ones are left out.
    """
    if collection.detection is not None:
        return
    found = [(row, said) for row in rows if not row["reason"] and (said := _said(collection, row))]
    if not found:
        return
    imported: dict[tuple[str, str], list[Annotation]] = {}
    for event in ledger.annotations(collection.collection_name):
        if event.origin in (METADATA, FILENAME):
            imported.setdefault((event.document_id, event.content_hash), []).append(event)
    events = []
    for row, said in found:
        before = imported.get((row["document_id"], row["content_hash"]), [])
        if [(e.label, dict(e.fields)) for e in before[-1:]] != [(said.label, said.fields)]:
            events.append(_imported(collection.collection_name, row, said, len(before)))
    ledger.append_annotations(events)


def _said(collection: Collection, row: Mapping[str, Any]) -> Carried | None:
    return carried_label(collection, row["key"], json.loads(row["metadata"]))


def _imported(name: str, row: Mapping[str, Any], said: Carried, ordinal: int) -> Annotation:
    content = (row["document_id"], row["content_hash"])
    return Annotation(
        collection=name,
        document_id=row["document_id"],
        key=row["key"],
        label=said.label,
        content_hash=row["content_hash"],
        annotator=said.origin,
        origin=said.origin,
        fields=said.fields,
        event_id=fingerprint(said.origin, name, *content, ordinal),
    )
