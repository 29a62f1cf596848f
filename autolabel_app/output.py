"""Prints results: as a table in a terminal, as JSON for programs."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Literal

import click

WIDTH = 160
"""Characters of a line where the output is no terminal."""
# A key may hold what a terminal would obey.
CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f]")


def emit_json(value: object) -> None:
    """Print a value as JSON; numbers that JSON lacks become null."""
    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    click.echo(json.dumps(_plain(value), ensure_ascii=not unicode, indent=2))


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return _plain(value.item()) if hasattr(value, "item") else str(value)


def emit_table(rows: Sequence[Mapping[str, object]], empty: str = "none") -> None:
    """Print rows as a table, columns as in the first row; `empty` where there is no row."""
    if not rows:
        click.echo(empty)
        return
    names = list(rows[0])
    numeric = [all(isinstance(r.get(n), int | float | None) for r in rows) for n in names]
    cells = [[shown(row.get(name)) for name in names] for row in rows]
    plain = None if sys.stdout.isatty() else _plain_table([str(n) for n in names], cells, numeric)
    if plain is not None:
        click.echo(plain)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, is_number in zip(names, numeric, strict=True):
        justify: Literal["left", "right"] = "right" if is_number else "left"
        table.add_column(str(name), justify=justify, overflow="fold")
    for row in cells:
        table.add_row(*row)
    width = None if sys.stdout.isatty() else WIDTH
    Console(markup=False, highlight=False, width=width).print(table)


def _plain_table(
    names: Sequence[str], cells: Sequence[Sequence[str]], numeric: Sequence[bool]
) -> str | None:
    """Return a table as rich writes it, a hundred times faster; None where a cell must fold.

    Characters of other widths than one are left to rich too.
    """
    lines = [names, *cells]
    if not all(cell.replace("–", "").isascii() for line in lines for cell in line):
        return None
    widths = [max(1, *map(len, column)) for column in zip(*lines, strict=True)]
    if sum(widths) + 2 * (len(widths) - 1) > WIDTH:
        return None
    justify = [str.rjust if is_number else str.ljust for is_number in numeric]
    return "\n".join(
        "  ".join(put(cell, width) for put, cell, width in zip(justify, line, widths, strict=True))
        for line in lines
    )


def shown(value: object) -> str:
    """Return a value as a person reads it: a dash for nothing, no control characters."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {shown(v)}" for k, v in value.items())
    return CONTROLS.sub(lambda found: repr(found[0])[1:-1], str(value))


def percent(value: float | None) -> str:
    """Return a share as percent, a dash for None."""
    return "–" if value is None else f"{value:.1%}"
