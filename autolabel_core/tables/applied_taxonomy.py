"""A collection's taxonomy at work: when a match becomes a label, which references count."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from autolabel_core.declarations import Collection, Retriever
from autolabel_core.declarations.collections_folder import find_retriever
from autolabel_core.declarations.conditions import Condition, holds, parse
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.matching.decision import Rule
from autolabel_core.matching.decision_engine import DecisionEngine
from autolabel_core.models.extractors import Manifest
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.references import ReferenceRow, ReferenceVectors
from autolabel_core.tables.workspace import Workspace


def check_feature_uri(retriever: Retriever, collection_name: str, space: Manifest) -> None:
    """Refuse a retriever that searches another feature space than a collection has.

    Args:
        retriever: the declaration.
        collection_name: whose vectors it meets.
        space: the manifest behind those vectors.

    Raises:
        AutolabelError: it names another URI.
    """
    wanted = retriever.search.feature_uri if retriever.search else None
    if wanted is not None and not space.answers_to(wanted):
        raise AutolabelError(
            f"The retriever `{retriever.retriever_name}` searches {wanted}, but "
            f"`{collection_name}` has {space.feature_uri}; vectors of two feature URIs are never "
            "compared. Correct `feature_uri`, or leave it out."
        )


class AppliedTaxonomy:
    """What the declaration says about labels, with the references as they are now."""

    def __init__(self, workspace: Workspace, collection: Collection) -> None:
        self.workspace = workspace
        self.collection = collection
        self.space = workspace.extractor(collection).manifest
        self.feature_uri = self.space.feature_uri

    @cached_property
    def reference_collection(self) -> Collection:
        """The collection whose references label this one; itself without a taxonomy."""
        name = self.collection.reference_collection
        return self.collection if name is None else self.workspace.collection(name)

    @property
    def is_unified(self) -> bool:
        """Whether a document may meet itself among the references."""
        return self.reference_collection.collection_name == self.collection.collection_name

    @cached_property
    def rule(self) -> Rule:
        """When a match becomes a label, from the taxonomy and its retriever."""
        taxonomy = self.collection.taxonomy
        if taxonomy is None:
            return Rule(threshold=1.0)
        search = self._retriever.search if self._retriever else None
        return Rule(
            taxonomy.confidence_threshold,
            taxonomy.label_thresholds,
            search.min_score if search else None,
            search.top_k if search else 1,
        )

    @cached_property
    def references(self) -> ReferenceVectors:
        """The references that label stored documents; none without a taxonomy or on demand only."""
        taxonomy = self.collection.taxonomy
        if taxonomy is None or taxonomy.execution_mode == "on_demand":
            nothing = np.zeros((0, 0), np.float32)
            return ReferenceVectors([], nothing, self.feature_uri, "none", self.space.encoder_uri)
        return self.all_references

    @cached_property
    def all_references(self) -> ReferenceVectors:
        """The references that count, after the filter of the taxonomy's retriever."""
        found = ReferenceSet(self.workspace, self.reference_collection).load()
        conditions = [parse(condition) for condition in self._conditions]
        return filter_references(found, conditions, self.reference_collection.label_field)

    @cached_property
    def engine(self) -> DecisionEngine:
        """What decides items that are not stored: the references that count, under the rule."""
        return self.all_references.engine(self.rule)

    def enrichment_from(self, reference: ReferenceRow) -> dict[str, str | None]:
        """Return the fields that a document takes from its matched reference."""
        label_field = self.reference_collection.label_field
        said = {**reference["fields"], **_label_of(reference, label_field)}
        return {e.target: said.get(e.source) for e in self.collection.enrichment}

    @cached_property
    def fingerprint(self) -> str:
        """Cover whatever may change a label: the rule, the filter, the fields, the references."""
        rule = self.rule
        return fingerprint(
            [rule.threshold, sorted(rule.label_thresholds.items()), rule.min_score, rule.top_k],
            self._conditions,
            [e.model_dump() for e in self.collection.enrichment],
            [*self.collection.fields, self.reference_collection.label_field],
            self.references.version,
        )

    @cached_property
    def _retriever(self) -> Retriever | None:
        taxonomy = self.collection.taxonomy
        if taxonomy is None or taxonomy.retriever is None:
            return None
        found = find_retriever(self.workspace.collections, taxonomy.retriever)[1]
        check_feature_uri(found, self.collection.collection_name, self.space)
        return found

    @property
    def _conditions(self) -> list[object]:
        return self._retriever.conditions if self._retriever else []


def filter_references(
    references: ReferenceVectors, conditions: Sequence[Condition], label_field: str
) -> ReferenceVectors:
    """Return the references for which all conditions hold.

    Args:
        references: a collection's.
        conditions: over bucket and ledger fields: a filter that saw more would make the graph a
            circle.
        label_field: the collection's name for the label.

    Returns:
        Those that stay, in their order.
    """
    if not conditions:
        return references
    fields = [_fields_of(row, label_field) for row in references.rows]
    kept = [i for i, row in enumerate(fields) if all(holds(c, row) for c in conditions)]
    return references.only(kept)


def _fields_of(row: ReferenceRow, label_field: str) -> dict[str, object]:
    own = {
        "document_id": row["document_id"],
        "key": row["key"],
        "label_source": row["label_source"],
        "metadata": row["metadata"],
    }
    return {**row["metadata"], **row["fields"], **own, **_label_of(row, label_field)}


def _label_of(row: ReferenceRow, label_field: str) -> dict[str, str]:
    return {"label": row["label"], label_field: row["label"]}
