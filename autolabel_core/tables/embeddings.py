"""A vector for each readable object or box; unchanged content is not embedded again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from pathlib import PurePath

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from autolabel_core.declarations import Collection
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.foundation.json_types import Report
from autolabel_core.foundation.parallel import read_ahead
from autolabel_core.foundation.progress import Progress
from autolabel_core.models.extractors import Extractor, embed_with_fallback, feature_slug
from autolabel_core.models.projection_head import ProjectedExtractor
from autolabel_core.storage.warehouse import VectorTable, matrix_of
from autolabel_core.tables.decoding_pieces import pieces
from autolabel_core.tables.document_table import (
    DocumentRow,
    DocumentTable,
    Item,
    Unreadable,
    readable_by_content,
)
from autolabel_core.tables.fingerprints import MadeFrom
from autolabel_core.tables.raw_objects import RawObjects
from autolabel_core.tables.resumable_batch import WorkedBatch, work_through
from autolabel_core.tables.table import DerivedTable

CHUNK = 256
Vector = npt.NDArray[np.float32]


def items_of(collection: Collection) -> type[DocumentTable]:
    """Return the table whose rows are the documents of a collection."""
    if collection.detection is None:
        return RawObjects
    from autolabel_core.tables.detections import DetectionTable

    return DetectionTable


class Embeddings(DerivedTable):
    """One row for each document of a batch: its vector, or why there is none."""

    name = "embeddings"
    upstream = ("raw_objects", "detections")

    @cached_property
    def items(self) -> DocumentTable:
        """The documents that are embedded."""
        return self.sibling(items_of(self.collection.declaration))

    @cached_property
    def extractor(self) -> Extractor:
        """The declared extractor."""
        return self.collection.extractor

    @cached_property
    def folder(self) -> PurePath:
        """The folder of the declared feature URI; another URI's vectors lie beside it."""
        slug = feature_slug(self.extractor.manifest.feature_uri)
        return self.warehouse.path(self.collection_name, self.name, slug)

    def path(self, batch: str) -> PurePath:
        """Return the file of a batch."""
        return self.folder / f"{batch}.arrow"

    def fingerprint(self, batch: str) -> str | None:
        """Cover the feature URI and what the documents were made from."""
        raw = self.warehouse.fingerprint(self.items.path(batch))
        manifest = self.extractor.manifest
        if raw is None:
            return None
        readers = _extra_readers() if manifest.input == "text" else []
        return fingerprint(manifest.feature_uri, manifest.embedding_dim, raw, *readers)

    @property
    def complete(self) -> bool:
        """Whether every batch has vectors under the declared feature URI."""
        return all(self.warehouse.exists(self.path(batch)) for batch in self.batches)

    def build(self, batch: str, fingerprint: str, progress: Progress) -> None:
        """Embed what has no vector yet, keeping finished chunks should the process die."""
        rows = self.items.rows_to_decode(batch)
        wanted = readable_by_content(rows)
        refused = self._refused(batch)
        worked = work_through(
            wanted,
            self._known(batch, set(wanted)),
            lambda chunk: self._embed(chunk, refused),
            lambda vectors: self._keep(self._parts(batch), vectors),
            CHUNK,
            progress,
        )
        table = _assemble(rows, worked, self._dimension(worked.results))
        self._keep_dropped(batch, set(wanted))
        made_from = MadeFrom(fingerprint, unfinished=worked.unfinished)
        self.warehouse.write_vectors(self.path(batch), table, str(made_from))
        self.warehouse.remove(self._parts(batch))

    def _dimension(self, vectors: dict[str, Vector]) -> int:
        """Return the one dimension of the feature space; a space never changes it."""
        dimensions = {len(vector) for vector in vectors.values()}
        existing = (path for path in self._files() if _has_vectors(self.warehouse.read_batch(path)))
        dimensions |= {_width(self.warehouse.read_batch(path)) for path in islice(existing, 1)}
        declared = self.extractor.manifest.embedding_dim
        dimensions |= {declared} if declared else set()
        if len(dimensions) > 1:
            raise AutolabelError(
                f"{self.extractor.manifest.feature_uri} has vectors of {min(dimensions)} and of "
                f"{max(dimensions)} dimensions; one feature URI is one space. Raise `version` "
                "under `feature_extractor` in the collection's YAML when the model changes."
            )
        return dimensions.pop() if dimensions else 1

    def _embed(
        self, chunk: list[tuple[str, DocumentRow]], refused: set[str]
    ) -> dict[str, Vector | Unreadable]:
        """Return a vector, or why there is none, for each content; `refused` are tried alone.

        While one piece is embedded, the next one is read and decoded.
        """
        results: dict[str, Vector | Unreadable] = {}
        for decoded in read_ahead(map(self._decoded, pieces(chunk))):
            items: dict[str, Item] = {}
            for content, item in decoded.items():
                if isinstance(item, Unreadable):
                    results[content] = item
                else:
                    items[content] = item
            if not items:
                continue
            before = [content in refused for content in items]
            embedded = embed_with_fallback(self.extractor, [*items.values()], before)
            for content, vector in zip(items, embedded, strict=True):
                results[content] = Unreadable(vector) if isinstance(vector, str) else vector
        return results

    def _decoded(self, piece: list[tuple[str, DocumentRow]]) -> dict[str, Item | Unreadable]:
        rows = [row for _, row in piece]
        decoded = self.items.decoded(rows, self.extractor.min_side_px)
        return {content: item for (content, _), item in zip(piece, decoded, strict=True)}

    def _known(self, batch: str, wanted: set[str]) -> dict[str, Vector]:
        """Vectors that exist for these contents, here, in unfinished parts or in other batches."""
        known: dict[str, Vector] = {}
        for path in self._files(self.path(batch), self._parts(batch), self._dropped, self.folder):
            missing = wanted - known.keys()
            if not missing:
                break
            known |= _vectors_in(self.warehouse.read_batch(path), missing)
        if isinstance(self.extractor, ProjectedExtractor):
            known |= self._projected(batch, self.extractor, wanted - known.keys())
        return known

    def _projected(
        self, batch: str, extractor: ProjectedExtractor, missing: set[str]
    ) -> dict[str, Vector]:
        """Project what the encoder embedded before its head was in service."""
        slug = feature_slug(extractor.base.manifest.feature_uri)
        base_vectors: dict[str, Vector] = {}
        for path in self._files(self.folder.parent / slug / f"{batch}.arrow"):
            base_vectors |= _vectors_in(self.warehouse.read_batch(path), missing)
        if not base_vectors:
            return {}
        vectors = extractor.head.project(np.stack([*base_vectors.values()]))
        return dict(zip(base_vectors, vectors, strict=True))

    def _refused(self, batch: str) -> set[str]:
        """Contents that had no vector when this batch was embedded last."""
        contents: set[str] = set()
        for path in self._files(self.path(batch)):
            table = self.warehouse.read_vectors(path)
            pairs = zip(table.content_hashes, table.reasons, strict=True)
            contents |= {content for content, reason in pairs if reason}
        return contents

    def _files(self, *places: PurePath) -> Iterator[PurePath]:
        """Yield the readable files of these places, by default those of all batches."""
        for place in places or (self.folder,):
            for path in [place] if place.suffix else self.warehouse.files_in(place, "*.arrow"):
                if self.warehouse.fingerprint(path) is not None:
                    yield path

    @property
    def _dropped(self) -> PurePath:
        return self.folder / ".dropped"

    def _keep_dropped(self, batch: str, wanted: set[str]) -> None:
        """Keep what leaves this batch as long as another one may be about to take it up."""
        gone: dict[str, Vector] = {}
        for path in self._files(self.path(batch)):
            table = self.warehouse.read_vectors(path)
            contents = zip(table.content_hashes, table.readable.tolist(), strict=True)
            rows = [i for i, (h, there) in enumerate(contents) if there and h not in wanted]
            gone |= {table.content_hashes[i]: table.vectors[i] for i in rows}
        if not gone and not self.warehouse.files_in(self._dropped, "*"):
            return
        if all(self.is_current(other) for other in self.batches if other != batch):
            self.warehouse.remove(self._dropped)
        else:
            self._keep(self._dropped, gone)

    def _parts(self, batch: str) -> PurePath:
        return self.folder / ".parts" / batch

    def _keep(self, folder: PurePath, vectors: Mapping[str, Vector]) -> None:
        """Write vectors by content, for `_known` to find."""
        if vectors:
            hashes = list(vectors)
            part = VectorTable(hashes, hashes, [None] * len(hashes), np.stack([*vectors.values()]))
            self.warehouse.write_vectors(folder / f"{fingerprint(hashes)}.arrow", part, "part")

    def report(self, batch: str) -> Report:
        """Count vectors, and list what could not be embedded and why."""
        table = self.warehouse.read_vectors(self.path(batch))
        keys = self.items.keys(batch)
        failed = [
            {"key": keys.get(document, document), "reason": reason}
            for document, reason in zip(table.document_ids, table.reasons, strict=True)
            if reason
        ]
        return {
            "feature URI": self.extractor.manifest.feature_uri,
            "vectors": len(table.document_ids) - len(failed),
            "dimension": table.vectors.shape[1],
            "without a vector": len(failed),
            "reasons": [
                {"reason": k, "objects": n} for k, n in Counter(f["reason"] for f in failed).items()
            ],
            "quarantine": failed[:100],
        }


