"""What a collection says at one moment: labels, references, rule; and how two moments differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypedDict, TypeVar

from autolabel_core.declarations.rule import rule_of
from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.foundation.json_types import JsonObject
from autolabel_core.models.registry import DETECTOR, HEAD
from autolabel_core.operations.dry_run import DryRun, changes_between
from autolabel_core.tables.applied_taxonomy import AppliedTaxonomy
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.workspace import OpenCollection, Workspace

ALL_LABELS = "(all)"
Value = TypeVar("Value")


class DocumentLabel(NamedTuple):
    """What a document's label is, by whom, and for which content."""

    key: str
    content_hash: str | None
    label: str | None
    source: str | None


class StateSummary(TypedDict):
    """A state in few lines: what was declared, counts, and digests of what they count.

    `thresholds` are those in use, certified ones included, under `(all)` that of all labels; None
    is one that no document can reach. `vocabulary` counts the references of each label.
    """

    rule: JsonObject
    thresholds: Mapping[str, float | None]
    documents: int
    label_sources: Mapping[str, int]
    labels_digest: str
    references: int
    references_digest: str
    vocabulary: Mapping[str, int]
    class_ids: Mapping[str, int]
    models: Mapping[str, str]


@dataclass(frozen=True)
class CollectionState:
    """A collection at one moment.

    Attributes:
        documents: what takes a label, ascending by key.
        references: label and source of each reference, by key.
        rule: what is declared.
        thresholds: in use, by label; None is one that no document can reach.
        class_ids: the number of each class in training data.
        models: version and checksum of what is in service, by kind.
    """

    documents: Sequence[DocumentLabel]
    references: Mapping[str, tuple[str, str]]
    rule: JsonObject
    thresholds: Mapping[str, float | None]
    class_ids: Mapping[str, int]
    models: Mapping[str, str]

    @property
    def vocabulary(self) -> dict[str, int]:
        """How many references each label has, by label."""
        return dict(sorted(Counter(label for label, _ in self.references.values()).items()))

    @property
    def summary(self) -> StateSummary:
        """Counts, and digests that differ where anything does."""
        sources = Counter(document.source or "unlabelled" for document in self.documents)
        return {
            "rule": self.rule,
            "thresholds": self.thresholds,
            "documents": len(self.documents),
            "label_sources": dict(sorted(sources.items())),
            "labels_digest": fingerprint(self.documents),
            "references": len(self.references),
            "references_digest": fingerprint(sorted(self.references.items())),
            "vocabulary": self.vocabulary,
            "class_ids": self.class_ids,
            "models": self.models,
        }


def collection_state(workspace: Workspace, name: str) -> CollectionState:
    """Return the state of a collection as its tables have it.

    Args:
        workspace: the stores.
        name: of the collection.

    Returns:
        The state.
    """
    collection = workspace.open(name)
    with Documents(collection, clusters=False).connect() as connection:
        rows = connection.execute(
            "SELECT key, content_hash, label, label_source FROM documents ORDER BY key"
        ).fetchall()
    references = ReferenceSet(collection).load()
    return CollectionState(
        [DocumentLabel(*row) for row in rows],
        {row["key"]: (row["label"], row["label_source"]) for row in references.rows},
        rule_of(collection.declaration),
        _thresholds(collection),
        collection.ledger.class_ids(name),
        {
            kind: f"{model.version} {model.checksum}"
            for kind in (DETECTOR, HEAD)
            if (model := collection.registry.active(name, kind)) is not None
        },
    )


def _thresholds(collection: OpenCollection) -> dict[str, float | None]:
    if collection.declaration.taxonomy is None:
        return {}
    thresholds = AppliedTaxonomy(collection).rule.thresholds
    stated = {ALL_LABELS: thresholds.default, **dict(sorted(thresholds.per_label.items()))}
    return {label: value if value <= 1 else None for label, value in stated.items()}


@dataclass(frozen=True)
class StateDifference:
    """How a collection differs between two moments; nothing in it means: in nothing.

    Attributes:
        labels: documents whose label or source is another.
        references: references that came, went, or have another label.
        thresholds: before and after, of labels whose threshold is another.
        vocabulary: references before and after, of labels that have another number of them.
        class_ids: before and after, of classes whose number is another.
        models: before and after, of what is in service.
        rule: names of the parts of the declaration that are others.
    """

    labels: DryRun
    references: DryRun
    thresholds: Mapping[str, tuple[float | None, float | None]]
    vocabulary: Mapping[str, tuple[int | None, int | None]]
    class_ids: Mapping[str, tuple[int | None, int | None]]
    models: Mapping[str, tuple[str | None, str | None]]
    rule: Sequence[str]


def difference(before: CollectionState, after: CollectionState) -> StateDifference:
    """Compare two states of a collection.

    Args:
        before: of one moment.
        after: of another.

    Returns:
        What differs.
    """
    labels = [{d.key: (d.label, d.source) for d in one.documents} for one in (before, after)]
    parts = sorted({*before.rule, *after.rule})
    return StateDifference(
        changes_between(*labels),
        changes_between(before.references, after.references),
        _changed(before.thresholds, after.thresholds),
        _changed(before.vocabulary, after.vocabulary),
        _changed(before.class_ids, after.class_ids),
        _changed(before.models, after.models),
        [part for part in parts if before.rule.get(part) != after.rule.get(part)],
    )


def _changed(
    before: Mapping[str, Value], after: Mapping[str, Value]
) -> dict[str, tuple[Value | None, Value | None]]:
    names = sorted({*before, *after})
    pairs = {name: (before.get(name), after.get(name)) for name in names}
    absent = {name for name in names if (name in before) != (name in after)}
    return {n: (old, new) for n, (old, new) in pairs.items() if old != new or n in absent}
