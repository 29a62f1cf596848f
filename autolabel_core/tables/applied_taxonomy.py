"""A collection's taxonomy in use: when a match becomes a label, and which references count."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from autolabel_core.declarations import Collection, Retriever
from autolabel_core.declarations.collections_folder import find_retriever
from autolabel_core.declarations.conditions import parse
from autolabel_core.declarations.target_precision import TargetPrecision
from autolabel_core.declarations.taxonomy import Taxonomy
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.foundation.json_types import Scalar
from autolabel_core.matching.decision import Rule
from autolabel_core.matching.decision_engine import DecisionEngine
from autolabel_core.matching.scores.fitted import FittedScore
from autolabel_core.matching.thresholds import Thresholds
from autolabel_core.models.extractors import Manifest
from autolabel_core.tables.certificates import (
    Certificate,
    certificates,
    certified_thresholds,
)
from autolabel_core.tables.reference_filter import filter_references
from autolabel_core.tables.reference_rows import ReferenceRow
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.references import ReferenceVectors
from autolabel_core.tables.score_fitting import FORMAT as SCORE_FORMAT
from autolabel_core.tables.score_fitting import fitted_score, pool_centre
from autolabel_core.tables.workspace import OpenCollection

FORMAT = 3
"""Of the fields of labelled documents; another number has all labels written anew."""


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

    def __init__(self, collection: OpenCollection) -> None:
        self.collection = collection
        self.space = collection.extractor.manifest
        self.feature_uri = self.space.feature_uri

    @cached_property
    def reference_collection(self) -> Collection:
        """The collection whose references label this one; itself without a taxonomy."""
        name = self.collection.declaration.reference_collection
        return (
            self.collection.declaration
            if name is None
            else self.collection.workspace.collection(name)
        )

    @property
    def is_unified(self) -> bool:
        """Whether a document may meet itself among the references."""
        return self.reference_collection.collection_name == self.collection.name

    @cached_property
    def rule(self) -> Rule:
        """When a match becomes a label, from the taxonomy and its retriever."""
        taxonomy = self.collection.declaration.taxonomy
        if taxonomy is None:
            return Rule(threshold=1.0)
        thresholds = self._thresholds(taxonomy)
        search = self._retriever.search if self._retriever else None
        return Rule(
            thresholds.default,
            thresholds.per_label,
            search.min_score if search else None,
            search.top_k if search else 1,
            taxonomy.score,
            taxonomy.similarity_threshold,
        )

    def _thresholds(self, taxonomy: Taxonomy) -> Thresholds:
        """Return those of the declaration, or what people's verdicts have certified."""
        declared = taxonomy.confidence_threshold
        if isinstance(declared, TargetPrecision):
            return certified_thresholds(self.certificates)
        return Thresholds(taxonomy.lowest_confidence, taxonomy.label_thresholds)

    @cached_property
    def certificates(self) -> list[Certificate]:
        """What is drawn for the declared target under this rule; none where none is declared."""
        taxonomy = self.collection.declaration.taxonomy
        if taxonomy is None or taxonomy.target is None:
            return []
        return certificates(self.collection, self.rule_version, taxonomy.target)

    @cached_property
    def rule_version(self) -> str:
        """Cover what suggests a label and how sure it is: all of the rule but its thresholds.

        The middle of the pool is not covered: it moves with every upload while the first batch is
        open, and what is unknown hardly moves with it.
        """
        taxonomy = self.collection.declaration.taxonomy
        search = self._retriever.search if self._retriever else None
        return fingerprint(
            [search.min_score if search else None, search.top_k if search else 1],
            [taxonomy.score, taxonomy.similarity_threshold, SCORE_FORMAT] if taxonomy else [],
            self._conditions,
            [self.references_version, self.space.encoder_uri],
        )

    @cached_property
    def references(self) -> ReferenceVectors:
        """The references that label stored documents; none without a taxonomy or on demand only."""
        taxonomy = self.collection.declaration.taxonomy
        if taxonomy is None or taxonomy.execution_mode == "on_demand":
            nothing = np.zeros((0, 0), np.float32)
            return ReferenceVectors([], nothing, self.feature_uri, "none", self.space.encoder_uri)
        return self.all_references

    @cached_property
    def references_version(self) -> str:
        """The version of `references`, without reading them."""
        taxonomy = self.collection.declaration.taxonomy
        if taxonomy is None or taxonomy.execution_mode == "on_demand":
            return "none"
        return self.reference_set.version

    @property
    def references_encoder(self) -> str:
        """The encoder behind `references`, without reading them."""
        if self.references_version == "none":
            return self.space.encoder_uri
        return self.reference_set.encoder_uri

    @property
    def reference_count(self) -> int:
        """How many references count; they are read only where a filter chooses among them."""
        if self._conditions:
            return len(self.all_references.rows)
        return self.reference_set.count

    @property
    def reference_set(self) -> ReferenceSet:
        """The table of all references, before any filter."""
        return ReferenceSet(OpenCollection(self.collection.workspace, self.reference_collection))

    @cached_property
    def all_references(self) -> ReferenceVectors:
        """The references that count, after the filter of the taxonomy's retriever."""
        references = self.reference_set.load()
        conditions = [parse(condition) for condition in self._conditions]
        return filter_references(references, conditions, self.reference_collection.label_field)

    @cached_property
    def engine(self) -> DecisionEngine:
        """What decides items that are not stored: the references that count, under the rule."""
        return self.all_references.engine(self.rule, self.score)

    @property
    def stored_engine(self) -> DecisionEngine:
        """What decides stored documents: nothing, where they are labelled on demand only."""
        return self.references.engine(self.rule, self.score if self.references.rows else None)

    @cached_property
    def score(self) -> FittedScore | None:
        """The score fitted to the references; None where the nearest decides, or there is none."""
        if self.rule.score == "nearest":
            return None
        return fitted_score(self.collection, self.rule.score, self.all_references, self._conditions)

    @cached_property
    def probabilities(self) -> FittedScore | None:
        """What says how probable labels are: the score that decides, or else the probe.

        None where nothing is labelled.
        """
        if self.rule.score != "nearest":
            return self.score
        return fitted_score(
            self.collection, "probe", self.all_references, self._conditions, "doubt"
        )

    def enrichment_from(self, reference: ReferenceRow) -> dict[str, Scalar | None]:
        """Return the fields that a document takes from its matched reference."""
        label_field = self.reference_collection.label_field
        label = reference["label"]
        values = {**reference["fields"], "label": label, label_field: label}
        return {e.target: values.get(e.source) for e in self.collection.declaration.enrichment}

    @cached_property
    def fingerprint(self) -> str:
        """Cover whatever may change a label: what is declared, and the references."""
        return fingerprint(self.declared, self.references_version)

    @cached_property
    def declared(self) -> str:
        """Cover the rule, the filter and the fields."""
        rule = self.rule
        return fingerprint(
            [rule.threshold, sorted(rule.label_thresholds.items()), rule.min_score, rule.top_k],
            [rule.score, rule.similarity_threshold],
            [] if rule.score == "nearest" else pool_centre(self.collection),
            self._conditions,
            [e.model_dump() for e in self.collection.declaration.enrichment],
            [*self.collection.declaration.fields, self.reference_collection.label_field],
            FORMAT,
        )

    @cached_property
    def _retriever(self) -> Retriever | None:
        taxonomy = self.collection.declaration.taxonomy
        if taxonomy is None or taxonomy.retriever is None:
            return None
        retriever = find_retriever(self.collection.workspace.collections, taxonomy.retriever)[1]
        check_feature_uri(retriever, self.collection.name, self.space)
        return retriever

    @property
    def _conditions(self) -> list[object]:
        return self._retriever.conditions if self._retriever else []
