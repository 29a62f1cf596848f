"""The labelled references: the latest human or promoted label of each document, with its vector.

Auto-labels are never references. The set is judged when it is written, by leave-one-out: each
reference is labelled by the nearest of the others; matching itself it would always pass.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from autolabel_core.conditions.values import text_of
from autolabel_core.derived.embeddings import Embeddings, Vector
from autolabel_core.derived.table import WHOLE, DerivedTable, Progress
from autolabel_core.identity import fingerprint
from autolabel_core.ledger import Annotation
from autolabel_core.matching import Nearest, nearest_among_themselves
from autolabel_core.statistics import wilson_interval
from autolabel_core.warehouse import Warehouse

KEPT = 10
NEAR_DUPLICATE = 0.999


@dataclass(frozen=True)
class References:
    """The references of one collection, ascending by document id.

    Attributes:
        rows: one dict each: document_id, key, content_hash, label, label_source,
            fields (own values by field name), metadata.
        vectors: (r, d) float32 of unit length.
        feature_uri: the space of the vectors.
        version: fingerprint of rows and space.
        encoder_uri: what made the vectors; those of one encoder may be compared.
    """

    rows: list[dict[str, Any]]
    vectors: npt.NDArray[np.float32]
    feature_uri: str
    version: str
    encoder_uri: str

    @cached_property
    def keys(self) -> list[str]:
        """(r,) id and content of each reference."""
        return [f"{row['document_id']}:{row['content_hash']}" for row in self.rows]

    @cached_property
    def labels(self) -> npt.NDArray[np.object_]:
        """(r,) labels."""
        return np.array([row["label"] for row in self.rows], dtype=object)

    def leave_one_out(self) -> Nearest:
        """Return each reference's nearest others."""
        return nearest_among_themselves(self.vectors, KEPT)


class ReferenceSet(DerivedTable):
    """One file for the whole collection, because every batch is labelled by all references."""

    name = "reference_set"
    partitioned = False

    @cached_property
    def embeddings(self) -> Embeddings:
        """Where the vectors come from."""
        return self.beside(Embeddings)

    def path(self, batch: str = WHOLE) -> PurePath:
        """Return the one file."""
        return self.warehouse.path(self.collection_name, self.name, "references.arrow")

    @cached_property
    def annotations(self) -> dict[str, Annotation]:
        """What people said that holds now, by document id; without a label: there is nothing."""
        return self.embeddings.items.annotations()

    @cached_property
    def wanted(self) -> tuple[list[dict[str, Any]], list[Vector]]:
        """Rows and vectors of the references as the sources say now."""
        held = {d: event for d, event in self.annotations.items() if event.label is not None}
        rows_held = self.embeddings.items.rows_of(set(held))
        metadata = {row["document_id"]: row["metadata"] for row in rows_held}
        vectors: dict[str, Vector] = {}
        for batch in self.batches if held else []:
            path = self.embeddings.path(batch)
            if self.warehouse.fingerprint(path) is not None:
                vectors |= _vectors_of(self.warehouse, path, held)
        rows = [
            _row(held[document], json.loads(metadata.get(document) or "{}"))
            for document in sorted(vectors)
        ]
        return rows, [vectors[row["document_id"]] for row in rows]

    def fingerprint(self, batch: str = WHOLE) -> str | None:
        """Cover the feature URI and what each reference says; None during a changeover."""
        if self.changing_over:
            return None
        rows, _ = self.wanted
        return fingerprint(self.embeddings.extractor.manifest.feature_uri, rows)

    @cached_property
    def changing_over(self) -> bool:
        """Whether the old feature URI still serves, because the new one lacks some batches."""
        if self.embeddings.complete:
            return False
        return self.feature_uri != self.embeddings.extractor.manifest.feature_uri

    def build(self, batch: str, fingerprint: str, progress: Progress) -> None:
        """Write references and vectors as one file."""
        rows, found = self.wanted
        uri = self.embeddings.extractor.manifest.feature_uri
        width = self.embeddings.extractor.manifest.embedding_dim or 1
        vectors = np.stack(found) if rows else np.zeros((0, width), np.float32)
        encoder = self.embeddings.extractor.manifest.encoder_uri
        judged = judge(References(rows, vectors, uri, fingerprint, encoder))
        columns: dict[str, Any] = {
            name: pa.array([row[name] for row in rows], pa.string())
            for name in ("document_id", "key", "content_hash", "label", "label_source")
        }
        for name in ("fields", "metadata"):
            values = [json.dumps(row[name], sort_keys=True) for row in rows]
            columns[name] = pa.array(values, pa.string())
        columns["vector"] = pa.FixedSizeListArray.from_arrays(
            pa.array(vectors.ravel()), vectors.shape[1]
        )
        metadata = {
            "autolabel.fingerprint": fingerprint,
            "autolabel.feature_uri": uri,
            "autolabel.encoder_uri": encoder,
            "autolabel.judgement": json.dumps(judged),
        }
        table = pa.record_batch(columns).replace_schema_metadata(metadata)
        self.warehouse.write_batch(self.path(), table, fingerprint)

    def stale_by_uploads(self) -> list[str]:
        """Uploads make the first, empty set; later ones are made by labels."""
        return [] if self.warehouse.exists(self.path()) else self.stale()

    def load(self) -> References:
        """Read the file; empty where there is none yet."""
        if self.warehouse.fingerprint(self.path()) is None:
            space = self.embeddings.extractor.manifest
            nothing = np.zeros((0, 0), np.float32)
            return References([], nothing, space.feature_uri, "", space.encoder_uri)
        batch: Any = self.warehouse.read_batch(self.path())
        column = batch.column("vector")
        vectors = column.flatten().to_numpy().reshape(len(batch), column.type.list_size)
        rows = batch.drop_columns(["vector"]).to_pylist()
        for row in rows:
            row["fields"], row["metadata"] = json.loads(row["fields"]), json.loads(row["metadata"])
        metadata = batch.schema.metadata
        uri = metadata[b"autolabel.feature_uri"].decode()
        encoder = metadata.get(b"autolabel.encoder_uri", uri.encode()).decode()
        version = metadata[b"autolabel.fingerprint"].decode()
        return References(rows, vectors, uri, version, encoder)

    @property
    def feature_uri(self) -> str:
        """The space of the vectors in the file; the declared one where there is none yet."""
        if self.warehouse.fingerprint(self.path()) is None:
            return self.embeddings.extractor.manifest.feature_uri
        return self._metadata[b"autolabel.feature_uri"].decode()

    def judgement(self) -> dict[str, Any]:
        """Return what `judge` found when the file was written."""
        if self.warehouse.fingerprint(self.path()) is None:
            return judge(self.load())
        found: dict[str, Any] = json.loads(self._metadata[b"autolabel.judgement"])
        return found

    @property
    def _metadata(self) -> dict[bytes, bytes]:
        return dict(self.warehouse.read_batch(self.path()).schema.metadata or {})

    def report(self, batch: str = WHOLE) -> dict[str, Any]:
        """Say how many references each label has, and whether their neighbours agree with them."""
        return self.judgement()


