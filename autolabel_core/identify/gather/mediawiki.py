"""Adapters for wikis on MediaWiki: Wikimedia Commons and Yugipedia."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NotRequired, TypedDict

from autolabel_core.foundation.errors import UnreadableItemError
from autolabel_core.identify.gather.site_adapter import Asking, Found, plain_text

FILES = "6"
"""The namespace of files."""
WIDTH_PX = 1280
"""Pictures are asked for at most so wide, since an original may have hundreds of megabytes."""
MORE_FILES = 10
MOST_FILES = 50
_PRINT = re.compile(r"-[A-Z0-9]+-[A-Z]{2}-(?P<rarity>[A-Za-z]+)(-|\.)")
"""Yugipedia names pictures `DarkMagician-LOCH-JP-UR.png`: card, set, region, rarity, edition."""


class WikiValue(TypedDict):
    """One value of a file's metadata, as HTML."""

    value: str | int


class ImageInfo(TypedDict):
    """What a wiki says of a picture; without metadata it writes an empty list."""

    url: str
    mime: str
    descriptionurl: str
    thumburl: NotRequired[str]
    extmetadata: NotRequired[dict[str, WikiValue]]


class WikiFile(TypedDict):
    """A file that was found; `index` is its place among all."""

    title: str
    index: int
    imageinfo: NotRequired[list[ImageInfo]]


class WikiError(TypedDict):
    """Why a wiki does not answer."""

    info: str


class WikiPages(TypedDict, total=False):
    """What a search found."""

    pages: list[WikiFile]


class WikiAnswer(TypedDict, total=False):
    """What a wiki answers to a search; without a find there is no `query`."""

    error: WikiError
    query: WikiPages


def wikimedia(ask: Asking, query: str, limit: int) -> Iterator[Found]:
    """Photographs and drawings by search; the query is the label."""
    for file, info in _files(ask, f"{query} filetype:bitmap", limit):
        yield _found(query, file, info)


def yugipedia(ask: Asking, query: str, limit: int) -> Iterator[Found]:
    """Pictures of a Yu-Gi-Oh! card by search, its prints by their names; the query is the label."""
    for file, info in _files(ask, query, limit):
        named = _PRINT.search(file["title"])
        yield _found(query, file, info, named["rarity"] if named else None)


def _files(ask: Asking, query: str, limit: int) -> Iterator[tuple[WikiFile, ImageInfo]]:
    answer: WikiAnswer = ask.json(
        "/api.php",
        {
            "action": "query",
            "format": "json",
            "formatversion": "2",
            "generator": "search",
            "gsrsearch": query,
            "gsrnamespace": FILES,
            "gsrlimit": str(min(limit + MORE_FILES, MOST_FILES)),
            "prop": "imageinfo",
            "iiprop": "url|mime|extmetadata",
            "iiurlwidth": str(WIDTH_PX),
            "iiextmetadatafilter": "LicenseShortName|Artist|Credit",
        },
    )
    if "error" in answer:
        raise UnreadableItemError(f"{ask.base_url} says: {answer['error']['info']}")
    pages = answer["query"].get("pages", []) if "query" in answer else []
    for file in sorted(pages, key=lambda page: page["index"]):
        for info in file.get("imageinfo", []):
            if info["mime"].startswith("image/"):
                yield file, info


def _found(query: str, file: WikiFile, info: ImageInfo, rarity: str | None = None) -> Found:
    told = {name: plain_text(str(entry["value"])) for name, entry in _metadata(info).items()}
    return Found(
        query,
        info.get("thumburl") or info["url"],
        info["descriptionurl"],
        told.get("Artist") or told.get("Credit") or "",
        told.get("LicenseShortName", ""),
        rarity=rarity,
    )


def _metadata(info: ImageInfo) -> dict[str, WikiValue]:
    # Where there is none, MediaWiki writes an empty list.
    return dict(info.get("extmetadata") or {})
