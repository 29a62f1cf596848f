"""The documents among which the next ones to label are chosen: a sample, compared once and kept.

Documents are ordered by a hash of their id, and come in parts. The first part is a random sample of
them all; the next one serves where the documents of the first are labelled. The files may be
deleted at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.matching.next_labels.candidates import Candidates, candidates_of
from autolabel_core.matching.scores.fit import one_thread
from autolabel_core.storage.typed_rows import texts_of
from autolabel_core.storage.warehouse import FINGERPRINT, Warehouse, matrix_of, vector_column
from autolabel_core.tables.embeddings import Embeddings
from autolabel_core.tables.layout import LABELS
from autolabel_core.tables.workspace import OpenCollection

FORMAT = 1
"""Of the files; another number has them made anew."""
FOLDER = ".candidates"
PART_SIZE = 2048
"""Documents of a part; any two of them are compared."""
DETAILS = b"autolabel.candidates"


@dataclass(frozen=True)
class CandidatePart:
    """One part of a collection's documents, compared with each other.

    Attributes:
        number: of the part, from 0.
        document_ids: (m,) in the order of their hashes.
        candidates: m of them.
        documents: how many documents of the collection have a vector.
        version: fingerprint of what the part was made from.
    """

    number: int
    document_ids: list[str]
    candidates: Candidates
    documents: int
    version: str


def candidate_part(collection: OpenCollection, number: int) -> CandidatePart:
    """Return a part of the documents, from its file where that is up to date.

    Args:
        collection: whose documents.
        number: of the part, from 0.

    Returns:
        The part; without documents where there are fewer.
    """
    embeddings, warehouse = Embeddings(collection), collection.warehouse
    files = warehouse.files_in(embeddings.folder, "batch_*.arrow")
    made_from = [(file.name, warehouse.fingerprint(file)) for file in files]
    version = fingerprint(FORMAT, PART_SIZE, str(embeddings.folder), made_from, number)
    path = warehouse.path(collection.name, LABELS, FOLDER, f"part_{number:04d}.arrow")
    known = _load(warehouse, path, version, number)
    if known is not None:
        return known
    ids = documents_by_hash(collection)
    wanted = ids[number * PART_SIZE : (number + 1) * PART_SIZE]
    chosen, vectors = _vectors_of(warehouse, files, wanted)
    with one_thread():
        part = CandidatePart(number, chosen, candidates_of(vectors), len(ids), version)
    # A command that only reads may have no right to write.
    with contextlib.suppress(OSError, AutolabelError):
        _save(warehouse, path, part)
    return part


def documents_by_hash(collection: OpenCollection) -> list[str]:
    """Return the ids of the documents that have a vector, in the order of their hashes.

    Args:
        collection: whose documents.

    Returns:
        Ids; one that comes or goes leaves the order of the others as it is.
    """
    embeddings = Embeddings(collection)
    ids: set[str] = set()
    for file in embeddings.warehouse.files_in(embeddings.folder, "batch_*.arrow"):
        table = embeddings.warehouse.read_vectors(file)
        ids |= {
            d for d, reason in zip(table.document_ids, table.reasons, strict=True) if not reason
        }
    return sorted(ids, key=lambda document: (hashlib.sha256(document.encode()).digest(), document))


def _vectors_of(
    warehouse: Warehouse, files: list[PurePath], documents: list[str]
) -> tuple[list[str], npt.NDArray[np.float32]]:
    """Return those of some documents that are in the files, in that order, and vectors (m, d)."""
    wanted = set(documents)
    rows: dict[str, npt.NDArray[np.float32]] = {}
    for file in files:
        table = warehouse.read_vectors(file)
        for row, document in enumerate(table.document_ids):
            if document in wanted:
                rows[document] = table.vectors[row]
    there = [document for document in documents if document in rows]
    vectors = [rows[document] for document in there]
    return there, np.stack(vectors) if vectors else np.zeros((0, 1), np.float32)


def _save(warehouse: Warehouse, path: PurePath, part: CandidatePart) -> None:
    details = {"documents": part.documents, "spread": part.candidates.spread}
    metadata = {
        FINGERPRINT: part.version.encode(),
        DETAILS: json.dumps({**details, "centre": part.candidates.centre.tolist()}).encode(),
    }
    columns = {
        "document_id": pa.array(part.document_ids, pa.string()),
        "vector": vector_column(part.candidates.vectors),
        "similarity": vector_column(part.candidates.similarity),
    }
    batch = pa.record_batch(columns).replace_schema_metadata(metadata)
    warehouse.write_batch(path, batch, part.version)


def _load(warehouse: Warehouse, path: PurePath, version: str, number: int) -> CandidatePart | None:
    """Read a part; None where there is none of that version, or it cannot be read."""
    if warehouse.fingerprint(path) != version:
        return None
    try:
        batch = warehouse.read_batch(path)
        details = json.loads(batch.schema.metadata[DETAILS])
    except (OSError, pa.ArrowException, ValueError, KeyError):
        return None
    candidates = Candidates(
        matrix_of(batch),
        np.array(details["centre"], np.float32),
        details["spread"],
        matrix_of(batch, "similarity"),
    )
    ids = texts_of(batch, "document_id")
    return CandidatePart(number, ids, candidates, details["documents"], version)
