"""Every document with its label and how it came by it: a person, a promotion, or the nearest reference.

Relabelling is incremental and exact: each batch keeps its nearest references, and an edit of the
reference set is compared with what was kept. The table is what a full recompute would give, byte for byte.
"""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from autolabel_core.conditions import holds, parse
from autolabel_core.declarations import Collection
from autolabel_core.declarations.loading import find_retriever
from autolabel_core.decision import Decisions, Rule, decide
from autolabel_core.derived.neighbour_state import NeighbourState
from autolabel_core.derived.reference_set import References, ReferenceSet
from autolabel_core.derived.table import DerivedTable, Progress
from autolabel_core.identity import fingerprint
from autolabel_core.matching import Nearest
from autolabel_core.neighbours import published
from autolabel_core.pictures import confidence_histogram
from autolabel_core.statistics import field_distribution
from autolabel_core.warehouse import VectorTable

KEPT = 10
_NEIGHBOURS = pa.list_(pa.struct([("document_id", pa.string()), ("score", pa.float32())]))


class TaxonomyLabels(DerivedTable):
    """One row for each object of a batch, quarantined ones included, ascending by document id."""

    name = "taxonomy_labels"

    @cached_property
    def own(self) -> ReferenceSet:
        """The collection's own annotations and vectors."""
        return ReferenceSet(self.workspace, self.collection)

    @cached_property
    def reference_collection(self) -> Collection | None:
        """The collection whose references label this one; None without a taxonomy."""
        name = self.collection.reference_collection
        return None if name is None else self.workspace.collection(name)

    @cached_property
    def references(self) -> References:
        """The references that label stored documents; none without a taxonomy or on demand only."""
        if self.reference_collection is None or self.on_demand:
            return References([], np.zeros((0, 0), np.float32), self.feature_uri, "none")
        return self.all_references

    @cached_property
    def all_references(self) -> References:
        """The references that count, after the filter of the taxonomy's retriever."""
        found = ReferenceSet(self.workspace, self.reference_collection or self.collection).load()
        conditions = [parse(c) for c in self._retriever_conditions]
        if not conditions:
            return found
        keep = [
            i
            for i, row in enumerate(found.rows)
            if all(holds(c, self._fields_of(row)) for c in conditions)
        ]
        rows = [found.rows[i] for i in keep]
        return References(rows, found.vectors[keep], found.feature_uri, found.version)

    @property
    def feature_uri(self) -> str:
        """The declared feature URI."""
        return self.own.embeddings.extractor.manifest.feature_uri

    @property
    def on_demand(self) -> bool:
        """Whether labels are only computed when asked (`classify`), never stored."""
        return bool(
            self.collection.taxonomy and self.collection.taxonomy.execution_mode == "on_demand"
        )

    @cached_property
    def _retriever_conditions(self) -> list[Any]:
        taxonomy = self.collection.taxonomy
        if taxonomy is None or taxonomy.retriever is None:
            return []
        _, retriever = find_retriever(self.workspace.collections, taxonomy.retriever)
        return retriever.conditions

    def _fields_of(self, row: dict[str, Any]) -> dict[str, Any]:
        """What a reference filter may see: bucket and ledger fields, or the graph would have a circle."""
        label_field = (self.reference_collection or self.collection).label_field
        own = {k: row[k] for k in ("document_id", "key", "label", "label_source", "metadata")}
        return {**row["metadata"], **row["fields"], **own, label_field: row["label"]}

    @cached_property
    def rule(self) -> Rule:
        """When a match becomes a label, from the taxonomy and its retriever."""
        taxonomy = self.collection.taxonomy
        if taxonomy is None:
            return Rule(threshold=1.0)
        search = None
        if taxonomy.retriever is not None:
            search = find_retriever(self.workspace.collections, taxonomy.retriever)[1].search
        return Rule(
            taxonomy.confidence_threshold,
            taxonomy.label_thresholds,
            search.min_score if search else None,
            search.top_k if search else 1,
        )

    def path(self, batch: str) -> Path:
        """Return the file of a batch."""
        return self.warehouse.path(self.collection_name, self.name, f"{batch}.parquet")

    def fingerprint(self, batch: str) -> str | None:
        """Cover objects, vectors, references, own annotations and the rule."""
        raw = self.warehouse.fingerprint(self.own.embeddings.raw.path(batch))
        vectors = self.warehouse.fingerprint(self.own.embeddings.path(batch))
        if raw is None or vectors is None or self.own.changing_over:
            return None
        if self.references.feature_uri != self.feature_uri:
            return None
        return fingerprint(raw, vectors, self._common)

    @cached_property
    def _common(self) -> str:
        own = [
            (a.document_id, a.label, a.source, sorted(a.fields.items()))
            for a in sorted(self.own.annotations.values(), key=lambda a: a.document_id)
        ]
        enrichment = [e.model_dump() for e in self.collection.enrichment]
        rule = [self.rule.threshold, sorted(self.rule.label_thresholds.items())]
        rule += [self.rule.min_score, self.rule.top_k]
        filters = self._retriever_conditions
        fields = self.collection.fields
        rejected = sorted(self._rejections)
        version = self.references.version
        return fingerprint(own, enrichment, fields, rule, filters, rejected, version)

    def build(self, batch: str, fingerprint: str, progress: Progress) -> None:
        """Match, decide, join labels and fields, and write."""
        vectors = self.warehouse.read_vectors(self.own.embeddings.path(batch))
        columns = ["document_id", "key", "content_hash", "media_type", "metadata", "reason"]
        raw = self.warehouse.read_table(self.own.embeddings.raw.path(batch), columns).to_pylist()
        neighbours = self._neighbours(batch, vectors)
        decisions = decide(neighbours, self.references.labels, self.rule)
        table = self._table(raw, vectors, neighbours, decisions)
        self.warehouse.write_table(self.path(batch), table, fingerprint)
        progress(len(raw), len(raw))

    def _neighbours(self, batch: str, vectors: VectorTable) -> Nearest:
        """Return the k nearest other references of each readable document, -1 for the unreadable."""
        slug = self.own.embeddings.folder.name
        state_path = self.warehouse.path(
            self.collection_name, self.name, ".neighbours", slug, f"{batch}.arrow"
        )
        readable = np.flatnonzero(vectors.readable)
        state = NeighbourState.load(state_path)
        state = state.updated(vectors, readable, self.references)
        state.save(state_path)
        place = {row["document_id"]: i for i, row in enumerate(self.references.rows)}
        own = self.collection.reference_collection == self.collection_name
        itself = [place.get(vectors.document_ids[i], -1) if own else -1 for i in readable.tolist()]
        found = published(state.table, np.array(itself, np.int32), KEPT)
        position = np.full((len(vectors.document_ids), KEPT), -1, np.int32)
        score = np.full((len(vectors.document_ids), KEPT), -np.inf, np.float32)
        position[readable], score[readable] = found.position, found.score
        return Nearest(position, score)

    def _table(
        self,
        raw: list[dict[str, Any]],
        vectors: VectorTable,
        neighbours: Nearest,
        decisions: Decisions,
    ) -> pa.Table:
        held = [self.own.annotations.get(row["document_id"]) for row in raw]
        is_held = np.array([a is not None for a in held], bool)
        auto = decisions.matched & ~is_held & ~self._rejected(raw, decisions)
        labels = [
            a.label if a else (decisions.label[i] if auto[i] else None) for i, a in enumerate(held)
        ]
        sources = [a.source if a else ("auto" if auto[i] else None) for i, a in enumerate(held)]
        names = np.array([row["document_id"] for row in self.references.rows], dtype=object)
        matched_ids = [names[decisions.position[i]] if auto[i] else None for i in range(len(raw))]
        columns = {
            "document_id": pa.array([row["document_id"] for row in raw], pa.string()),
            "key": pa.array([row["key"] for row in raw], pa.string()),
            "content_hash": pa.array([row["content_hash"] for row in raw], pa.string()),
            "media_type": pa.array([row["media_type"] for row in raw], pa.string()),
            "label": pa.array(labels, pa.string()),
            "label_source": pa.array(sources, pa.string()),
            "matched": pa.array(auto),
            "confidence": _nullable(decisions.confidence),
            "source_document_id": pa.array(matched_ids, pa.string()),
            "suggested_label": pa.array(decisions.label.tolist(), pa.string()),
            "margin": _nullable(decisions.margin),
            "margin_lower_bound": _nullable(decisions.margin_lower_bound),
            "neighbours": _neighbour_lists(neighbours, names),
            "reason": pa.array(vectors.reasons, pa.string()),
            **self._enriched(raw, held, decisions, auto),
            "metadata": pa.array([row["metadata"] for row in raw], pa.string()),
        }
        return pa.table(columns)

    @cached_property
    def _rejections(self) -> set[tuple[str, str, str]]:
        """Auto-labels that an audit found wrong: they are not given to that content again."""
        verdicts = self.workspace.ledger.audits(self.collection_name)
        latest = {(v.document_id, v.content_hash, v.auto_label): v.verdict for v in verdicts}
        return {judged for judged, verdict in latest.items() if verdict == "wrong"}

    def _rejected(self, raw: list[dict[str, Any]], decisions: Decisions) -> npt.NDArray[np.bool_]:
        judged = zip(raw, decisions.label, strict=True)
        return np.array(
            [(r["document_id"], r["content_hash"], name) in self._rejections for r, name in judged],
            dtype=bool,
        )

    def _enriched(
        self, raw: list[dict[str, Any]], held: list[Any], decisions: Decisions, auto: Any
    ) -> dict[str, pa.Array]:
        """Own value first (annotation, then metadata), else the matched reference's."""
        own_metadata = [json.loads(row["metadata"] or "{}") for row in raw]
        taken = [
            self.enrichment_from(self.references.rows[decisions.position[i]]) if auto[i] else {}
            for i in range(len(held))
        ]
        columns: dict[str, pa.Array] = {}
        for name in self.collection.fields:
            values: list[str | None] = []
            for i, annotation in enumerate(held):
                value = annotation.fields.get(name) if annotation else None
                value = own_metadata[i].get(name) if value is None else value
                value = taken[i].get(name) if value is None else value
                values.append(None if value is None else str(value))
            columns[name] = pa.array(values, pa.string())
        return columns

    def enrichment_from(self, reference: dict[str, Any]) -> dict[str, str | None]:
        """Return the fields that a document takes from its matched reference."""
        own_label = (self.reference_collection or self.collection).label_field
        said = {**reference["fields"], "label": reference["label"], own_label: reference["label"]}
        return {e.target: said.get(e.source) for e in self.collection.enrichment}

    def report(self, batch: str) -> dict[str, Any]:
        """Count labels by source, draw the confidences with the threshold, list the labels."""
        table = self.warehouse.read_table(
            self.path(batch), ["label", "label_source", "confidence", "reason"]
        )
        sources = field_distribution(table["label_source"].to_pylist())
        confidence = table["confidence"].drop_null().to_numpy()
        counts = field_distribution(
            [label for label in table["label"].to_pylist() if label is not None]
        )
        return {
            "documents": table.num_rows,
            **{name: sources.get(name, 0) for name in ("human", "promoted", "auto")},
            "unlabelled": sources.get(None, 0),
            "threshold": self.rule.threshold,
            "confidence histogram": confidence_histogram(
                confidence, self.rule.threshold, self.rule.label_thresholds
            ),
            "labels": [{"label": k, "documents": n} for k, n in sorted(counts.items(), key=str)],
        }


def _nullable(values: npt.NDArray[np.float32]) -> pa.Array:
    return pa.array(values, pa.float32(), from_pandas=True)


def _neighbour_lists(neighbours: Nearest, names: npt.NDArray[np.object_]) -> pa.Array:
    there = neighbours.position >= 0
    offsets = np.concatenate([[0], np.cumsum(there.sum(axis=1))]).astype(np.int32)
    ids = pa.array(names[neighbours.position[there]].tolist() if len(names) else [], pa.string())
    scores = pa.array(neighbours.score[there], pa.float32())
    values = pa.StructArray.from_arrays([ids, scores], ["document_id", "score"])
    return pa.ListArray.from_arrays(pa.array(offsets), values).cast(_NEIGHBOURS)
