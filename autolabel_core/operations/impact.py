"""Impact: everything that rests on what people said of one document, or on one annotation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from autolabel_core.documents.current_content import ExistingDocuments
from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.labelling.descendants import descendants_of
from autolabel_core.labelling.give_labels import GivenLabel, give_labels
from autolabel_core.labelling.revocation import (
    RevocationFilter,
    find_annotation,
    revoke,
)
from autolabel_core.ledger import Annotation, effective_annotations
from autolabel_core.ledger.annotations import standing_annotations
from autolabel_core.ledger.revocations import in_force
from autolabel_core.operations.dependents import Dependents, dependents
from autolabel_core.operations.dry_run import DryRun, dry_run
from autolabel_core.tables.workspace import OpenCollection, Workspace


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
    """What rests on a document or an annotation.

    Attributes:
        annotations: what people said of the document that stands, or the one annotation.
        descendants: promotions by it and copies that moved with their object, directly or through
            others.
        collections: its own collection first, then those that it is a reference for.
        dependents: exports that were written from it, and models that were trained on it.
    """

    annotations: list[Annotation]
    descendants: list[Annotation]
    collections: list[CollectionImpact]
    dependents: Dependents

    @property
    def promoted(self) -> list[str]:
        """Keys of the references that were promoted by it, ascending."""
        return sorted({event.key for event in self.descendants if event.source == "promoted"})

    @property
    def moved(self) -> list[str]:
        """Keys that it moved to with its object, ascending."""
        return sorted({event.key for event in self.descendants if event.moved_from is not None})


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
    history = collection.ledger.annotation_history(collection.name)
    rest_on_it = descendants_of(history, {event.event_id for event in stands})
    people = {annotation.annotator for annotation in stands if not annotation.is_imported}

    def withdraw(copy: OpenCollection) -> None:
        labelled = copy.workspace.open(collection.name)
        for person in sorted(people) or ["impact"]:
            give_labels(labelled, [GivenLabel(key, None)], person, "cli")

    return _impact(collection, stands, rest_on_it, {document}, withdraw)


def impact_of_annotation(workspace: Workspace, event_id: str) -> Impact:
    """Find everything that rests on one annotation; nothing is changed.

    Args:
        workspace: the stores.
        event_id: the annotation's, or at least 6 characters that it begins with.

    Returns:
        What rests on it, and what would change if it were revoked, as the last sweep left it.
    """
    annotation = find_annotation(workspace.ledger, event_id)
    collection = workspace.open(annotation.collection)
    history = workspace.ledger.annotation_history(collection.name)
    rest_on_it = descendants_of(history, {annotation.event_id})
    about_it = [e for e in in_force(history) if e.document_id == annotation.document_id]
    now = {annotation.document_id: annotation.content_hash}
    held = effective_annotations(about_it, now).get(annotation.document_id)
    holds = held is not None and held.event_id == annotation.event_id

    def take_back(copy: OpenCollection) -> None:
        wanted = RevocationFilter(event_ids=frozenset({annotation.event_id}))
        revoke(copy.ledger, [collection.name], wanted, "impact")

    evidence = {annotation.document_id} if holds else set()
    return _impact(collection, [annotation], rest_on_it, evidence, take_back)


def _impact(
    collection: OpenCollection,
    annotations: list[Annotation],
    rest_on_it: list[Annotation],
    evidence: set[str],
    undo: Callable[[OpenCollection], None],
) -> Impact:
    evidence = evidence | {event.document_id for event in rest_on_it}
    return Impact(
        annotations,
        rest_on_it,
        [
            CollectionImpact(one.name, _resting_on(one, evidence), dry_run(one, undo)[1])
            for one in referring(collection)
        ],
        dependents(collection.ledger, [*annotations, *rest_on_it]),
    )


def referring(collection: OpenCollection) -> list[OpenCollection]:
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
