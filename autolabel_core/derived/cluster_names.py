"""Names for the clusters that are new in a run; those that were there keep theirs."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from autolabel_core.buckets.objects import StoredObject
from autolabel_core.clusters.naming import (
    ClusterSample,
    NamingContext,
    NamingResult,
    SampleBlob,
    SampleDocument,
    name_clusters,
    representatives,
)
from autolabel_core.declarations import Collection
from autolabel_core.derived.cluster_definition import DefinedClusters
from autolabel_core.derived.cluster_runs import Grouped
from autolabel_core.derived.taxonomy import AppliedTaxonomy
from autolabel_core.documents import Documents
from autolabel_core.errors import UnreadableItemError
from autolabel_core.ledger.store import utc_now
from autolabel_core.texts import decode_text
from autolabel_core.urls import sign_address
from autolabel_core.workspace import Workspace

TEXTS, SAMPLES = 200, 5
"""So many texts of a cluster give its keywords; so many documents stand for it."""

Row = dict[str, Any]


def name_new_clusters(defined: DefinedClusters, grouped: Grouped) -> NamingResult:
    """Name the clusters whose identity has no name yet; whatever a server does, they get one.

    Args:
        defined: the definition.
        grouped: what the run found.

    Returns:
        The names, with what they cost.
    """
    known = defined.history.names
    fresh = [i for i, cluster in enumerate(grouped.ids) if cluster not in known]
    workspace = defined.workspace
    context = NamingContext(
        workspace.paths.cache / "cluster_names",
        datetime.fromisoformat(utc_now()),
        os.environ,
        lambda address: sign_address(workspace, address),
    )
    sampling = _Sampling(defined, grouped)
    samples = [sampling.sample(i) for i in fresh]
    return name_clusters(samples, defined.definition.llm_labeling, context)


class _Sampling:
    """What is known of the documents of a run; read once for all clusters."""

    def __init__(self, defined: DefinedClusters, grouped: Grouped) -> None:
        self._grouped = grouped
        self._workspace = defined.workspace
        self._collections = {c.collection_name: c for c in defined.documents.collections}
        self._sources = {n: defined.workspace.source(c) for n, c in self._collections.items()}
        self._documents = {
            document: row
            for collection in self._collections.values()
            for document, row in _payloads(self._workspace, collection).items()
        }
        declared = defined.definition.llm_labeling
        self._count = declared.max_samples_per_cluster if declared else SAMPLES
        first = defined.documents.collections[0]
        self._is_text = self._workspace.extractor(first).manifest.input == "text"
        own = self._workspace.feature_uri(first)
        comparable = defined.documents.feature_uris == (own,)
        self._taxonomy = AppliedTaxonomy(self._workspace, first) if comparable else None

    def sample(self, node: int) -> ClusterSample:
        """Return what a cluster is named from."""
        members = self._grouped.clustering.nodes[node].members
        centroid = self._grouped.centroids[node]
        vectors = self._grouped.rows.vectors[members]
        standing = members[representatives(vectors, centroid, self._count)]
        labels = Counter(
            str(label) for i in members.tolist() if (label := self._row(i).get("label")) is not None
        )
        central = members[np.argsort(-(vectors @ centroid), kind="stable")][:TEXTS]
        return ClusterSample(
            self._grouped.ids[node],
            len(members),
            [self._document(i) for i in standing.tolist()],
            [text for i in central.tolist() if (text := self._text(i))] if self._is_text else [],
            labels,
            self._nearest(centroid),
        )

    def _row(self, i: int) -> Row:
        return self._documents.get(self._grouped.rows.document_ids[i], {})

    def _document(self, i: int) -> SampleDocument:
        rows = self._grouped.rows
        payload = self._row(i) | ({"text": self._text(i)} if self._is_text else {})
        stored = self._stored(i)
        blobs = () if stored is None else stored.blobs
        sources = tuple(SampleBlob(b.address, b.read, b.type, b.property) for b in blobs)
        return SampleDocument(payload, sources, (), rows.content_hashes[i])

    def _stored(self, i: int) -> StoredObject | None:
        rows = self._grouped.rows
        try:
            return self._sources[rows.collections[i]].open(rows.keys[i])
        except UnreadableItemError:
            return None

    def _text(self, i: int) -> str:
        stored = self._stored(i)
        collection = self._collections[self._grouped.rows.collections[i]]
        mapped = collection.feature_extractor.input_mappings.get("text")
        try:
            return decode_text(stored.input_blob("text", mapped).read()) if stored else ""
        except UnreadableItemError:
            return ""

    def _nearest(self, centroid: Any) -> tuple[str, float] | None:
        if self._taxonomy is None:
            return None
        found = self._taxonomy.all_references
        if not found.rows or found.feature_uri != self._taxonomy.feature_uri:
            return None
        cosine = found.vectors @ centroid
        best = int(np.argmax(cosine))
        return str(found.labels[best]), float(cosine[best])


def _payloads(workspace: Workspace, collection: Collection) -> dict[str, Row]:
    """Return the fields of each document, those of its metadata beside them."""
    names = ("document_id", "key", "label", *collection.fields, "metadata")
    columns = ", ".join(f'"{name}"' for name in names)
    with Documents(workspace, collection, clusters=False).connect() as connection:
        rows = connection.execute(f"SELECT {columns} FROM documents").fetchall()
    return {row[0]: _payload(dict(zip(names, row, strict=True))) for row in rows}


def _payload(row: Row) -> Row:
    metadata = json.loads(row.pop("metadata") or "{}")
    return {**metadata, **{k: v for k, v in row.items() if v is not None}, "metadata": metadata}


def plain_names(found: NamingResult) -> dict[str, Mapping[str, Any]]:
    """Return names as the ledger keeps them."""
    return {
        cluster: {
            "label": name.label,
            "summary": name.summary,
            "keywords": list(name.keywords),
            "confidence": round(float(name.confidence), 6),
            "extra": dict(name.extra),
            "source": name.source,
        }
        for cluster, name in found.names.items()
    }


def costs(found: NamingResult) -> dict[str, Any]:
    """Return what naming cost, and what went wrong."""
    problems: Sequence[str] = found.problems
    return {"usage": dict(found.usage), "problems": list(problems), "merged": dict(found.merged)}
