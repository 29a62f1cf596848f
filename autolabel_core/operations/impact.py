"""Impact: everything that rests on what people said of one document."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from autolabel_core.documents.current_content import ExistingDocuments
from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.labelling.give_labels import GivenLabel, give_labels
from autolabel_core.ledger import Annotation
from autolabel_core.ledger.annotations import standing_annotations
from autolabel_core.operations.dry_run import DryRun, dry_run
from autolabel_core.tables.workspace import OpenCollection


@dataclass(frozen=True)
class CollectionImpact:
    """What rests on a document in one collection.

    Attributes:
        collection: its name.
        auto_labels: keys whose auto-label has the document as evidence, or what was promoted by it.
        without: what would change if nobody had labelled the document.
    """

    collection: str
    auto_labels: list[str]
    without: DryRun


@dataclass(frozen=True)
class Impact:
    """What rests on a document.

    Attributes:
        annotations: what people said of it that stands.
        promoted: keys of the references that were promoted by it, directly or through others.
        collections: its own collection first, then those that it is a reference for.
        models: versions that were trained after it was labelled, and may have learned from it.
    """

    annotations: list[Annotation]
    promoted: list[str]
    collections: list[CollectionImpact]
    models: list[str]


def impact(collection: OpenCollection, key: str) -> Impact:
    """Find everything that rests on the labels of one document; nothing is changed.

    Args:
        collection: that the document lies in.
        key: the document's.

    Returns:
        What rests on it, as the last sweep left it.

    Raises:
        NotFoundError: nobody has labelled such a document, as far as it is there now.
        AutolabelError: documents are boxes.
    """
    if collection.declaration.detection is not None:
        raise AutolabelError(
            f"The documents of `{collection.name}` are boxes; `autolabel impact` is about whole "
            "documents. `autolabel annotations list` shows what was said of boxes."
        )
    document = collection.declaration.document_id(key)
    contents = ExistingDocuments(collection).content_hashes([key])
    events = collection.ledger.annotations(collection.name, document)
    now = {document: contents[key]} if key in contents else {}
    stands = standing_annotations(events, now).get(document, [])
    if not stands:
        raise NotFoundError(
            f"Nobody's label stands on {key!r} in `{collection.name}`, so nothing rests on it. "
            f"`autolabel explain {collection.name} KEY` shows what was said of a document."
        )
    promoted = _promoted_by(document, collection.ledger.annotations(collection.name))
    evidence = {document, *(event.document_id for event in promoted)}
    since = min(annotation.recorded_at for annotation in stands)
    return Impact(
        stands,
        sorted({event.key for event in promoted}),
        [
            CollectionImpact(
                one.name, _resting_on(one, evidence), _without(one, collection.name, key, stands)
            )
            for one in _affected(collection)
        ],
        [
            f"{version.kind} {version.version}"
            for version in collection.ledger.model_versions(collection.name)
            if version.recorded_at > since
        ],
    )


def _promoted_by(document: str, events: Iterable[Annotation]) -> list[Annotation]:
    """Return the promotions whose evidence was a document, or a promotion by it, in order."""
    evidence, found = {document}, []
    for event in events:
        if event.source == "promoted" and event.provenance.get("source_document_id") in evidence:
            evidence.add(event.document_id)
            found.append(event)
    return found


def _affected(collection: OpenCollection) -> list[OpenCollection]:
    """Return the collection, and all others that it is the reference of."""
    others = [
        OpenCollection(collection.workspace, declared)
        for name, declared in sorted(collection.workspace.collections.items())
        if declared.reference_collection == collection.name and name != collection.name
    ]
    return [collection, *others]


def _resting_on(collection: OpenCollection, evidence: set[str]) -> list[str]:
    with Documents(collection, clusters=False).connect() as connection:
        rows = connection.execute(
            "SELECT key FROM documents WHERE label_source = 'auto' "
            "AND list_contains(?, source_document_id) ORDER BY key",
            [sorted(evidence)],
        ).fetchall()
    return [key for (key,) in rows]


def _without(affected: OpenCollection, name: str, key: str, stands: list[Annotation]) -> DryRun:
    """Withdraw in everybody's name, in a copy."""
    people = {annotation.annotator for annotation in stands if not annotation.is_imported}

    def act(copy: OpenCollection) -> None:
        labelled = copy.workspace.open(name)
        for person in sorted(people) or ["impact"]:
            give_labels(labelled, [GivenLabel(key, None)], person, "cli")

    return dry_run(affected, act)[1]
