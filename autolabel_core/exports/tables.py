"""Formats that are one table: every document in one file, also those without a label."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from autolabel_core.exports.export_report import ReadObject, Written
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.spreadsheet_cells import escaped_table

_MATCH = {
    **{name: name for name in ("matched", "confidence", "source_document_id")},
    **{"score_name": "score", "similarity": "similarity"},
    **{"probability": "probability", "margin": "margin"},
}
"""Columns of the match, and what they are called in `taxonomy_match`."""
_ROWS_AT_ONCE = 10_000


def write_csv(
    documents: pa.Table, folder: Path, _: ReadObject | None, plain: bool = False
) -> Written:
    """`documents.csv` in UTF-8: texts quoted, so null (nothing) and an empty text ("") differ.

    A text that a spreadsheet would take for a formula has an apostrophe before it, unless `plain`.
    """
    table = documents if plain else escaped_table(documents)
    pa_csv.write_csv(table, folder / "documents.csv")
    return Written(documents)


def write_parquet(documents: pa.Table, folder: Path, _: ReadObject | None) -> Written:
    """`documents.parquet`, the columns with their types."""
    path = folder / "documents.parquet"
    pq.write_table(documents, path, compression="zstd", row_group_size=1 << 17)
    return Written(documents)


def write_jsonl(documents: pa.Table, folder: Path, _: ReadObject | None) -> Written:
    """`documents.jsonl`: one object a line, the match nested as `taxonomy_match`."""
    if "taxonomy_match" in documents.column_names:
        raise AutolabelError(
            "Expected no enrichment column named taxonomy_match: each document's match takes that "
            "name. Give the enrichment another target."
        )
    with (folder / "documents.jsonl").open("w", encoding="utf-8", newline="\n") as lines:
        for row in rows_of(documents):
            lines.write(json_line(_nested(row)))
    return Written(documents)


def write_rows(rows: Sequence[Mapping[str, object]], out: Path) -> None:
    """Write rows to one file, in the form that its name ends with.

    Args:
        rows: dicts with the same keys.
        out: the file; an older one is replaced.

    Raises:
        AutolabelError: the name ends with none of .csv, .jsonl and .parquet.
    """
    table = pa.Table.from_pylist([dict(row) for row in rows])
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".csv":
        pa_csv.write_csv(escaped_table(table), out)
    elif out.suffix == ".jsonl":
        out.write_text("".join(json_line(row) for row in rows), encoding="utf-8", newline="\n")
    elif out.suffix == ".parquet":
        pq.write_table(table, out, compression="zstd")
    else:
        raise AutolabelError(f"{out} ends with {out.suffix!r}; expected .csv, .jsonl or .parquet.")


def rows_of(documents: pa.Table) -> Iterator[dict[str, object]]:
    """The documents one after another, without holding all of them as Python objects."""
    for batch in documents.to_batches(max_chunksize=_ROWS_AT_ONCE):
        yield from batch.to_pylist()


def texts_of(documents: pa.Table, column: str) -> list[str]:
    """The column's texts in order; null reads as an empty text."""
    return [str(value or "") for value in documents[column].to_pylist()]


def json_line(row: Mapping[str, object]) -> str:
    """One line of JSON; a number that JSON cannot say (NaN) becomes null."""
    return json.dumps(_sayable(row), ensure_ascii=False, allow_nan=False) + "\n"


def _sayable(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _sayable(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _nested(row: Mapping[str, object]) -> dict[str, object]:
    nested: dict[str, object] = {}
    for name, value in row.items():
        if name in _MATCH:
            match = {part: row[column] for column, part in _MATCH.items() if column in row}
            nested["taxonomy_match"] = match
        else:
            nested[name] = value
    return nested
