"""A file's name as a label: `LOCH-JP001_pharaoh_s_servant_pscr.jpg` is "Pharaoh's Servant"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from autolabel_core.declarations.filenames import FileNames
from autolabel_core.errors import UnreadableItemError
from autolabel_core.labels import check_label

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
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
        said = {"set_code": self.set_code, "rarity": self.rarity}
        return {field: value for field, value in said.items() if value}


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
    code = re.match(rf"({rules.set_code})[_ ](?=.*\w)", path.stem)
    words = (path.stem[code.end() :] if code else path.stem).replace("_", " ").split()
    rarity = rules.rarity_of(words[-1]) if len(words) > 1 else None
    words = words[:-1] if rarity else words
    try:
        label = check_label(_titled(words))
    except ValueError as error:
        raise UnreadableItemError(f"the name `{path.name}` says no label: {error}") from error
    return Card(label, path.name, code[1] if code else None, rarity)


def several_files(cards: Iterable[Card]) -> Mapping[str, list[str]]:
    """Return the labels that more than one file ends in, with the files, both in order."""
    files: dict[str, list[str]] = {}
    for card in cards:
        files.setdefault(card.name, []).append(card.filename)
    return {name: sorted(found) for name, found in sorted(files.items()) if len(found) > 1}


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
