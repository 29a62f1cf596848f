"""Gathers what clusters are named from, and names those that have no name yet."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt

from autolabel_core.clusters.definition_state import DefinitionState
from autolabel_core.clusters.documents import VectorRows
from autolabel_core.clusters.member_contents import Member, MemberContents
from autolabel_core.clusters.naming import (
    ClusterSample,
    NamingContext,
    NamingResult,
    SampleDocument,
    name_clusters,
    representatives,
)
from autolabel_core.clusters.naming.merge_names import Embed
from autolabel_core.clusters.naming.name_clusters import hashed_vectors
from autolabel_core.clusters.run_result import RunResult
from autolabel_core.declarations.zero_shot import SUGGESTED, ZeroShot
from autolabel_core.documents.content_urls import sign_address
from autolabel_core.foundation.json_types import plain_json
from autolabel_core.ledger.clusters import NamingUsage, StoredName
from autolabel_core.ledger.store import utc_now
from autolabel_core.matching.zero_shot import name_vectors, nearest_names
from autolabel_core.models.extractors import embed_texts_checked, embeds_texts
from autolabel_core.tables.applied_taxonomy import AppliedTaxonomy
from autolabel_core.tables.cluster_files import RunFiles
from autolabel_core.tables.workspace import OpenCollection

TEXTS, SAMPLES = 200, 5
"""So many texts of a cluster give its keywords; so many documents stand for it."""


@dataclass(frozen=True)
class ClustersToName:
    """The clusters that may want names, as a run found them.

    Attributes:
        rows: the n documents.
        members: rows of each cluster by its id, those of its sub-clusters among them.
        centroids: (k, d) of unit length, in the order of `members`.
    """

    rows: VectorRows
    members: Mapping[str, npt.NDArray[np.int64]]
    centroids: npt.NDArray[np.float32]

    @classmethod
    def of(cls, grouped: RunResult) -> ClustersToName:
        """Take them from a run that is not written yet."""
        nodes = zip(grouped.ids, grouped.clustering.nodes, strict=True)
        members = {cluster: node.members for cluster, node in nodes}
        return cls(grouped.rows, members, grouped.centroids)

    @classmethod
    def of_files(cls, files: RunFiles, rows: VectorRows) -> ClustersToName:
        """Take them from a run in force over the same documents."""
        place = {document: i for i, document in enumerate(rows.document_ids)}
        members = {
            cluster: np.array([place[d] for d in documents if d in place], np.int64)
            for cluster, documents in files.documents.items()
        }
        return cls(rows, members, files.centroids)


def name_new_clusters(defined: DefinitionState, clusters: ClustersToName) -> NamingResult:
    """Name the clusters that have no name yet, or one that a server was to give and could not.

    Whatever a server does, they get one.

    Args:
        defined: the definition.
        clusters: all clusters; those that have names tell the keywords of the others apart.

    Returns:
        The new names, with what they cost.
    """
    workspace = defined.collection.workspace
    context = NamingContext(
        workspace.paths.cache / "cluster_names",
        datetime.fromisoformat(utc_now()),
        os.environ,
        partial(sign_address, workspace),
        _embedding(defined),
    )
    wanted = [cluster for cluster in clusters.members if _lacks_name(defined, cluster)]
    sampling = _Sampling(defined, clusters)
    samples = [sampling.sample(cluster) for cluster in clusters.members] if wanted else []
    names = defined.history.names
    taken = [names[c]["label"] for c in clusters.members if c in names and c not in wanted]
    return name_clusters(samples, defined.definition.llm_labeling, context, wanted, taken)


def _lacks_name(defined: DefinitionState, cluster: str) -> bool:
    name, settings = defined.history.names.get(cluster), defined.definition.llm_labeling
    by_server = settings is not None and settings.enabled
    return name is None or (by_server and name.get("source") != "llm")


def _embedding(defined: DefinitionState) -> Embed:
    """Labels are embedded by the collection's own extractor where that embeds texts."""
    extractor = defined.collection.workspace.extractor(defined.documents.collections[0])
    return extractor.embed if extractor.manifest.input == "text" else hashed_vectors


