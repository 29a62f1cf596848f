"""Vectors of every readable object under the declared feature URI; unchanged content is never embedded twice."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autolabel_core.derived.raw_objects import READERS, RawObjects
from autolabel_core.derived.table import DerivedTable, Progress
from autolabel_core.errors import AutolabelError, UnreadableItemError
from autolabel_core.extractors import Extractor, embed_checked
from autolabel_core.identity import content_hash, fingerprint
from autolabel_core.images import decode_image
from autolabel_core.texts import decode_text
from autolabel_core.warehouse import VectorTable

CHUNK = 256
Vector = npt.NDArray[np.float32]


class Embeddings(DerivedTable):
    """One row for each object of a batch: its vector, or why there is none."""

    name = "embeddings"

    @cached_property
    def raw(self) -> RawObjects:
        """The table that is embedded."""
        return RawObjects(self.workspace, self.collection)

    @cached_property
    def extractor(self) -> Extractor:
        """The declared extractor."""
        return self.workspace.extractor(self.collection)

    @cached_property
    def folder(self) -> Path:
        """The folder of the declared feature URI; another URI's vectors lie beside it."""
        slug = self.workspace.feature_slug(self.collection)
        return self.warehouse.path(self.collection_name, self.name, slug)

    def path(self, batch: str) -> Path:
        """Return the file of a batch."""
        return self.folder / f"{batch}.arrow"

    def fingerprint(self, batch: str) -> str | None:
        """Cover the feature URI and what the raw objects were made from."""
        raw = self.warehouse.fingerprint(self.raw.path(batch))
        manifest = self.extractor.manifest
        return (
            None if raw is None else fingerprint(manifest.feature_uri, manifest.embedding_dim, raw)
        )

    @property
    def complete(self) -> bool:
        """Whether every batch has vectors under the declared feature URI."""
        return all(self.path(batch).exists() for batch in self.batches)

    def build(self, batch: str, fingerprint: str, progress: Progress) -> None:
        """Embed what has no vector yet, keeping finished chunks should the process die."""
        columns = ["document_id", "key", "content_hash", "reason"]
        rows = self.warehouse.read_table(self.raw.path(batch), columns).to_pylist()
        wanted = {row["content_hash"]: row["key"] for row in rows if not row["reason"]}
        vectors = self._known(batch, set(wanted))
        reasons: dict[str, str] = {}
        missing = [(h, key) for h, key in wanted.items() if h not in vectors]
        done = len(wanted) - len(missing)
        for number, chunk in enumerate(_chunks(missing)):
            self._embed_chunk(chunk, vectors, reasons)
            done += len(chunk)
            if len(missing) > CHUNK:
                self._keep_part(batch, number, chunk, vectors)
            progress(done, len(wanted))
        table = _assemble(rows, vectors, reasons, self.extractor.manifest.embedding_dim or 0)
        self.warehouse.write_vectors(self.path(batch), table, fingerprint)
        shutil.rmtree(self._parts(batch), ignore_errors=True)

    def _embed_chunk(
        self, chunk: list[tuple[str, str]], vectors: dict[str, Vector], reasons: dict[str, str]
    ) -> None:
        source = self.workspace.source(self.collection)
        kind = self.extractor.manifest.input
        mapped = self.collection.feature_extractor.input_mappings.get(kind)

        def decode(entry: tuple[str, str]) -> Any:
            wanted, key = entry
            try:
                data = source.open(key).input_blob(kind, mapped).read()
                if content_hash(data) != wanted:
                    raise UnreadableItemError(
                        "changed while it was read; the next sweep takes it up"
                    )
                if kind == "text":
                    return decode_text(data)
                return decode_image(data, self.extractor.min_side_px)
            except UnreadableItemError as error:
                reasons[wanted] = str(error)
                return None

        with ThreadPoolExecutor(READERS) as pool:
            items = list(pool.map(decode, chunk))
        readable = [
            (h, item) for (h, _), item in zip(chunk, items, strict=True) if item is not None
        ]
        if readable:
            embedded = embed_checked(self.extractor, [item for _, item in readable])
            vectors.update(zip((h for h, _ in readable), embedded, strict=True))

    def _known(self, batch: str, wanted: set[str]) -> dict[str, Vector]:
        """Vectors that exist for these contents: in this batch, in unfinished parts, in other batches."""
        known: dict[str, Vector] = {}
        own = [self.path(batch), *sorted(self._parts(batch).glob("*.arrow"))]
        others = [p for p in sorted(self.folder.glob("*.arrow")) if p not in own]
        for path in [*own, *others]:
            if len(known) == len(wanted):
                break
            if self.warehouse.fingerprint(path) is not None:
                table = self.warehouse.read_vectors(path)
                if table.vectors.shape[1] == (
                    self.extractor.manifest.embedding_dim or table.vectors.shape[1]
                ):
                    _take(table, wanted, known)
        return known

    def _parts(self, batch: str) -> Path:
        return self.folder / ".parts" / batch

    def _keep_part(
        self, batch: str, number: int, chunk: list[tuple[str, str]], vectors: dict[str, Vector]
    ) -> None:
        hashes = [h for h, _ in chunk if h in vectors]
        if hashes:
            stacked = np.stack([vectors[h] for h in hashes])
            part = VectorTable(hashes, hashes, [None] * len(hashes), stacked)
            name = f"{fingerprint(hashes)}-{number}.arrow"
            self.warehouse.write_vectors(self._parts(batch) / name, part, "part")

    def report(self, batch: str) -> dict[str, Any]:
        """Count vectors, and list what could not be embedded and why."""
        table = self.warehouse.read_vectors(self.path(batch))
        keys = {a.document_id: a.key for a in self.present_by_batch[batch]}
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


def _take(table: VectorTable, wanted: set[str], known: dict[str, Vector]) -> None:
    for row, (content, reason) in enumerate(zip(table.content_hashes, table.reasons, strict=True)):
        if reason is None and content in wanted and content not in known:
            known[content] = table.vectors[row]


def _chunks(entries: list[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    for start in range(0, len(entries), CHUNK):
        yield entries[start : start + CHUNK]


def _assemble(
    rows: list[dict[str, Any]],
    vectors: dict[str, Vector],
    reasons: dict[str, str],
    dimension: int,
) -> VectorTable:
    widths = {len(vector) for vector in vectors.values()}
    if len(widths) > 1:
        raise AutolabelError(
            f"The extractor gave vectors of {sorted(widths)} dimensions under one feature URI; "
            "raise its `version` in the collection's YAML when the model changes"
        )
    matrix = np.zeros((len(rows), widths.pop() if widths else dimension), np.float32)
    why: list[str | None] = []
    for i, row in enumerate(rows):
        content = row["content_hash"]
        reason = row["reason"] or reasons.get(content)
        why.append(reason)
        if reason is None:
            matrix[i] = vectors[content]
    return VectorTable(
        [row["document_id"] for row in rows],
        [row["content_hash"] or "" for row in rows],
        why,
        matrix,
    )
