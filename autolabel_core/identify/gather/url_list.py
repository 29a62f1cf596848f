"""Reads a list of addresses from a CSV file, such as another folder's `sources.csv`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.identify.gather.site_adapter import Asking, Found

NAME = ("name", "label")
ADDRESS = ("url", "picture_url")


def addresses(ask: Asking, query: str, limit: int) -> Iterator[Found]:
    """The rows of a name, in order."""
    for row in _rows(ask.urls):
        if row["name"] == query:
            yield Found(
                query,
                row["url"],
                row.get("source_page", ""),
                row.get("attribution", ""),
                row.get("licence", "") or row.get("license", ""),
                row.get("set_code") or None,
                row.get("rarity") or None,
            )


def names(file: Path | None) -> list[str]:
    """Return the names in the list, in the order in which they come first."""
    return list(dict.fromkeys(row["name"] for row in _rows(file)))


def _rows(file: Path | None) -> list[dict[str, str]]:
    if file is None:
        raise AutolabelError("The site csv wants a list of addresses: `urls:`, or --urls.")
    if not file.is_file():
        raise NotFoundError(f"There is no list of addresses {file}.")
    try:
        text = file.read_text(encoding="utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        header = [title.strip().lower() for title in reader.fieldnames or []]
        reader.fieldnames = header
        name = next((title for title in NAME if title in header), None)
        address = next((title for title in ADDRESS if title in header), None)
        if name is None or address is None:
            columns = ", ".join(header) or "none"
            raise AutolabelError(
                f"{file}: expected the columns `name` and `url`, found {columns}. The columns "
                "licence, attribution, source_page, set_code and rarity may follow."
            )
        rows = []
        for row in reader:
            values = {key: (value or "").strip() for key, value in row.items() if key in header}
            if values[address]:
                rows.append({**values, "name": values[name], "url": values[address]})
            if bool(values[name]) != bool(values[address]):
                raise AutolabelError(
                    f"{file}:{reader.line_num}: expected a name and an address, found only one."
                )
        return rows
    except (csv.Error, UnicodeDecodeError) as error:
        raise AutolabelError(f"{file} is no CSV file in UTF-8: {error}") from error
