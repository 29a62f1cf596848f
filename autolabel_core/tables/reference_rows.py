"""Rows of references as their file holds them."""

from __future__ import annotations

import json
from typing import TypedDict

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from autolabel_core.storage.typed_rows import Column
from autolabel_core.storage.warehouse import vector_column
from autolabel_core.tables.references import ReferenceRow


class StoredRow(TypedDict):
    """A `ReferenceRow` as the file holds it: `fields` and `metadata` are JSON."""

    document_id: str
    key: str
    content_hash: str
    label: str
    label_source: str
    fields: str
    metadata: str


def columns_of(rows: list[ReferenceRow], vectors: npt.NDArray[np.float32]) -> dict[str, Column]:
    """Return rows and vectors as the columns of the file."""
    texts = {
        "document_id": [row["document_id"] for row in rows],
        "key": [row["key"] for row in rows],
        "content_hash": [row["content_hash"] for row in rows],
        "label": [row["label"] for row in rows],
        "label_source": [row["label_source"] for row in rows],
        "fields": [json.dumps(row["fields"], sort_keys=True) for row in rows],
        "metadata": [json.dumps(row["metadata"], sort_keys=True) for row in rows],
    }
    columns: dict[str, Column] = {n: pa.array(values, pa.string()) for n, values in texts.items()}
    return {**columns, "vector": vector_column(vectors)}


def reference_row(row: StoredRow) -> ReferenceRow:
    """Return a row of the file with its JSON read."""
    return {
        "document_id": row["document_id"],
        "key": row["key"],
        "content_hash": row["content_hash"],
        "label": row["label"],
        "label_source": row["label_source"],
        "fields": json.loads(row["fields"]),
        "metadata": json.loads(row["metadata"]),
    }