def judge(references: References) -> dict[str, Any]:
    """Judge references by their neighbours: who agrees, who disagrees, near-duplicates, counts.

    Args:
        references: the set.

    Returns:
        `references` (how many), `labels` (references by label and source),
        `leave_one_out_agreement` (of the references whose label has another one, the share whose
        nearest other reference has that label; 1 is all, None where no label has two) with its
        95 % Wilson interval,
        `disagreeing` (at most 50, the most similar first) and `near_duplicates` (pairs of cosine
        >= NEAR_DUPLICATE, at most 50).
    """
    counts = Counter((row["label"], row["label_source"]) for row in references.rows)
    labels = [
        {"label": k, "label_source": s, "references": n} for (k, s), n in sorted(counts.items())
    ]
    counted = {"references": len(references.rows), "labels": labels}
    sizes = Counter(references.labels.tolist())
    can_agree = np.array([sizes[label] > 1 for label in references.labels.tolist()], bool)
    if not can_agree.any():
        return {**counted, "leave_one_out_agreement": None}
    found = references.leave_one_out()
    agrees = references.labels[found.position[:, 0]] == references.labels
    low, high = wilson_interval(int(agrees.sum()), int(can_agree.sum()))
    wrong = np.flatnonzero(can_agree & ~agrees)
    wrong = wrong[np.argsort(-found.score[wrong, 0], kind="stable")]
    return {
        **counted,
        "leave_one_out_agreement": float(agrees.sum() / can_agree.sum()),
        "agreement_low": low,
        "agreement_high": high,
        "disagreeing": [_pair(references, i, found) for i in wrong[:50].tolist()],
        "near_duplicates": [
            _pair(references, i, found)
            for i in np.flatnonzero(found.score[:, 0] >= NEAR_DUPLICATE).tolist()[:50]
        ],
    }


def _pair(references: References, i: int, found: Nearest) -> dict[str, Any]:
    one, other = references.rows[i], references.rows[int(found.position[i, 0])]
    return {
        "key": one["key"],
        "label": one["label"],
        "nearest_key": other["key"],
        "nearest_label": other["label"],
        "score": float(found.score[i, 0]),
    }


def _row(event: Annotation, metadata: dict[str, Any]) -> dict[str, Any]:
    texts = {name: text for name, value in metadata.items() if (text := text_of(value)) is not None}
    return {
        "document_id": event.document_id,
        "key": event.key,
        "content_hash": event.content_hash,
        "label": event.label,
        "label_source": event.source,
        "fields": {**texts, **event.fields},
        "metadata": metadata,
    }


def _vectors_of(
    warehouse: Warehouse, path: PurePath, held: Mapping[str, Annotation]
) -> dict[str, Vector]:
    """Vectors of a file for annotated documents, where they are of the content judged."""
    batch: Any = warehouse.read_batch(path)
    ids, contents, column = (batch.column(n) for n in ("document_id", "content_hash", "vector"))
    is_held = pc.is_in(ids, value_set=pa.array(sorted(held), pa.string()))
    rows = np.flatnonzero(pc.and_(is_held, pc.is_null(batch.column("reason")))).tolist()
    vectors = column.flatten().to_numpy().reshape(len(batch), column.type.list_size)
    return {
        ids[row].as_py(): vectors[row]
        for row in rows
        if held[ids[row].as_py()].content_hash == contents[row].as_py()
    }
