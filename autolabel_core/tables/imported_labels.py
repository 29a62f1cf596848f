"""Imports labels from objects' metadata or names, as if a person had given them.

A label in the bucket is a person's decision, so it goes to the ledger like any other; it is
imported when it differs from the last one imported for the same content, and ends when the object
carries none any more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from autolabel_core.declarations import Collection
from autolabel_core.declarations.conditions.values import text_of
from autolabel_core.declarations.file_name_labels import read_name
from autolabel_core.foundation.errors import AutolabelError, UnreadableItemError
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.foundation.json_types import JsonObject
from autolabel_core.foundation.label_names import check_label, is_missing_value
from autolabel_core.ledger import Annotation, Ledger
from autolabel_core.ledger.annotations import FILENAME, METADATA
from autolabel_core.tables.document_table import DocumentRow


@dataclass(frozen=True)
class Carried:
    """A label, the fields beside it, and whether metadata or the file's name says so.

    The label is None where the object carries one no more.
    """

    label: str | None
    origin: str
    fields: Mapping[str, str] = field(default_factory=dict)


def carried_label(collection: Collection, key: str, metadata: JsonObject) -> Carried | None:
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
    if text is not None and text.strip() and not is_missing_value(text):
        try:
            return Carried(check_label(text), METADATA)
        except AutolabelError as error:
            field = collection.label_field
            raise UnreadableItemError(f"its metadata `{field}`: {error}") from error
    if collection.references is None:
        return None
    card = read_name(key, collection.references)
    return Carried(card.name, FILENAME, card.fields)


def import_labels(ledger: Ledger, collection: Collection, rows: Sequence[DocumentRow]) -> None:
    """Import what differs from what was imported last for the same content.

    Where boxes are documents, what an object carries is about no single one of them.

    Args:
        ledger: where to.
        collection: the declaration.
        rows: of `raw_objects`; quarantined ones are left out.
    """
    if collection.detection is not None:
        return
    readable = [(row, _carried(collection, row)) for row in rows if not row["reason"]]
    imported: dict[tuple[str, str], list[Annotation]] = {}
    documents = [row["document_id"] for row, _ in readable]
    for event in ledger.imported_annotations(collection.collection_name, documents):
        imported.setdefault((event.document_id, event.content_hash), []).append(event)
    events = []
    for row, carried in readable:
        before = imported.get((row["document_id"], row["content_hash"] or ""), [])
        events += _changes(collection.collection_name, row, carried, before)
    ledger.append_annotations(events)


def _carried(collection: Collection, row: DocumentRow) -> Carried | None:
    return carried_label(collection, row["key"], json.loads(row["metadata"] or "{}"))


def _changes(
    name: str, row: DocumentRow, carried: Carried | None, before: Sequence[Annotation]
) -> list[Annotation]:
    """Return the event that makes the ledger say what the object carries; none where it does."""
    last = before[-1] if before else None
    if carried is None:
        if last is None or last.action == "withdraw":
            return []
        carried = Carried(None, last.origin)
    elif last is not None and (last.label, dict(last.fields)) == (carried.label, carried.fields):
        return []
    return [_imported(name, row, carried, len(before))]


def _imported(name: str, row: DocumentRow, carried: Carried, ordinal: int) -> Annotation:
    content = (row["document_id"], row["content_hash"] or "")
    return Annotation(
        collection=name,
        document_id=row["document_id"],
        key=row["key"],
        label=carried.label,
        action="withdraw" if carried.label is None else "label",
        content_hash=content[1],
        annotator=carried.origin,
        origin=carried.origin,
        fields=carried.fields,
        event_id=fingerprint(carried.origin, name, *content, ordinal),
    )