class _Sampling:
    """What is known of the documents of a run; read once for all clusters."""

    def __init__(self, defined: DefinitionState, clusters: ClustersToName) -> None:
        self._clusters = clusters
        self._contents = MemberContents(defined)
        declared = defined.definition.llm_labeling
        self._count = declared.max_samples_per_cluster if declared else SAMPLES
        first = defined.documents.collections[0]
        own = defined.collection.workspace.feature_uri(first)
        comparable = defined.documents.feature_uris == (own,)
        self._taxonomy = (
            AppliedTaxonomy(OpenCollection(defined.collection.workspace, first))
            if comparable
            else None
        )

    def sample(self, cluster: str) -> ClusterSample:
        """Return what a cluster is named from."""
        clusters = self._clusters
        members = clusters.members[cluster]
        centroid = clusters.centroids[list(clusters.members).index(cluster)]
        vectors = clusters.rows.vectors[members]
        standing = members[representatives(vectors, centroid, self._count)]
        central = members[np.argsort(-(vectors @ centroid), kind="stable")][:TEXTS]
        fields = (self._fields(i) for i in members.tolist())
        known = (f.get("label") for f in fields if f.get("label_source") != SUGGESTED)
        texts = (self._contents.text(self._member(i)) for i in central.tolist())
        return ClusterSample(
            cluster,
            len(members),
            [self._document(i) for i in standing.tolist()],
            [text for text in texts if text],
            Counter(str(label) for label in known if label is not None),
            self._nearest(centroid),
            self._word(centroid),
        )

    def _member(self, i: int) -> Member:
        rows = self._clusters.rows
        return Member(
            rows.document_ids[i], rows.collections[i], rows.keys[i], rows.content_hashes[i]
        )

    def _fields(self, i: int) -> Mapping[str, object]:
        return self._contents.fields.get(self._clusters.rows.document_ids[i], {})

    def _document(self, i: int) -> SampleDocument:
        member, fields = self._member(i), self._fields(i)
        text = self._contents.text(member)
        metadata = fields.get("metadata")
        payload = {**metadata} if isinstance(metadata, dict) else {}
        payload |= {**fields, **({"text": text} if text else {})}
        return SampleDocument(payload, *self._contents.blobs(member), member.content_hash)

    def _word(self, centroid: npt.NDArray[np.float32]) -> tuple[str, float] | None:
        """The nearest word of the taxonomy's vocabulary, where words have vectors beside it."""
        vocabulary, vectors = self._words
        if not vocabulary:
            return None
        nearest = nearest_names(centroid[None, :], vectors)
        return vocabulary[int(nearest.position[0])], float(nearest.score[0])

    @cached_property
    def _words(self) -> tuple[tuple[str, ...], npt.NDArray[np.float32]]:
        declared = self._taxonomy and self._taxonomy.collection.declaration.taxonomy
        nothing = np.zeros((0, 0), np.float32)
        if self._taxonomy is None or not declared or not declared.vocabulary:
            return (), nothing
        extractor = self._taxonomy.collection.extractor
        if extractor.manifest.input == "text" or not embeds_texts(extractor):
            return (), nothing
        prompts = (declared.zero_shot or ZeroShot()).prompts
        embed = partial(embed_texts_checked, extractor)
        return declared.vocabulary, name_vectors(declared.vocabulary, prompts, embed)

    def _nearest(self, centroid: npt.NDArray[np.float32]) -> tuple[str, float] | None:
        if self._taxonomy is None:
            return None
        references = self._taxonomy.all_references
        if not references.rows or references.feature_uri != self._taxonomy.feature_uri:
            return None
        cosine = references.vectors @ centroid
        best = int(np.argmax(cosine))
        return str(references.labels[best]), float(cosine[best])


def plain_names(naming: NamingResult) -> dict[str, StoredName]:
    """Return names as the ledger keeps them."""
    return {
        cluster: {
            "label": name.label,
            "summary": name.summary,
            "keywords": list(name.keywords),
            "confidence": round(float(name.confidence), 6),
            "extra": {key: plain_json(value) for key, value in name.extra.items()},
            "source": name.source,
        }
        for cluster, name in naming.names.items()
    }


def costs(named: NamingResult) -> NamingUsage:
    """Return what naming cost, and what went wrong."""
    return {"usage": named.usage, "problems": named.problems, "merged": named.merged}
