"""The format of `sources.csv` in a folder of pictures: its columns and its rows."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, fields

FILE = "sources.csv"


@dataclass(frozen=True)
class PictureSource:
    """One row: a picture, or a query or picture that failed, which `problem` tells.

    Attributes:
        file: name of the picture in the folder; empty where there is none.
        label: as the file's name is read.
        set_code: as the site tells it, also where it is not in the file's name.
        rarity: likewise.
        site: which adapter was asked; of a site and a query a picture is said once.
        query: what it was asked.
        source_page: where a person sees the picture.
        picture_url: where it was fetched.
        licence: as the site tells it.
        attribution: who wants to be named.
        sha256: of the file, in hexadecimal digits.
        fetched_at: UTC, ISO 8601.
        problem: why there is no file.
    """

    file: str = ""
    label: str = ""
    set_code: str = ""
    rarity: str = ""
    site: str = ""
    query: str = ""
    source_page: str = ""
    picture_url: str = ""
    licence: str = ""
    attribution: str = ""
    sha256: str = ""
    fetched_at: str = ""
    problem: str = ""

    @property
    def place(self) -> tuple[bool, str, str, str, str]:
        """Where the row stands: pictures by file, then what failed."""
        return not self.file, self.file, self.site, self.query, self.picture_url


COLUMNS = tuple(column.name for column in fields(PictureSource))
HEADER = f"{','.join(COLUMNS)}\r\n".encode()


def is_ledger(content: bytes) -> bool:
    """Whether the first line is that of `sources.csv`, as it is written or as editors save it."""
    return content.removeprefix(codecs.BOM_UTF8).startswith(HEADER.rstrip())
