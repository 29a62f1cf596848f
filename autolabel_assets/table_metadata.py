"""What Dagster shows of a table under names of its own: rows, place, columns and their sources."""

from pathlib import PurePath
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq

from autolabel_core.tables.layout import LABELS
from autolabel_core.tables.table import DerivedTable

COLUMNS = {
    "document_id": "Id of the document: of its collection and key, whatever the content.",
    "key": "Name of the object in the bucket.",
    "content_hash": "SHA-256 of the content, hexadecimal.",
    "media_type": "Such as image/jpeg.",
    "label": "What the document is; null where nobody and nothing has decided.",
    "label_source": "Who decided: human, promoted, auto, or suggested by its name.",
    "matched": "Whether the nearest references decided.",
    "confidence": "Of the likeliest label, on the scale of `score_name`; from -1 to 1.",
    "source_document_id": "The reference that an auto-label comes from.",
    "suggested_label": "The likeliest label, whether or not it is sure enough.",
    "margin": "Confidence less that of the best other label, from 0 to 2.",
    "margin_lower_bound": "The margin is at least this where no other label is near.",
    "similarity": "Mean cosine with the three nearest references, from -1 to 1.",
    "probability": "Of the likeliest label, from 0 to 1.",
    "score_name": "What the confidence is: nearest, vote, class_mean or probe.",
    "neighbours": "The nearest references with their cosines, best first.",
    "reason": "Why the document is in quarantine; null where it can be read.",
    "metadata": "What the object says of itself, as JSON.",
    "vector": "Of unit length.",
}
NEVER_NULL = frozenset({"document_id", "key"})
FROM_REFERENCES = ("label", "suggested_label", "source_document_id", "neighbours")
FROM_BOTH = ("confidence", "margin", "similarity", "probability", *FROM_REFERENCES)


def table_metadata(derived: DerivedTable, batch: str) -> dict[str, Any]:
    """Return rows, place, columns and, of labels, the columns that each is made from.

    Args:
        derived: the table; the file of the batch is written.
        batch: its name.

    Returns:
        Metadata under Dagster's own names; rows and columns of Parquet and Arrow files alone.
    """
    path = derived.path(batch)
    found: dict[str, Any] = {"dagster/uri": dg.MetadataValue.text(str(path))}
    described = _rows_and_schema(derived, path)
    if described is not None:
        rows, schema = described
        name = "partition_row_count" if derived.partitioned else "row_count"
        found[f"dagster/{name}"] = rows
        found["dagster/column_schema"] = _column_schema(schema)
        if derived.name == LABELS:
            found["dagster/column_lineage"] = _label_lineage(derived.collection_name, schema)
    return found


def _rows_and_schema(derived: DerivedTable, path: PurePath) -> tuple[int, pa.Schema] | None:
    if path.suffix == ".arrow":
        batch = derived.warehouse.read_batch(path)
        return batch.num_rows, batch.schema
    if path.suffix != ".parquet":
        return None
    with pq.ParquetFile(derived.warehouse.local(path)) as opened:
        return opened.metadata.num_rows, opened.schema_arrow


def _column_schema(schema: pa.Schema) -> dg.TableSchema:
    return dg.TableSchema(
        [
            dg.TableColumn(
                column.name,
                str(column.type),
                COLUMNS.get(column.name),
                dg.TableColumnConstraints(nullable=column.name not in NEVER_NULL),
            )
            for column in schema
        ]
    )


def _label_lineage(collection: str, schema: pa.Schema) -> dg.TableColumnLineage:
    """Say that a label comes from a reference's label and the document's vector."""
    reference = dg.TableColumnDep(dg.AssetKey([collection, "reference_set"]), "label")
    vector = dg.TableColumnDep(dg.AssetKey([collection, "embeddings"]), "vector")
    made = [name for name in FROM_BOTH if name in schema.names]
    return dg.TableColumnLineage({name: [reference, vector] for name in made})
