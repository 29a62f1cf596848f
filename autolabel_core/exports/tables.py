"""Formats that are one table: every document in one file, also those without a label."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from json.encoder import encode_basestring
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
_TRUTH = {None: "null", True: "true", False: "false"}
_as_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


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
        for batch in documents.to_batches(max_chunksize=_ROWS_AT_ONCE):
            lines.writelines(_lines_of(batch))
    return Written(documents)


def _lines_of(documents: pa.RecordBatch) -> Iterator[str]:
    """One line of JSON for each document, put together column by column: there may be many."""
    texts = {name: _json_texts(documents.select([name])) for name in documents.schema.names}
    parts = {name: part for name, part in _MATCH.items() if name in texts}
    match = ", ".join(f"{_as_json(part)}: %s" for part in parts.values())
    texts["taxonomy_match"] = [
        f"{{{match}}}" % row for row in zip(*(texts[name] for name in parts), strict=True)
    ]
    # A dict keeps one of each, where the first one was.
    shown = dict.fromkeys(
        "taxonomy_match" if name in _MATCH else name for name in documents.schema.names
    )
    line = ", ".join(f"{_as_json(name).replace('%', '%%')}: %s" for name in shown)
    for row in zip(*(texts[name] for name in shown), strict=True):
        yield f"{{{line}}}\n" % row


def _json_texts(column: pa.RecordBatch) -> list[str]:
    """Each value of one column as JSON; a number that JSON cannot say (NaN) becomes null."""
    ((name, values),) = column.to_pydict().items()
    kind = column.schema.field(name).type
    if pa.types.is_string(kind):
        # What the encoder calls for a text, after half a dozen lines for each.
        return ["null" if value is None else encode_basestring(value) for value in values]
    if pa.types.is_floating(kind):
        return [repr(v) if v is not None and math.isfinite(v) else "null" for v in values]
    if pa.types.is_boolean(kind):
        return [_TRUTH[value] for value in values]
    return [_as_json(_sayable(value)) for value in values]


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
