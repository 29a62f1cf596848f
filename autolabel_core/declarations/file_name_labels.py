"""Reads labels from file names: `LOCH-JP001_pharaoh_s_servant_pscr.jpg` is "Pharaoh's Servant"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from autolabel_core.declarations.file_name_rules import FileNames
from autolabel_core.foundation.errors import UnreadableItemError
from autolabel_core.foundation.label_names import clean_label

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
MAX_STEM_BYTES = 200
"""File systems take names of 255 bytes; a number, a suffix and `.part` come to it."""
_NUMBER = re.compile(r"(?<=.)~\d+$")
_UNSAFE = re.compile(r'[<>:"/\\|?*~_\x00-\x1f\x7f]')
_PRONOUNS = frozenset({"i", "you", "he", "she", "it", "we", "they", "who", "that", "there"})
_AFTER_PRONOUNS = frozenset({"ll", "re", "ve", "d", "m"})


@dataclass(frozen=True)
class Card:
    """What one file name says.

    Attributes:
        name: the label.
        filename: the name that was read.
        set_code: the prefix that names a print, such as `LOCH-JP001`.
        rarity: as it is shown, such as `PScR`.
    """

    name: str
    filename: str
    set_code: str | None = None
    rarity: str | None = None

    @property
    def fields(self) -> dict[str, str]:
        """What the name says beside the label; absent ones are left out."""
        fields = {"set_code": self.set_code, "rarity": self.rarity}
        return {field: value for field, value in fields.items() if value}


def is_picture(filename: str) -> bool:
    """Whether the suffix is one of the four that references have, in any case."""
    return PurePosixPath(filename).suffix.lower() in SUFFIXES


def read_name(filename: str, naming: FileNames | None = None) -> Card:
    """Read label, set code and rarity from a file's name; folders before it say nothing.

    Underscores are spaces. Every word begins with a capital; capitals within words stay, unless
    several words have nothing else. A lone `s` after a word had an apostrophe, as had `t` after an
    `n` and what follows a pronoun (`you_ll`).

    Args:
        filename: such as `dark_magician_pscr.jpg`.
        naming: which rarities and set codes there are.

    Returns:
        The card; a set code or rarity that would leave no label is part of the label.

    Raises:
        UnreadableItemError: no word is left, or the label is none that could be stored.
    """
    rules = naming or FileNames()
    path = PurePosixPath(filename)
    stem = _NUMBER.sub("", path.stem)
    code = re.match(rf"({rules.set_code})[_ ](?=.*\w)", stem)
    words = (stem[code.end() :] if code else stem).replace("_", " ").split()
    rarity = rules.rarity_of(words[-1]) if len(words) > 1 else None
    words = words[:-1] if rarity else words
    try:
        label = clean_label(_titled(words))
    except ValueError as error:
        raise UnreadableItemError(f"the name `{path.name}` says no label: {error}") from error
    return Card(label, path.name, code[1] if code else None, rarity)


def write_name(card: Card, suffix: str, naming: FileNames | None = None, number: int = 1) -> Card:
    """Name a file so that `read_name` reads its label: `pharaoh_s_servant_pscr.jpg`.

    Lower case is taken where it keeps the label. What no file system takes in a name is a space.
    A set code or rarity that would not be read back is left out.

    Args:
        card: label, set code and rarity as they are known elsewhere; its file name says nothing.
        suffix: of the file, with its dot.
        naming: which rarities and set codes there are.
        number: tells files apart that are equal in all else; from 2 it stands in the name.

    Returns:
        The card as `read_name` reads its file name; its label has the words of the given one.

    Raises:
        UnreadableItemError: no name would be read as that label.
    """
    rules = naming or FileNames()
    words = _UNSAFE.sub(" ", card.name.replace("\u2019", "'")).split()
    try:
        label = clean_label(_titled(words))
    except ValueError as error:
        raise UnreadableItemError(f"{card.name!r} is no label: {error}") from error
    rarity = re.sub(r"[\W_]", "", card.rarity or "").lower()
    told = None if _UNSAFE.search(card.set_code or "") else card.set_code
    end = f"~{number}{suffix}" if number > 1 else suffix
    for code, last in dict.fromkeys(((told, rarity), (told, ""), (None, rarity), (None, ""))):
        wanted = (label, code or None, rules.rarity_of(last) if last else None)
        for stem in _stems("_".join(words)):
            name = "_".join(part for part in (code, stem, last) if part) + end
            if (said := _read_back(name, end, rules)) and _told(said) == wanted:
                return said
    raise UnreadableItemError(
        f"no file name would be read as `{label}`: it may be too long, or end in a word that is "
        "read as a rarity (then set that to an empty text under `rarities`); or give another label"
    )


def several_files(cards: Iterable[Card]) -> Mapping[str, list[str]]:
    """Return the labels that more than one file ends in, with the files, both in order."""
    files: dict[str, list[str]] = {}
    for card in cards:
        files.setdefault(card.name, []).append(card.filename)
    return {name: sorted(found) for name, found in sorted(files.items()) if len(found) > 1}


def _stems(cased: str) -> list[str]:
    """Return spellings of a label's words, the plainest first; a `_` in front hides a set code."""
    plain = cased.replace("'", "_")
    spellings = (plain.lower(), cased.lower(), plain, cased)
    return [f"{front}{spelling}" for front in ("", "_") for spelling in spellings]


def _read_back(name: str, end: str, rules: FileNames) -> Card | None:
    if name.startswith(".") or len(name.removesuffix(end).encode()) > MAX_STEM_BYTES:
        return None
    try:
        return read_name(name, rules)
    except UnreadableItemError:
        return None


def _told(card: Card) -> tuple[str, str | None, str | None]:
    return card.name, card.set_code, card.rarity


def _titled(words: list[str]) -> str:
    text = " ".join(words)
    if text.isupper() and len(words) > 1:
        words = text.lower().split()
    titled: list[str] = []
    for word in words:
        if titled and _had_apostrophe(titled[-1], word):
            titled[-1] += f"'{word.lower()}"
        else:
            titled.append("-".join(part[:1].upper() + part[1:] for part in word.split("-")))
    return " ".join(titled)


def _had_apostrophe(before: str, word: str) -> bool:
    before, word = before.lower(), word.lower()
    if "'" in before or not before[-1].isalpha():
        return False
    if word == "t":
        return before.endswith("n") and len(before) > 2
    return word == "s" or (word in _AFTER_PRONOUNS and before in _PRONOUNS)
