"""Exports make Python objects of few cells only, and write what one by one would give."""

from __future__ import annotations

import csv

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolabel_core.exports import write_export
from autolabel_core.foundation.spreadsheet_cells import escaped, escaped_table, unescaped

TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
ODD = st.sampled_from(
    ["", "\x00", "\x1f", "\x7f", '"', "\\", "\u2028", "é", "=1", "'=1", "-1", "\n"]
)


@given(st.lists(TEXTS | ODD | st.none()))
def test_cells_are_escaped_as_one_by_one(values):
    column = escaped_table(pa.table({"a": pa.array(values, pa.string())}))["a"].to_pylist()
    assert column == [None if value is None else escaped(value) for value in values]
    assert [None if value is None else unescaped(value) for value in column] == values


def documents(keys):
    """Rows with these keys, the label says which."""
    n = len(keys)
    columns = {name: pa.nulls(n, pa.string()) for name in ("label_source", "source_document_id")}
    return pa.table(
        {
            "document_id": [f"d{place}" for place in range(n)],
            "key": pa.array(keys, pa.string()),
            "label": [f"of {place}" for place in range(n)],
            "matched": pa.nulls(n, pa.bool_()),
            "confidence": pa.nulls(n, pa.float64()),
            "content_hash": pa.nulls(n, pa.string()),
            "media_type": pa.nulls(n, pa.string()),
            **columns,
        }
    )


@pytest.mark.parametrize(
    "keys", [["a", "b", "c"], ["c", "a", "b"], ["a", "a", "b"], ["b", "b"], ["a"], [], ["é", "z"]]
)
def test_documents_are_exported_by_key_in_whatever_order_they_come(tmp_path, keys):
    write_export("csv", documents(keys), tmp_path / "out")
    with (tmp_path / "out" / "documents.csv").open(encoding="utf-8", newline="") as opened:
        written = [(row["key"], row["document_id"]) for row in csv.DictReader(opened)]
    assert written == sorted((key, f"d{place}") for place, key in enumerate(keys))
