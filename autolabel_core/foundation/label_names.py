"""Label names: which are valid, which look alike, and how hierarchical ones are split.

A hierarchical label is one text, `Shoes > Running > Red`. Labels are compared by exact text
everywhere else, so this room's work is to keep two spellings of one class from becoming two.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.name_slips import SlipIndex

SEPARATOR = " > "
MAX_LABEL_CHARACTERS = 200

MISSING_VALUES = frozenset(("null", "Null", "NULL", "None", "nan", "NaN", "NAN", "<NA>"))
"""How programs write that there is no value; none of them is the name of a class."""

# Overrides of the writing direction and spaces of no width make labels differ that look alike.
_INVISIBLE = re.compile("[\u200b\u202a-\u202e\u2060\u2066-\u2069\ufeff]")


@dataclass(frozen=True)
class NameWarning:
    """A new label that looks like another spelling of a label in use.

    Attributes:
        new: the label as given.
        existing: the label that it resembles.
        used: how many items carry the existing label.
        reason: what differs: "case", "punctuation or spaces", "plural" or "spelling".
    """

    new: str
    existing: str
    used: int
    reason: str

    def __str__(self) -> str:
        """The question to put to the person who labels."""
        times = "once" if self.used == 1 else f"{self.used} times"
        return (
            f'"{self.new}" differs only in {self.reason}: '
            f'did you mean "{self.existing}", used {times}?'
        )


def is_missing_value(text: str) -> bool:
    """Whether a text is how programs write that there is no label, such as `null` or `NaN`."""
    return text.strip() in MISSING_VALUES


def is_null(text: str) -> bool:
    """Whether a text says that there is to be no label: the word `null`."""
    return text.strip().casefold() == "null"


def check_label(text: str) -> str:
    """The label as it is stored; see `clean_label`.

    Args:
        text: what a person typed.

    Returns:
        The cleaned label.

    Raises:
        AutolabelError: it is none that could be stored, or how programs write a missing value.
    """
    label = clean_label(text)
    if is_missing_value(label):
        raise AutolabelError(
            f"Expected a label, found {label!r}, which is how programs write that there is none. "
            "Type a name; to take a label away, use null."
        )
    return label


def clean_label(text: str) -> str:
    """A name as it is stored: surrounding whitespace gone, one Unicode form (NFC).

    Args:
        text: what a person typed.

    Returns:
        The cleaned label, 1 to 200 characters.

    Raises:
        AutolabelError: when nothing is left, or the text is too long or holds invisible characters.
    """
    label = unicodedata.normalize("NFC", text.strip())
    if not label:
        raise AutolabelError(
            f"Expected a label, found only whitespace ({text!r}). "
            "Type a name; to take a label away, use null."
        )
    hidden = next((c for c in label if _is_hidden(c)), None)
    if hidden is not None:
        raise AutolabelError(
            f"Expected a label in visible characters on one line, found U+{ord(hidden):04X} "
            f"in {label[:60]!r}. Remove that character."
        )
    if len(label) > MAX_LABEL_CHARACTERS:
        raise AutolabelError(
            f"Expected a label of at most {MAX_LABEL_CHARACTERS} characters, found {len(label)}: "
            f"{label[:40]!r}… Use a short name and keep remarks in the annotation's reasoning."
        )
    return label


def _is_hidden(character: str) -> bool:
    category = unicodedata.category(character)
    return category in {"Cc", "Cs", "Zl", "Zp"} or bool(_INVISIBLE.match(character))


def parts(label: str) -> tuple[str, ...]:
    """The levels of a hierarchical label, outermost first; with an empty level it is one part."""
    levels = tuple(level.strip() for level in label.split(">"))
    return levels if all(levels) else (label.strip(),)


def normalise_path(label: str) -> str:
    """The one spelling of a hierarchical label: ` > ` between its levels."""
    return SEPARATOR.join(parts(label))


def ancestors(label: str) -> list[str]:
    """The labels above this one, nearest first: `A > B > C` gives `A > B` and `A`."""
    levels = parts(label)
    return [SEPARATOR.join(levels[:depth]) for depth in range(len(levels) - 1, 0, -1)]


def roll_up(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts by label and by every ancestor: an ancestor holds its own items and its descendants'.

    Args:
        counts: how many items carry each label; spellings of one path are added up.

    Returns:
        The counts in the order of the hierarchy, each ancestor before its descendants.
    """
    rolled: Counter[str] = Counter()
    for label, count in counts.items():
        for name in (normalise_path(label), *ancestors(label)):
            rolled[name] += count
    return {name: rolled[name] for name in sorted(rolled, key=parts)}


