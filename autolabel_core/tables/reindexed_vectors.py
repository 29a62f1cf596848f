"""A copy of the vectors in Chroma; a new feature URI grows beside the old until it is complete."""

from __future__ import annotations

from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from autolabel_core.foundation.ids import fingerprint
from autolabel_core.foundation.json_types import Report
from autolabel_core.foundation.progress import Progress
from autolabel_core.storage.warehouse import VectorTable
from autolabel_core.tables.embeddings import Embeddings
from autolabel_core.tables.table import DerivedTable
from autolabel_core.tables.vector_index import is_damaged, set_aside, usable_index

if TYPE_CHECKING:
    import chromadb

CHUNK = 1000


class ReindexedVectors(DerivedTable):
    """One file for each batch says what the index holds of it; the index has a single writer."""

    name = "reindexed_vectors"
    upstream = ("embeddings",)
    pool = "autolabel_vector_index"

    @cached_property
    def embeddings(self) -> Embeddings:
        """What is copied."""
        return self.sibling(Embeddings)

    @property
    def feature_uri(self) -> str:
        """The declared feature URI."""
        return self.embeddings.extractor.manifest.feature_uri

    @property
    def index_name(self) -> str:
        """Name of the Chroma collection: one for each collection and feature URI."""
        return f"autolabel.{self.collection_name}.{fingerprint(self.feature_uri)[:12]}"

    @property
    def _folder(self) -> PurePath:
        """The notes lie in the folder of the index, so that they never outlive it."""
        slug = self.embeddings.folder.name
        return self.collection.paths.vector_index / "notes" / self.collection_name / slug

    def path(self, batch: str) -> PurePath:
        """Return the file that lists what the index holds of a batch."""
        return self._folder / f"{batch}.parquet"

    def stale(self) -> list[str]:
        """Return the batches that the index lacks: all of them where it is damaged."""
        if is_damaged(self.collection.paths.vector_index):
            set_aside(self.collection.paths.vector_index, "it is no whole database")
        return super().stale()

    def fingerprint(self, batch: str) -> str | None:
        """Cover the vectors."""
        vectors = self.warehouse.fingerprint(self.embeddings.path(batch))
        return None if vectors is None else fingerprint(self.index_name, vectors)

    def build(self, batch: str, fingerprint: str, progress: Progress) -> None:
        """Write what changed, note what the index holds, retire other URIs when complete."""
        vectors = self.warehouse.read_vectors(self.embeddings.path(batch))
        rows = np.flatnonzero(vectors.readable).tolist()
        with self.warehouse.writing("vector_index"):
            with usable_index(self.collection.paths.vector_index) as client:
                index = client.get_or_create_collection(
                    self.index_name,
                    configuration={"hnsw": {"space": "cosine"}},
                    metadata={"collection": self.collection_name, "feature_uri": self.feature_uri},
                )
                self._write(index, batch, vectors, rows, progress)
            table = pa.table(
                {
                    "document_id": pa.array([vectors.document_ids[i] for i in rows], pa.string()),
                    "content_hash": pa.array(
                        [vectors.content_hashes[i] for i in rows], pa.string()
                    ),
                }
            )
            self.warehouse.write_table(self.path(batch), table, fingerprint)
            if all(self.warehouse.exists(self.path(b)) for b in self.batches):
                self._retire_others(client)

    def _write(
        self,
        index: chromadb.Collection,
        batch: str,
        vectors: VectorTable,
        rows: list[int],
        progress: Progress,
    ) -> None:
        """Ask the index itself what it holds: a process may have died before it took its note."""
        answer = index.get(where={"batch": batch}, include=["metadatas"])
        indexed = dict(zip(answer["ids"], answer["metadatas"], strict=True))
        keys = self.embeddings.items.keys(batch)
        wanted = {
            vectors.document_ids[i]: {
                "key": keys.get(vectors.document_ids[i], ""),
                "batch": batch,
                "content_hash": vectors.content_hashes[i],
            }
            for i in rows
        }
        gone = sorted(set(indexed) - set(wanted))
        changed = [i for i in rows if indexed.get(d := vectors.document_ids[i]) != wanted[d]]
        for start in range(0, len(gone), CHUNK):
            index.delete(ids=gone[start : start + CHUNK])
        for start in range(0, len(changed), CHUNK):
            chunk = changed[start : start + CHUNK]
            ids = [vectors.document_ids[i] for i in chunk]
            index.upsert(ids, vectors.vectors[chunk], [wanted[document] for document in ids])
            progress(start + len(chunk), len(changed))

    def _retire_others(self, client: chromadb.ClientAPI) -> None:
        for index in client.list_collections():
            ours = (index.metadata or {}).get("collection") == self.collection_name
            if ours and index.name != self.index_name:
                client.delete_collection(index.name)
        for folder in self.warehouse.folders_in(self._folder.parent):
            if folder != self._folder:
                self.warehouse.remove(folder)

    def report(self, batch: str) -> Report:
        """Say which index holds how many vectors of the batch."""
        return {
            "index": self.index_name,
            "feature URI": self.feature_uri,
            "vectors": self.warehouse.read_table(self.path(batch)).num_rows,
        }
