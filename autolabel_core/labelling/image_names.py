"""Finds the key of an image that another tool names by a path of its own.

A path and a key mean the same image where one is the end of the other, folder by folder: what both
state must agree. Nothing is found by a bare name where folder or suffix say otherwise.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.labelling.box_input import SourceImage

IMAGE_SUFFIXES = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".gif", ".webp", ".bmp", ".dib"),
        *(".tif", ".tiff", ".heic", ".heif", ".avif", ".ppm", ".pgm", ".pbm", ".pnm", ".pcx"),
        *(".tga", ".ico", ".jp2", ".j2k", ".dds", ".psd", ".svg", ".mpo", ".dng"),
    }
)
MAX_NAMED = 3
"""So many keys are named in an error; more are counted."""

_SPLIT = re.compile(r"(train|val|test|dev)(?:ing|id|idation)?(?:\d{4})?", re.IGNORECASE)
_UPLOADED = re.compile(r"[0-9a-f]{8}-(.+)", re.DOTALL)
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")

Parts = tuple[str, ...]


def has_image_suffix(path: str) -> bool:
    """Return whether a path ends as image files do."""
    return PurePosixPath(path).suffix.lower() in IMAGE_SUFFIXES


def split_of(folder: str) -> str | None:
    """Return the split that a folder's name means: train, val, test or dev; None for others."""
    match = _SPLIT.fullmatch(folder)
    return match[1].lower() if match else None


@dataclass(frozen=True)
class FoundKey:
    """The key of an image, and whether the prefix of an upload was taken off its name."""

    key: str
    without_prefix: bool = False


