"""Exports labelled documents for other tools; the same documents give the same bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path

import pyarrow as pa

from autolabel_core.declarations.zero_shot import SUGGESTED
from autolabel_core.exports.atomic_folder import replacing
from autolabel_core.exports.export_report import (
    OTHER_SOURCE,
    UNLABELLED,
    ExportReport,
    ReadObject,
    Written,
    report_of,
)
from autolabel_core.exports.huggingface import write_huggingface
from autolabel_core.exports.image_folder import write_image_folder
from autolabel_core.exports.tables import write_csv, write_jsonl, write_parquet
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.suggestions import did_you_mean
from autolabel_core.storage.typed_rows import Column

__all__ = ["FORMATS", "LABEL_SOURCES", "ExportReport", "write_export"]

Writer = Callable[[pa.Table, Path, ReadObject | None], Written]

TABLES: Mapping[str, Writer] = {
    "csv": write_csv,
    "parquet": write_parquet,
    "jsonl": write_jsonl,
}
FOLDERS: Mapping[str, Writer] = {
    "image_folder": write_image_folder,
    "huggingface": write_huggingface,
}
FORMATS: Mapping[str, Writer] = {**TABLES, **FOLDERS}
PLAIN: Mapping[str, Writer] = {
    "csv": partial(write_csv, plain=True),
    "image_folder": partial(write_image_folder, plain=True),
}
"""The writers of CSV files, with formulas left as they are."""

LABEL_SOURCES = ("human", "promoted", "auto", SUGGESTED)
SCHEMA: Mapping[str, pa.DataType] = {
    "document_id": pa.string(),
    "key": pa.string(),
    "label": pa.string(),
    "label_source": pa.string(),
    "matched": pa.bool_(),
    "confidence": pa.float64(),
    "source_document_id": pa.string(),
    "content_hash": pa.string(),
    "media_type": pa.string(),
}
CERTAINTY: Mapping[str, pa.DataType] = {
    "score_name": pa.string(),
    "similarity": pa.float64(),
    "probability": pa.float64(),
    "margin": pa.float64(),
}
"""Columns that say what a confidence is, where documents have them."""


def write_export(
    fmt: str,
    documents: pa.Table,
    out: Path,
    read_object: ReadObject | None = None,
    label_sources: Collection[str] | None = None,
    plain: bool = False,
) -> ExportReport:
    """Write the documents to a folder in the format, all or nothing, and say what went in.

    The tables (csv, parquet, jsonl) hold every document, the folders (image_folder, huggingface)
    the labelled ones whose object can be read. Documents are sorted by key.

    Args:
        fmt: one of `FORMATS`.
        documents: the columns of `SCHEMA`, any of `CERTAINTY`, then any enrichment columns.
        out: folder that is absent, empty or an earlier export; that one is replaced.
        read_object: gives the bytes of a key; tables do without.
        label_sources: keep only labels from these sources; every document when None. Labels that
            were only proposed by name are left out unless they are asked for.
        plain: leave texts in CSV files as they are that a spreadsheet takes for formulas.

    Returns:
        Counts of what went in and of what was left out.
    """
    writer = _writer(fmt, plain)
    rows = _in_order(documents)
    if SUGGESTED not in (label_sources or ()):
        rows = _without_proposals(rows)
    rows, skipped = _asked_for(rows, fmt in FOLDERS, label_sources)
    with replacing(out, fmt) as folder:
        written = writer(rows, folder, read_object)
    return report_of(fmt, out, written, skipped)


def _writer(fmt: str, plain: bool) -> Writer:
    if fmt not in FORMATS:
        hint = did_you_mean(fmt, FORMATS)
        raise AutolabelError(f"Unknown format {fmt!r}.{hint} Formats: {', '.join(FORMATS)}.")
    return PLAIN.get(fmt, FORMATS[fmt]) if plain else FORMATS[fmt]


def _in_order(documents: pa.Table) -> pa.Table:
    """The known columns with their types, then the others by name; rows by key, then by id."""
    missing = [name for name in SCHEMA if name not in documents.column_names]
    if missing:
        raise AutolabelError(
            f"Expected the columns {', '.join(SCHEMA)}; missing: {', '.join(missing)}."
        )
    extra = sorted(name for name in documents.column_names if name not in SCHEMA)
    known = {**SCHEMA, **CERTAINTY}
    types = [(name, known.get(name, pa.string())) for name in (*SCHEMA, *extra)]
    table = documents.select([*SCHEMA, *extra]).cast(pa.schema(types))
    if _is_rising(table["key"].combine_chunks()):
        return table.combine_chunks()
    return table.sort_by([("key", "ascending"), ("document_id", "ascending")]).combine_chunks()


def _is_rising(keys: Column) -> bool:
    """Whether each key is greater than the one before, so that rows are in order already."""
    import pyarrow.compute as pc

    return bool(pc.all(pc.less(keys[:-1], keys[1:])).as_py()) and not keys.null_count


def _without_proposals(documents: pa.Table) -> pa.Table:
    """Take away the labels that nobody has decided: a proposal by name is none."""
    import pyarrow.compute as pc

    proposed = pc.is_in(documents["label_source"], value_set=pa.array([SUGGESTED]))
    for name in ("label", "label_source"):
        there = pc.if_else(proposed, pa.scalar(None, pa.string()), documents[name])
        documents = documents.set_column(documents.schema.get_field_index(name), name, there)
    return documents


def _asked_for(
    documents: pa.Table, labelled_only: bool, sources: Collection[str] | None
) -> tuple[pa.Table, Counter[str]]:
    import pyarrow.compute as pc

    for source in sources or ():
        if source not in LABEL_SOURCES:
            hint = did_you_mean(source, LABEL_SOURCES)
            raise AutolabelError(
                f"Unknown label source {source!r}.{hint} Sources: {', '.join(LABEL_SOURCES)}."
            )
    labelled = pc.is_valid(documents["label"])
    wanted = labelled
    if sources is not None:
        wanted = pc.and_(labelled, pc.is_in(documents["label_source"], pa.array(sorted(sources))))
    elif not labelled_only:
        return documents, Counter()
    kept = documents.filter(wanted)
    unlabelled = documents["label"].null_count
    other = documents.num_rows - unlabelled - kept.num_rows
    return kept, Counter({UNLABELLED: unlabelled, OTHER_SOURCE: other})
