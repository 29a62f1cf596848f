"""Reads and writes `sources.csv`: where each picture is from, its licence, and what failed.

A row is appended as its picture is kept, so that nothing is lost where a process is killed; at the
end the rows are put in order. A row cut short is none.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

from autolabel_core.foundation.atomic_files import write_atomically
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.storage.buckets.sources_csv import COLUMNS, FILE, HEADER, PictureSource

_FORMULA = ("=", "+", "-", "@")


class Sources:
    """The rows of a folder, written while pictures are kept; use it in a `with`.

    Args:
        folder: holds the pictures, and `sources.csv`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._file = folder, folder / FILE
        self._of_query: dict[tuple[str, str], dict[str, PictureSource]] = {}
        self._of_picture: dict[str, PictureSource] = {}
        for row in _read(self._file):
            self._take(row)

    def __enter__(self) -> Sources:
        self._settle()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._settle()

    @property
    def rows(self) -> list[PictureSource]:
        """All rows, in the order of the file."""
        rows = (row for of_query in self._of_query.values() for row in of_query.values())
        return sorted(rows, key=lambda row: row.place)

    def held(self, site: str, query: str) -> list[PictureSource]:
        """Return the rows of a query whose picture is in the folder."""
        return [
            row for row in self._of_query.get((site, query), {}).values() if self._is_there(row)
        ]

    def holder(self, picture_url: str) -> PictureSource | None:
        """Return a row of a picture, of any query, if it is in the folder."""
        row = self._of_picture.get(picture_url)
        return row if row is not None and self._is_there(row) else None

    def forget_problems(self, site: str, query: str) -> None:
        """Drop what failed of a query, which is asked again."""
        of_query = self._of_query.get((site, query), {})
        self._of_query[site, query] = {key: row for key, row in of_query.items() if row.file}

    def add(self, row: PictureSource) -> None:
        """Take a row down, in place of what was said of the same before.

        Args:
            row: the row.

        Raises:
            AutolabelError: the disk is full, or refuses the file.
        """
        self._take(row)
        try:
            with self._file.open("ab") as handle:
                handle.write(_written([row]))
                handle.flush()
                os.fsync(handle.fileno())
        except OSError as error:
            raise AutolabelError(f"{self._file} cannot be written: {error.strerror}.") from error

    def _take(self, row: PictureSource) -> None:
        self._of_query.setdefault((row.site, row.query), {})[row.picture_url] = row
        if row.file:
            self._of_picture[row.picture_url] = row

    def _is_there(self, row: PictureSource) -> bool:
        return bool(row.file) and (self._folder / row.file).is_file()

    def _settle(self) -> None:
        """Write all rows in order, unless they stand so."""
        content = HEADER + _written(self.rows)
        if not self._file.is_file() or self._file.read_bytes() != content:
            write_atomically(self._file, lambda part: part.write_bytes(content))


def _written(rows: Iterable[PictureSource]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([_cell(value) for value in asdict(row).values()] for row in rows)
    return text.getvalue().encode()


def _cell(value: str) -> str:
    """Return one line; what a spreadsheet would take for a formula begins with a space."""
    line = " ".join(value.split())
    return f" {line}" if line.startswith(_FORMULA) else line


def _read(file: Path) -> list[PictureSource]:
    if not file.is_file():
        return []
    content = file.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    try:
        rows = list(csv.reader(io.StringIO(whole.decode("utf-8-sig"), newline=""), strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        raise AutolabelError(_foreign(file, str(error))) from error
    if not rows or tuple(rows[0]) != COLUMNS:
        raise AutolabelError(
            _foreign(file, f"its columns are {', '.join(rows[0] if rows else [])}")
        )
    wrong = next((n for n, row in enumerate(rows, 1) if len(row) != len(COLUMNS)), None)
    if wrong is not None:
        raise AutolabelError(_foreign(file, f"row {wrong} has not {len(COLUMNS)} columns"))
    return [PictureSource(*(value.strip() for value in row)) for row in rows[1:]]


def _foreign(file: Path, problem: str) -> str:
    return (
        f"{file} is not as `gather` writes it: {problem}. Expected the columns "
        f"{', '.join(COLUMNS)}; correct it, or move it away."
    )