def _vectors_in(batch: pa.RecordBatch, wanted: set[str]) -> dict[str, Vector]:
    """Vectors of a file for these contents; only what is found is looked at closely."""
    import pyarrow.compute as pc

    contents, vectors = batch.column("content_hash"), matrix_of(batch)
    is_wanted = pc.is_in(contents, value_set=pa.array(sorted(wanted), pa.string()))
    rows = np.flatnonzero(pc.and_(is_wanted, pc.is_null(batch.column("reason"))))
    return {contents[row].as_py(): vectors[row] for row in rows.tolist()}


def _has_vectors(batch: pa.RecordBatch) -> bool:
    return bool(batch.column("reason").null_count > 0)


def _width(batch: pa.RecordBatch) -> int:
    return int(batch.column("vector").type.list_size)


def _assemble(
    rows: Sequence[DocumentRow], worked: WorkedBatch[Vector], dimension: int
) -> VectorTable:
    matrix = np.zeros((len(rows), dimension), np.float32)
    why: list[str | None] = []
    for i, row in enumerate(rows):
        content = row["content_hash"]
        unreadable = worked.unreadable.get(content or "")
        reason = row["reason"] or (unreadable.reason if unreadable else None)
        why.append(reason)
        if reason is None and content is not None:
            matrix[i] = worked.results[content]
    return VectorTable(
        [row["document_id"] for row in rows],
        [row["content_hash"] or "" for row in rows],
        why,
        matrix,
    )


def _extra_readers() -> list[str]:
    """What could not be read without an extra is tried again once it is installed."""
    from autolabel_core.foundation.media.text_formats.ocr_text import has_ocr

    return ["ocr"] if has_ocr() else []
