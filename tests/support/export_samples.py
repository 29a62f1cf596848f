"""Documents to export, harmless and nasty ones, and what an export holds when it is read back."""

from __future__ import annotations

import csv
import io
import json

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from PIL import Image

from autolabel_core.foundation.spreadsheet_cells import unescaped

SCHEMA = pa.schema(
    [
        ("document_id", pa.string()),
        ("key", pa.string()),
        ("label", pa.string()),
        ("label_source", pa.string()),
        ("matched", pa.bool_()),
        ("confidence", pa.float64()),
        ("source_document_id", pa.string()),
        ("content_hash", pa.string()),
        ("media_type", pa.string()),
        ("object_category", pa.string()),
    ]
)
MATCH = ("matched", "confidence", "source_document_id")
NASTY = [
    "Shoes > Running > Red",
    "a/b",
    "..",
    "../../etc",
    ".hidden",
    "ünï 👟",
    "a\nb",
    "q\"u,o'te",
    "x" * 300,
    "Cat",
    "cat",
    "CAT",
    "con",
    "50%",
    "50%25",
    " space ",
    "documents.csv",
    "metadata.csv",
]


def document(number, label=None, source=None, **more):
    return {
        "document_id": f"doc_{number:04}",
        "key": f"in/photo {number}.png",
        "label": label,
        "label_source": source,
        "matched": source == "auto",
        "confidence": number / 16,
        "source_document_id": "doc_0000" if source == "auto" else None,
        "content_hash": f"hash{number}",
        "media_type": "image/png",
        "object_category": None if number % 2 else f"category, {number}",
    } | more


def table(rows):
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def png(key):
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), (len(key) % 256, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def text(key):
    return f"\ufefftext of {key}\nsecond line".encode()


ROWS = [
    document(3, "cat", "human"),
    document(1, "dog", "auto"),
    document(2),
    document(4, "cat", "promoted"),
    document(5, "", "human"),
    document(6, "cat", "auto", confidence=None),
]
NASTY_ROWS = [document(n, label, "human") for n, label in enumerate(NASTY)]


def read_back(fmt, out):
    """What an export holds, as documents; the folder formats know five of the columns."""
    if fmt == "csv":
        types = pa_csv.ConvertOptions(
            column_types=SCHEMA, strings_can_be_null=True, quoted_strings_can_be_null=False
        )
        parsing = pa_csv.ParseOptions(newlines_in_values=True)
        return unescaped_table(pa_csv.read_csv(out / "documents.csv", None, parsing, types))
    if fmt == "parquet":
        return pq.read_table(out / "documents.parquet")
    if fmt == "jsonl":
        lines = (out / "documents.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
        rows = [json.loads(line) for line in lines]
        return table([row | row["taxonomy_match"] for row in rows])
    if fmt == "huggingface":
        files = (out / "data").glob("*.parquet")
        rows = [row for file in files for row in labelled_rows(pq.read_table(file))]
        return sorted(rows, key=lambda row: row["key"])
    with (out / "documents.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [{name: unescaped(value) for name, value in row.items()} for row in rows]


def labelled_rows(written):
    """The rows of images for `datasets`, their classes by name."""
    features = json.loads(written.schema.metadata[b"huggingface"])["info"]["features"]
    names = features["label"]["names"]
    return [row | {"label": names[row["label"]]} for row in written.to_pylist()]


def unescaped_table(written):
    """A table of a CSV with its texts as they were before they were made safe for spreadsheets."""
    columns = {
        name: [unescaped(value) if isinstance(value, str) else value for value in column]
        for name, column in written.to_pydict().items()
    }
    return pa.table(columns, schema=written.schema)
