"""Reads the documents that a cluster definition groups, with their vectors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath

import numpy as np
import numpy.typing as npt

from autolabel_core.clusters.algorithms.preprocessing import join_blocks
from autolabel_core.declarations import Cluster
from autolabel_core.declarations.collections_folder import find_retriever
from autolabel_core.declarations.conditions import parse
from autolabel_core.documents.documents import Documents
from autolabel_core.documents.label_source_sql import UNDECIDED
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.feature_uri import parse_feature_uri
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.models.extractors import feature_slug
from autolabel_core.tables.embeddings import Embeddings
from autolabel_core.tables.table import LedgerSnapshot
from autolabel_core.tables.taxonomy_labels import TaxonomyLabels
from autolabel_core.tables.workspace import OpenCollection

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True)
class VectorRows:
    """Documents that have every vector, n of them, ascending by document id.

    Attributes:
        document_ids: (n,) ids.
        content_hashes: (n,) content that the vectors were made from.
        collections: (n,) whose they are.
        keys: (n,) their keys.
        vectors: (n, d) float32 of unit length; blocks of equal weight where there are several.
    """

    document_ids: list[str]
    content_hashes: list[str]
    collections: list[str]
    keys: list[str]
    vectors: Matrix

    def take(self, rows: npt.NDArray[np.int64]) -> VectorRows:
        """Return some of the rows."""
        ids, contents, collections, keys = (
            [values[i] for i in rows.tolist()]
            for values in (self.document_ids, self.content_hashes, self.collections, self.keys)
        )
        return VectorRows(ids, contents, collections, keys, self.vectors[rows])


class ClusterDocuments:
    """What a definition groups, as the tables have it now."""

    def __init__(self, owner: OpenCollection, definition: Cluster) -> None:
        self.owner = owner
        self.definition = definition
        names = definition.collection_identifiers or (owner.name,)
        self.collections = [owner.workspace.collection(name) for name in names]

    @cached_property
    def embeddings(self) -> list[Embeddings]:
        """The tables of the vectors, one of each collection."""
        opened = self.owner.workspace
        return [
            Embeddings(OpenCollection(opened, one), LedgerSnapshot(opened, one.collection_name))
            for one in self.collections
        ]

    @cached_property
    def feature_uris(self) -> tuple[str, ...]:
        """The spaces of the vectors; by default the collections' own."""
        own = self.embeddings[0].extractor.manifest
        wanted = self.definition.feature_uris or (own.feature_uri,)
        return tuple(own.feature_uri if own.answers_to(uri) else uri for uri in wanted)

    @property
    def objects(self) -> int:
        """How many objects exist."""
        return sum(len(table.present(b)) for table in self.embeddings for b in table.batches)

    @cached_property
    def fingerprint(self) -> str | None:
        """Cover the vectors, and the labels where the filter looks at them; None: not all there.

        Clusters are named from the fields in the table of labels, so that they wait for it too.
        """
        made = self.owner.warehouse.fingerprint
        fingerprints = [made(path) for path in self._sources()]
        if not fingerprints or None in fingerprints:
            return None
        labels = [(table.sibling(TaxonomyLabels), table.batches) for table in self.embeddings]
        if any(table.is_behind_uploads(batch) for table, batches in labels for batch in batches):
            return None
        return fingerprint(self.feature_uris, fingerprints)

    def _sources(self) -> list[PurePath]:
        files: list[PurePath] = []
        for table in self.embeddings:
            files += [
                self._vectors(table, uri, b) for uri in self.feature_uris for b in table.batches
            ]
            if self.definition.filter:
                labels = table.sibling(TaxonomyLabels)
                files += [labels.path(batch) for batch in table.batches]
        return files

    def _vectors(self, table: Embeddings, uri: str, batch: str) -> PurePath:
        folder = self.owner.warehouse.path(table.collection_name, Embeddings.name)
        return folder / feature_slug(uri) / f"{batch}.arrow"

    @cached_property
    def rows(self) -> VectorRows:
        """Every document that has all vectors, whatever the filter says."""
        parts = [self._rows_of(t, b) for t in self.embeddings for b in t.batches]
        parts = [part for part in parts if part.document_ids]
        if not parts:
            return VectorRows([], [], [], [], np.zeros((0, 1), np.float32))
        joined = VectorRows(
            [i for part in parts for i in part.document_ids],
            [h for part in parts for h in part.content_hashes],
            [c for part in parts for c in part.collections],
            [k for part in parts for k in part.keys],
            np.concatenate([part.vectors for part in parts]),
        )
        return joined.take(np.argsort(np.array(joined.document_ids), kind="stable"))

    def _rows_of(self, table: Embeddings, batch: str) -> VectorRows:
        keys = table.items.keys(batch)
        blocks: list[Matrix] = []
        kept: dict[str, str] = {}
        reads = []
        for uri in self.feature_uris:
            path = self._vectors(table, uri, batch)
            if not self.owner.warehouse.exists(path):
                raise AutolabelError(
                    f"`{table.collection_name}` has no vectors of {uri} for {batch}. Correct "
                    f"`feature_uris` of `{self.definition.cluster_name}`, or sweep with that "
                    "version declared."
                )
            read = self.owner.warehouse.read_vectors(path)
            ids = zip(read.document_ids, read.content_hashes, read.reasons, strict=True)
            reads.append((read, {(d, h): i for i, (d, h, why) in enumerate(ids) if why is None}))
        for (document, content), _ in sorted(reads[0][1].items()):
            if document in keys and all((document, content) in rows for _, rows in reads):
                kept[document] = content
        for read, rows in reads:
            blocks.append(read.vectors[[rows[pair] for pair in kept.items()]])
        name = [table.collection_name] * len(kept)
        places = [keys[document] for document in kept]
        return VectorRows([*kept], [*kept.values()], name, places, join_blocks(blocks))

    @cached_property
    def problem(self) -> str | None:
        """Why no vectors will ever come: the extractor that is declared makes another feature."""
        for name, uri, own in self._without_vectors():
            wanted, made = parse_feature_uri(uri), parse_feature_uri(own)
            same = wanted.feature_extractor_name == made.feature_extractor_name
            if same and wanted.version == made.version:
                return (
                    f"`feature_uris` of `{self.definition.cluster_name}` names {uri}, and `{name}` "
                    f"has no such vectors; it makes {own}. Correct the URI in the YAML."
                )
        return None

    @property
    def lacking(self) -> str | None:
        """The space whose vectors are still to be made, by another extractor or version."""
        return next((uri for _, uri, _ in self._without_vectors()), None)

    def _without_vectors(self) -> Iterator[tuple[str, str, str]]:
        """Yield collection, declared URI, and the URI that the collection makes instead."""
        for table in self.embeddings:
            own = table.extractor.manifest
            made = self.owner.warehouse.path(table.collection_name, Embeddings.name)
            there = {folder.name for folder in self.owner.warehouse.folders_in(made)}
            for uri in self.definition.feature_uris if table.batches else ():
                if not own.answers_to(uri) and feature_slug(uri) not in there:
                    yield table.collection_name, uri, own.feature_uri

    @cached_property
    def labels(self) -> dict[str, str]:
        """The label of each document that has one, auto-labels among them, by document id."""
        labels: dict[str, str] = {}
        for collection in self.collections:
            view = Documents(OpenCollection(self.owner.workspace, collection), clusters=False)
            with view.connect() as connection:
                sql = (
                    "SELECT document_id, label FROM documents WHERE label IS NOT NULL "
                    f"AND NOT ({UNDECIDED})"
                )
                labels |= dict(connection.execute(sql).fetchall())
        return labels

    @property
    def count(self) -> int:
        """How many documents there are to group: those that the filter lets in."""
        return self.objects if self._let_in is None else len(self._let_in)

    @cached_property
    def passes(self) -> npt.NDArray[np.bool_]:
        """(n,) which of the rows the filter lets in; all without one."""
        if self._let_in is None:
            return np.ones(len(self.rows.document_ids), bool)
        return np.array([document in self._let_in for document in self.rows.document_ids], bool)

    @cached_property
    def _let_in(self) -> set[str] | None:
        """The documents that the filter lets in; None without a filter."""
        if self.definition.filter is None:
            return None
        _, retriever = find_retriever(self.owner.workspace.collections, self.definition.filter)
        conditions = [parse(condition) for condition in retriever.conditions]
        passing: set[str] = set()
        for collection in self.collections:
            passing |= Documents(
                OpenCollection(self.owner.workspace, collection), clusters=False
            ).ids(conditions)
        return passing

    @property
    def chosen(self) -> VectorRows:
        """The documents that a full run groups."""
        return self.rows.take(np.flatnonzero(self.passes))
