"""Judges which of several readings of some bytes is text that people write.

A reading is judged by the characters outside ASCII alone: they should belong to one language, stand
in words of one script, and not change from small to capital letters inside a word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

TYPOGRAPHY = frozenset(
    "“”„‘’‚«»‹›–—…•€£§©®°·№™\u00a0\u00ad\ufeff\u3000、。「」『』〈〉《》【】〔〕"
)
FULL_WIDTH = range(0xFF01, 0xFF5F)
LATIN = (
    "äöüß",
    "àâæçéèêëîïôœùûüÿ",
    "áéíóúüñ¿¡ºª",
    "áàâãçéêíóôõúü",
    "àèéìíîòóù",
    "åäöéøæü",
    "éëèïöüáíó",
    "áéíóúýþðæö",
)
CENTRAL_EUROPEAN = (
    "áčďéěíňóřšťúůýž",
    "áäčďéíĺľňóôŕšťúýž",
    "ąćęłńóśźż",
    "áéíóöőúüű",
    "ăâîșțşţ",
    "čćđšž",
)
_HAS_LATIN = re.compile("[A-Za-z]")
_WORD = re.compile(r"[^\W\d_]+")
_SPACED_OUT = re.compile(r"[^\x00-\x7f] (?=[^\x00-\x7f])")
_TORN = re.compile(r"[A-Za-z][^\x00-\x7f](?=[A-Za-z ,.]|$)")
RARE = 0.2
WITHOUT_KANA = 0.9

Judge = Callable[[str], float]


@dataclass(frozen=True)
class Reading:
    """An encoding that people's files have, and how well a text read by it looks like one.

    Attributes:
        encoding: Python's name of it.
        judge: gives 0 (noise) to 1 (every character fits).
    """

    encoding: str
    judge: Judge


def _share(weights: Iterable[float]) -> float:
    listed = list(weights)
    return sum(listed) / len(listed) if listed else 0.0


def _foreign(text: str) -> list[str]:
    return [character for character in text if not character.isascii()]


def latin(alphabets: tuple[str, ...], most_accents: int) -> Judge:
    """Return a judge of texts in one of these alphabets, each the letters that ASCII lacks.

    Args:
        alphabets: the letters, small ones.
        most_accents: how many of them may make up more than half of a word.

    Returns:
        The judge.
    """
    known = [frozenset(letters) for letters in alphabets]

    def judge(text: str) -> float:
        in_words: list[str] = []
        for word in _WORD.findall(text):
            found = [c for c in word if not c.isascii()]
            is_noise = len(found) > most_accents and len(found) * 2 > len(word)
            in_words += ["\0"] * len(found) if is_noise or _changes_case(word) else found
        others = [c for c in _foreign(text) if not c.isalpha()]
        return max(_share(_fits(c, letters) for c in [*in_words, *others]) for letters in known)

    return judge


def _changes_case(word: str) -> bool:
    return not (word.islower() or word.isupper() or word[1:].islower() or len(word) == 1)


def _fits(character: str, letters: frozenset[str]) -> float:
    return float(character.lower() in letters or character in TYPOGRAPHY)


def cased(first: str, last: str, extra: str = "") -> Judge:
    """Return a judge of texts in another script with small and capital letters."""

    def judge(text: str) -> float:
        weights = [1.0 for c in _foreign(text) if c in TYPOGRAPHY and not c.isalpha()]
        weights += [0.0 for c in _foreign(text) if c not in TYPOGRAPHY and not c.isalpha()]
        for word in _WORD.findall(text):
            found = [c for c in word if not c.isascii()]
            is_whole = len(found) == len(word) and not _changes_case(word)
            letters = (first <= c.lower() <= last or c.lower() in extra for c in found)
            weights += [float(is_whole and is_letter) for is_letter in letters]
        return _share(weights)

    return judge


def uncased(first: str, last: str) -> Judge:
    """Return a judge of texts in a script without capital letters."""

    def judge(text: str) -> float:
        mixed = sum(len(w) for w in _WORD.findall(text) if not w.isascii() and _HAS_LATIN.search(w))
        found = _foreign(text)
        fitting = sum(first <= c <= last or c in TYPOGRAPHY for c in found)
        return max(fitting - mixed, 0) / len(found) if found else 0.0

    return judge


def east_asian(
    codec: str, common: tuple[int, int], kana: bool = False, spaces: bool = False
) -> Judge:
    """Return a judge of texts in ideographs or syllables.

    Args:
        codec: the national set whose first plane holds the common characters.
        common: first bytes, from and to, of the common ones in that codec.
        kana: whether a text is expected to have kana.
        spaces: whether words are parted by spaces.

    Returns:
        The judge.
    """

    @lru_cache(maxsize=20_000)
    def weight(character: str) -> float:
        point = ord(character)
        if character in TYPOGRAPHY or point in FULL_WIDTH:
            return 1.0
        if kana and 0x3041 <= point <= 0x30FE:
            return 1.0
        try:
            encoded = character.encode(codec)
        except UnicodeEncodeError:
            return 0.0
        if len(encoded) != 2:
            return 0.0
        return 1.0 if common[0] <= encoded[0] <= common[1] else RARE

    def judge(text: str) -> float:
        found = _foreign(text)
        # One ideograph between Latin letters is an accented letter and its neighbour, misread.
        odd = len(_TORN.findall(text)) + (0 if spaces else len(_SPACED_OUT.findall(text)))
        score = _share(weight(c) for c in found) - odd / max(len(found), 1)
        lacks = kana and not any(0x3041 <= ord(c) <= 0x30FE for c in found)
        return max(score, 0.0) * (WITHOUT_KANA if lacks else 1.0)

    return judge


READINGS = (
    Reading("cp1252", latin(LATIN, most_accents=2)),
    Reading("gb18030", east_asian("gb2312", (0xB0, 0xD7))),
    Reading("cp932", east_asian("shift_jis", (0x88, 0x97), kana=True)),
    Reading("cp1251", cased("а", "я", "ёіїєґўђјљњћџѓќѕ")),
    Reading("cp1250", latin(CENTRAL_EUROPEAN, most_accents=4)),
    Reading("big5", east_asian("big5", (0xA4, 0xC6))),
    Reading("cp949", east_asian("euc_kr", (0xB0, 0xC8), spaces=True)),
    Reading("euc_jp", east_asian("euc_jp", (0xB0, 0xCF), kana=True)),
    Reading("koi8_r", cased("а", "я", "ё")),
    Reading("cp1253", cased("ά", "ώ")),
    Reading("cp1256", uncased("\u060c", "\u06d2")),
    Reading("cp874", uncased("\u0e01", "\u0e5b")),
)
"""What files are read by, the earlier first where several fit as well."""