def taxonomy_version(labels: Iterable[str]) -> str:
    """Twelve hexadecimal digits that change exactly when the set of labels changes."""
    vocabulary = json.dumps(sorted(set(labels)), ensure_ascii=True)
    return hashlib.sha256(vocabulary.encode()).hexdigest()[:12]


def inconsistent_names(new: Iterable[str], existing: Mapping[str, int]) -> list[NameWarning]:
    """Warnings about new labels that are probably other spellings of labels in use.

    A label that is in use already is never warned about. New labels are also compared with the new
    labels before them, so two spellings within one upload are found.

    Args:
        new: labels about to be given, in order; repeated ones count as uses.
        existing: how many items carry each label today.

    Returns:
        At most one warning a label: the likeliest other spelling, then the most used.
    """
    known = dict(existing)
    folded: dict[str, list[str]] = {}
    slips = SlipIndex()
    for name in known:
        folded.setdefault(_folded(name), []).append(name)
        slips.add(name, *_shape_and_words(name))
    warnings = []
    for name in new:
        if name not in known:
            warning = _lookalike(name, known, folded, slips)
            warnings += [warning] if warning else []
            folded.setdefault(_folded(name), []).append(name)
            slips.add(name, *_shape_and_words(name))
        known[name] = known.get(name, 0) + 1
    return warnings


def _lookalike(
    name: str, known: Mapping[str, int], folded: Mapping[str, list[str]], slips: SlipIndex
) -> NameWarning | None:
    candidates = folded.get(_folded(name), []) or [
        other
        for other in slips.near_names(*_shape_and_words(name))
        if abs(len(name) - len(other)) <= max(len(name), len(other)) // 2
    ]
    if not candidates:
        return None
    best = min(candidates, key=lambda other: (-known[other], other))
    return NameWarning(name, best, known[best], _reason(name, best))


def _shape_and_words(label: str) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """How many words each level has, and the words without a plural s."""
    levels = [_words(level) for level in parts(label)]
    return tuple(map(len, levels)), tuple(_singular(word) for word in chain.from_iterable(levels))


def _reason(name: str, other: str) -> str:
    if name.casefold() == other.casefold():
        return "case"
    if _squeezed(name) == _squeezed(other):
        return "punctuation or spaces"
    return "plural" if _folded(name) == _folded(other) else "spelling"


@lru_cache(maxsize=1 << 16)
def _words(level: str) -> tuple[str, ...]:
    """Words without case and punctuation; digits stay apart: `1.5 l` is not `15 l`."""
    plain = unicodedata.normalize("NFKC", level).casefold()
    spaced = "".join(" " if unicodedata.category(c)[0] in "PZ" else c for c in plain)
    return tuple(re.sub(r"(?<=\d) +(?=\d)", ".", spaced).split())


def _squeezed(label: str) -> str:
    return ">".join("".join(_words(level)) or level for level in parts(label))


def _folded(label: str) -> str:
    return ">".join("".join(map(_singular, _words(level))) or level for level in parts(label))


def _singular(word: str) -> str:
    """The word without a plural s; `glass`, `bus` and `iris` keep theirs."""
    has_plural = len(word) > 3 and word.endswith("s") and word[-2] not in "sui"
    return word[:-1] if has_plural else word
