"""File and folder names from labels and keys: readable, unique, safe on every file system."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

MAX_NAME_BYTES = 150
_UNSAFE = frozenset('%/\\:*?"<>|')
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,7}")
_SUFFIXES = {
    "image/bmp": (".bmp",),
    "image/gif": (".gif",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/png": (".png",),
    "image/tiff": (".tif", ".tiff"),
    "image/webp": (".webp",),
}


def safe_name(text: str) -> str:
    """One path segment that reads like the text; what a file system may refuse becomes %XX.

    Args:
        text: any text; unquoting the name gives it back.

    Returns:
        The segment, of any length; never empty, `.` or `..`, and with no leading dot.
    """
    name = "".join(_quoted(c) if _is_unsafe(c) else c for c in text)
    if name.startswith((".", "__", " ")) or _DEVICES.fullmatch(name):
        name = _quoted(name[0]) + name[1:]
    if name.endswith((".", " ")):
        name = name[:-1] + _quoted(name[-1])
    return name or "%00"


def file_stem(key: str) -> str:
    """The safe name of an object's file, without its suffix: `/` in the key becomes `__`."""
    suffix = PurePosixPath(key).suffix
    stem = key.removesuffix(suffix) if _SUFFIX.fullmatch(suffix) else key
    return "__".join(safe_name(part) for part in stem.split("/") if part) or safe_name(stem)


def file_suffix(key: str, media_type: str) -> str:
    """The suffix that tells what the file is: the key's own where it agrees with the type."""
    own = PurePosixPath(key).suffix
    if media_type.startswith("text/"):
        return ".txt"
    accepted = _SUFFIXES.get(media_type)
    if accepted:
        return own if own.lower() in accepted else accepted[0]
    return own if _SUFFIX.fullmatch(own) else ".bin"


def unique_names(
    names: Sequence[str],
    tails: Sequence[str],
    taken: Iterable[str] = (),
    suffixes: Sequence[str] = (),
) -> list[str]:
    """The names, shortened where too long and told apart where a file system may confuse them.

    Two names are confused when they differ only in case or in Unicode form. The first keeps its
    name, later ones end in `~` and their tail.

    Args:
        names: safe names, in the order of precedence.
        tails: what tells each apart, such as its document id.
        taken: names that are in use already.
        suffixes: what is appended to each, such as `.png`; none appended when empty.

    Returns:
        As many different names, each at most 150 bytes long without its suffix.
    """
    used = {_confusable(name) for name in taken}
    found = []
    for name, tail, suffix in zip(names, tails, suffixes or [""] * len(names), strict=True):
        chosen = _first_free(name, safe_name(tail), suffix, used)
        used.add(_confusable(chosen))
        found.append(chosen)
    return found


def _first_free(name: str, tail: str, suffix: str, used: set[str]) -> str:
    if len(name.encode()) <= MAX_NAME_BYTES and _confusable(name + suffix) not in used:
        return name + suffix
    for length in range(min(12, len(tail)), len(tail) + 1):
        candidate = _shortened(name, f"~{tail[-length:]}") + suffix
        if _confusable(candidate) not in used:
            return candidate
    number = 1
    while _confusable(_shortened(name, f"~{tail[-12:]}~{number}") + suffix) in used:
        number += 1
    return _shortened(name, f"~{tail[-12:]}~{number}") + suffix


def _shortened(name: str, ending: str) -> str:
    room = MAX_NAME_BYTES - len(ending.encode())
    kept = name.encode()[: max(room, 0)].decode(errors="ignore")
    # A cut must not leave half of a %XX behind.
    return re.sub(r"%[0-9A-F]?$", "", kept) + ending


def _confusable(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKD", name).casefold())


def _is_unsafe(character: str) -> bool:
    return (
        character in _UNSAFE
        or unicodedata.category(character)[0] == "C"
        or character in "\u2028\u2029"
    )


def _quoted(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())
