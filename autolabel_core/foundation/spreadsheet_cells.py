"""Escapes texts in CSV files that a spreadsheet would take for formulas."""

from __future__ import annotations

import re
from typing import TypeAlias, cast

import pyarrow as pa

STARTS_FORMULA = re.compile("'*[=+\\-@\t\r]")
"""What begins so runs in a spreadsheet, or did so before it was escaped."""

_STARTS = f"^{STARTS_FORMULA.pattern}"
Mask: TypeAlias = "pa.Array[pa.BooleanScalar]"

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def escaped(text: str) -> str:
    """Return a text as a spreadsheet shows it: with an apostrophe before what starts a formula.

    Args:
        text: any text; a plain number is none.

    Returns:
        The text, which `unescaped` turns back.
    """
    if STARTS_FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def unescaped(text: str) -> str:
    """Return what `escaped` was given."""
    return text[1:] if text.startswith("'") and STARTS_FORMULA.match(text) else text


def escaped_table(table: pa.Table) -> pa.Table:
    """Return a table whose texts and column names are escaped, the other columns as they are."""
    for place, name in enumerate(table.column_names):
        if pa.types.is_string(table.schema.types[place]):
            chunks = [_escaped_column(chunk) for chunk in table[name].chunks]
            table = table.set_column(place, name, pa.chunked_array(chunks, pa.string()))
    return table.rename_columns([escaped(name) for name in table.column_names])


def _escaped_column(texts: pa.Array[pa.StringScalar]) -> pa.Array[pa.StringScalar]:
    """Escape the few texts that start a formula; of the others no Python objects are made."""
    import pyarrow.compute as pc

    starts = cast("Mask", pc.match_substring_regex(texts, _STARTS).fill_null(False))
    few = [escaped(text) for text in texts.filter(starts).to_pylist() if text is not None]
    if not few:
        return texts
    replaced: pa.Array[pa.StringScalar] = pc.replace_with_mask(texts, starts, pa.array(few))
    return replaced
