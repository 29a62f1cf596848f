"""Checks the rows of an export or a backup against the ledger's tables, before one is inserted.

The file may come from anybody: what SQLite would take without a word (a text as a number, half of
a character) stands in the way of every later reader.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import JSON, BigInteger, Float, Integer, Table, UniqueConstraint

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.ledger.rows import AnyColumn

MAX_DEPTH = 100
MAX_INTEGER, MAX_BIG_INTEGER = 2**31 - 1, 2**63 - 1
"""What PostgreSQL's columns hold; SQLite's hold no more than the second."""


@dataclass(frozen=True)
class FileRow:
    """A row as a file gives it.

    Attributes:
        place: where it stands, such as `line 3`.
        table: the name of its table, as the file says.
        values: by column, as the file says.
    """

    place: str
    table: str
    values: Mapping[str, object]


def refusal(named: Path, place: str, problem: str) -> str:
    """Return the message that names the place in the file and what is wrong there."""
    return (
        f"{named}, {place}: {problem}. Nothing was restored. "
        "Use what `autolabel ledger export` or `backup` wrote."
    )


def parsed(lines: Iterable[str | bytes], named: Path) -> Iterator[tuple[int, object]]:
    """Read each line as JSON.

    Args:
        lines: of the file; bytes are UTF-8.
        named: what messages call the file.

    Yields:
        tuple[int, object]: the number of the line, from 1, and its value.

    Raises:
        AutolabelError: a line is no JSON.
    """
    for number, line in enumerate(lines, start=1):
        try:
            yield number, json.loads(line if isinstance(line, str) else line.decode("utf-8"))
        except UnicodeDecodeError as error:
            if number == 1:
                raise AutolabelError(f"{named} is no backup or export of a ledger.") from error
            raise AutolabelError(refusal(named, f"line {number}", "no UTF-8")) from error
        except RecursionError as error:
            raise AutolabelError(
                refusal(named, f"line {number}", "JSON nested too deeply")
            ) from error
        except ValueError as error:
            raise AutolabelError(refusal(named, f"line {number}", "no JSON")) from error


def line_row(entry: object, number: int, named: Path) -> FileRow:
    """Return the row that a line of an export holds.

    Args:
        entry: the line's value.
        number: of the line, from 1.
        named: what messages call the file.

    Returns:
        The row, whose values are not checked yet.

    Raises:
        AutolabelError: the line holds no row.
    """
    table, row = (entry.get("table"), entry.get("row")) if isinstance(entry, dict) else ("", None)
    if not isinstance(table, str) or not isinstance(row, dict):
        raise AutolabelError(refusal(named, f"line {number}", "no row"))
    return FileRow(f"line {number}", table, row)


class RowChecks:
    """Checks rows in the order of the file.

    Args:
        tables: that rows may be of, by name.
        named: what messages call the file.
        with_lengths: whether the database refuses texts that are longer than declared.
    """

    def __init__(self, tables: Mapping[str, Table], named: Path, with_lengths: bool) -> None:
        self._tables, self._named, self._with_lengths = tables, named, with_lengths
        self._last_ids: dict[str, int] = {}
        self._unique: dict[tuple[str, ...], set[bytes]] = {}

    def check(self, row: FileRow) -> None:
        """Accept a row, or raise `AutolabelError` with its place and what is wrong with it."""
        problem = self._problem(row)
        if problem is not None:
            raise AutolabelError(refusal(self._named, row.place, problem))

    def _problem(self, row: FileRow) -> str | None:
        table = self._tables.get(row.table)
        if table is None:
            return f"a row that fits no table: `{_shown(row.table)}`"
        if set(row.values) != set(table.columns.keys()):
            return f"a row that fits no table: `{row.table}` with {_shown(', '.join(row.values))}"
        for column in table.columns:
            problem = _value_problem(column, row.values[column.name], self._with_lengths)
            if problem is not None:
                return f"`{column.name}` of `{row.table}` {problem}"
        return self._order_problem(row) or self._repetition(table, row.values)

    def _order_problem(self, row: FileRow) -> str | None:
        id_ = row.values["id"]
        before = self._last_ids.get(row.table, 0)
        if not isinstance(id_, int) or id_ <= before:
            return f"the id {id_} of `{row.table}` comes after {before}, expected a greater one"
        self._last_ids[row.table] = id_
        return None

    def _repetition(self, table: Table, values: Mapping[str, object]) -> str | None:
        """Digests take a third of the memory of the values themselves."""
        for constraint in table.constraints:
            if not isinstance(constraint, UniqueConstraint):
                continue
            names = tuple(column.name for column in constraint.columns)
            own = repr([values[name] for name in names]).encode()
            digest = hashlib.blake2b(own, digest_size=16).digest()
            known = self._unique.setdefault((table.name, *names), set())
            if digest in known:
                return f"`{table.name}` has the same {' and '.join(names)} in an earlier row"
            known.add(digest)
        return None


def _value_problem(column: AnyColumn, value: object, with_lengths: bool) -> str | None:
    if value is None:
        return None if column.nullable else "is null, expected a value"
    if isinstance(column.type, JSON):
        wanted = (dict, list) if column.nullable else (dict,)
        if not isinstance(value, wanted):
            return f"is {_shown(value)}, expected an object"
        return _json_problem(value)
    if isinstance(column.type, Integer):
        is_big = column.primary_key or isinstance(column.type, BigInteger)
        return _integer_problem(value, MAX_BIG_INTEGER if is_big else MAX_INTEGER)
    if isinstance(column.type, Float):
        return _number_problem(value)
    return _text_problem(value, getattr(column.type, "length", None) if with_lengths else None)


def _integer_problem(value: object, most: int) -> str | None:
    if type(value) is int and 0 <= value <= most:
        return None
    return f"is {_shown(value)}, expected a whole number from 0 to {most}"


def _number_problem(value: object) -> str | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and _is_finite(value):
        return None
    return f"is {_shown(value)}, expected a finite number"


def _text_problem(value: object, most: int | None) -> str | None:
    if not isinstance(value, str):
        return f"is {_shown(value)}, expected a text"
    if most is not None and len(value) > most:
        return f"has {len(value)} characters, expected at most {most}"
    if "\0" in value or not _is_unicode(value):
        return f"is {_shown(value)}, expected a text without half characters and NUL"
    return None


def _json_problem(value: object) -> str | None:
    """Look at all values; without recursion, since Python's own depth is no limit to rely on."""
    waiting: list[tuple[object, int]] = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        if depth > MAX_DEPTH:
            return f"is nested deeper than {MAX_DEPTH}"
        if isinstance(one, dict):
            waiting += ((each, depth + 1) for pair in one.items() for each in pair)
        elif isinstance(one, list):
            waiting += ((each, depth + 1) for each in one)
        elif (problem := _plain_problem(one)) is not None:
            return problem
    return None


def _plain_problem(value: object) -> str | None:
    if isinstance(value, str):
        return _text_problem(value, None)
    return None if value is None or isinstance(value, bool) else _number_problem(value)


def _is_finite(value: float) -> bool:
    if isinstance(value, int):
        return abs(value) <= MAX_BIG_INTEGER
    return math.isfinite(value)


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _shown(value: object) -> str:
    if isinstance(value, int) and abs(value) > MAX_BIG_INTEGER:
        return f"a number of {value.bit_length()} bits"
    text = value if isinstance(value, str) else repr(value)
    return text[:60].encode("ascii", "backslashreplace").decode("ascii")