class ImageKeys:
    """The keys of a collection, to be found by the paths that others use.

    Args:
        keys: all keys.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = frozenset(keys)
        self._by_name: dict[str, list[tuple[Parts, str]]] = {}
        self._by_stem: dict[str, list[tuple[Parts, str]]] = {}
        for key in sorted(self._keys):
            parts = _parts(key)
            if not parts:
                continue
            self._by_name.setdefault(parts[-1], []).append((parts, key))
            if has_image_suffix(parts[-1]):
                bare = (*parts[:-1], PurePosixPath(parts[-1]).stem)
                self._by_stem.setdefault(bare[-1], []).append((bare, key))

    def find(self, image: SourceImage) -> FoundKey:
        """Return the one key that an image means.

        Args:
            image: as a file names it.

        Returns:
            Its key.

        Raises:
            AutolabelError: there is none, or more than one; the message names those that are near.
        """
        if image.key is not None:
            return FoundKey(self._own(image.key))
        stated = self._stated(image.path, image.has_suffix, image.layout_folders)
        if stated is None:
            raise AutolabelError(f"no image {image.path!r}. {self.near(image.path)}".rstrip())
        self._check_entry(image, stated)
        return stated

    def near(self, path: str) -> str:
        """Return what is near a path that leads to no key; empty where nothing is."""
        readings = list(_readings(path))
        if not readings:
            return "Its name is empty."
        if ".rf." in readings[-1][-1]:
            return (
                "Roboflow gives images new names, and may resize, turn or crop them: put the "
                "images of its export into the bucket."
            )
        for parts in readings:
            elsewhere = [key for _, key in self._by_name.get(parts[-1], ())]
            if elsewhere:
                return f"In another folder there is {_named(elsewhere)}."
            stem = PurePosixPath(parts[-1]).stem if has_image_suffix(parts[-1]) else parts[-1]
            others = [key for _, key in self._by_stem.get(stem, ())]
            cased = [
                key
                for name in self._by_name
                if name.casefold() == parts[-1].casefold()
                for _, key in self._by_name[name]
            ]
            if cased and not others:
                return f"With capitals otherwise there is {_named(cased)}."
            if others and has_image_suffix(parts[-1]):
                return f"With another suffix there is {_named(others)}."
            if others:
                return f"In another folder there is {_named(others)}."
        return ""

    def _own(self, key: str) -> str:
        if key in self._keys:
            return key
        parts = _parts(key)
        same = [
            k for theirs, k in self._by_name.get(parts[-1] if parts else "", ()) if theirs == parts
        ]
        if len(same) != 1:
            raise AutolabelError(f"no image with the key {key!r}. {self.near(key)}".rstrip())
        return same[0]

    def _stated(self, path: str, has_suffix: bool, layout_folders: int) -> FoundKey | None:
        if has_suffix and has_image_suffix(path) and path in self._keys:
            return FoundKey(path)
        # `/in/cam#1.png` read as an address ends in `cam`, and must not become `cam.png` by that.
        is_whole = has_suffix and has_image_suffix(path)
        for parts in _readings(path):
            for taken_off, name in _names(parts[-1]):
                if is_whole and not has_image_suffix(name):
                    continue
                bare = not (has_suffix and has_image_suffix(name))
                keys = self._matching((*parts[:-1], name), bare, layout_folders)
                if len(keys) > 1:
                    raise AutolabelError(f"{path!r} fits {_named(keys, 'and')}; it must fit one")
                if keys:
                    return FoundKey(keys[0], taken_off)
        return None

    def _matching(self, stated: Parts, bare: bool, layout_folders: int) -> list[str]:
        candidates = list(self._by_name.get(stated[-1], ()))
        if bare:
            candidates += self._by_stem.get(stated[-1], [])
        keys = _closest(stated, candidates)
        if keys or not layout_folders:
            return keys
        splits = {split_of(folder) for folder in stated[:layout_folders]} - {None}
        allowed = [
            (parts, key)
            for parts, key in candidates
            if {split_of(folder) for folder in parts[:-1]} - {None} <= splits
        ]
        return _closest(stated[layout_folders:], allowed)

    def _check_entry(self, image: SourceImage, found: FoundKey) -> None:
        """Refuse an entry that lies under the name of another image than it speaks of."""
        if image.entry_path is None:
            return
        try:
            named = self._stated(image.entry_path, False, image.layout_folders)
        except AutolabelError:
            return
        if named is not None and named.key != found.key:
            raise AutolabelError(
                f"it lies under the name of {named.key!r}, and says that it is about "
                f"{found.key!r}; rename the one or change the other"
            )


def _closest(stated: Parts, candidates: Sequence[tuple[Parts, str]]) -> list[str]:
    """Return the keys that contradict nothing that is stated, those that agree on most."""
    agreeing = []
    for parts, key in candidates:
        shared = min(len(parts), len(stated))
        if parts[-shared:] == stated[-shared:]:
            agreeing.append((parts == stated, shared, key))
    best = max((rank[:2] for rank in agreeing), default=None)
    return list(dict.fromkeys(key for *rank, key in agreeing if tuple(rank) == best))


def _readings(path: str) -> Iterator[Parts]:
    """Yield what a path may mean: as it is, in the way of Windows, and as an address with %XX."""
    texts = [path, path.replace("\\", "/")]
    if _ADDRESS.match(path) or path.startswith("/"):
        address = urlsplit(path)
        local = parse_qs(address.query).get("d")
        texts = [local[0]] if local else [path, address.path]
    for text in dict.fromkeys([*texts, unquote(texts[-1])]):
        parts = _after_upload(_parts(text))
        if parts:
            yield parts


def _parts(path: str) -> Parts:
    """Return the folders and the name of a path in one Unicode form, `.` and `..` resolved."""
    parts: list[str] = []
    for part in unicodedata.normalize("NFC", path).split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return tuple(parts)


def _after_upload(parts: Parts) -> Parts:
    """Leave out the folder into which Label Studio puts what is uploaded to a project."""
    for place in range(len(parts) - 2):
        if parts[place] == "upload" and parts[place + 1].isdigit():
            return parts[place + 2 :]
    return parts


def _names(name: str) -> Iterator[tuple[bool, str]]:
    """Yield a file's name, and what it was before Label Studio took it."""
    yield False, name
    uploaded = _UPLOADED.fullmatch(name)
    if uploaded:
        yield True, uploaded[1]


def _named(keys: Sequence[str], last: str = "or") -> str:
    shown = [repr(key) for key in keys[:MAX_NAMED]]
    if len(keys) > MAX_NAMED:
        return f"{', '.join(shown)} and {len(keys) - MAX_NAMED} more"
    return f" {last} ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
