"""Judges which of several readings of some bytes is text that people write.

A reading is judged by the characters outside ASCII alone: they should belong to one language, stand
in words of one script, and not change from small to capital letters inside a word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from autolabel_core.foundation.media.letter_frequencies import (
    ARABIC,
    GREEK,
    HEBREW,
    RUSSIAN,
    SERBIAN,
    THAI,
    UKRAINIAN,
    Likelihood,
    of_ideographs,
    of_languages,
)

TYPOGRAPHY = frozenset(
    "“”„‘’‚«»‹›–—…•€£§©®°·№™\u00a0\u00ad\ufeff\u3000、。「」『』〈〉《》【】〔〕"
)
FULL_WIDTH = range(0xFF01, 0xFF5F)
LATIN = (
    "äüöß",
    "éèàêçùâîôûëïœüæÿ",
    "óáíñéú¿¡üºª",
    "ãçáéóêíõâúàôü",
    "èàùòìéó",
    "äöåéøæü",
    "ëéïèöüáíó",
    "áíðþéóúöæý",
)
SIGNS = "±½¥¼¾"
"""What an English text may have beside typography, and no letter."""
TURKISH = ("ıüşöçğiâ",)
BALTIC = ("ėųšįžąęčūā", "āīšēņžļģķčū", "äõüöšž")
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
        likelihood: of what fits, to tell several readings apart.
        rarity: how rare files in this encoding are, as the logarithm of their share.
    """

    encoding: str
    judge: Judge
    likelihood: Likelihood
    rarity: float = 0.0


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


def _east_asian(
    encoding: str,
    codec: str,
    common: tuple[int, int],
    kana: bool = False,
    spaces: bool = False,
    rarity: float = 0.0,
) -> Reading:
    """Return a reading of texts in ideographs or syllables.

    Args:
        encoding: what files are read by.
        codec: the national set whose first plane holds the common characters.
        common: first bytes, from and to, of the common ones in that codec.
        kana: whether a text is expected to have kana.
        spaces: whether words are parted by spaces.
        rarity: of files in this encoding.

    Returns:
        The reading.
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

    return Reading(encoding, judge, of_ideographs(weight), rarity)


def _latin(encoding: str, alphabets: tuple[str, ...], accents: int, rarity: float = 0.0) -> Reading:
    judge = latin(alphabets, most_accents=accents)
    return Reading(encoding, judge, of_languages(alphabets, TYPOGRAPHY), rarity)


def _script(encoding: str, judge: Judge, *alphabets: str, rarity: float = 0.0) -> Reading:
    return Reading(encoding, judge, of_languages(alphabets, TYPOGRAPHY), rarity)


_CYRILLIC = cased("а", "я", "ёіїєґўђјљњћџѓќѕ")
_HEBREW, _ARABIC = uncased("\u05d0", "\u05ea"), uncased("\u060c", "\u06d2")
_SLAVIC = (RUSSIAN, UKRAINIAN, SERBIAN)
_GREEK = cased("ά", "ώ")
COMMON, LESS, RARELY, OF_OLD = 0.0, -2.0, -4.0, -6.0
READINGS = (
    _latin("cp1252", (*LATIN, SIGNS), 2),
    _east_asian("gb18030", "gb2312", (0xB0, 0xD7)),
    _east_asian("cp932", "shift_jis", (0x88, 0x97), kana=True),
    _script("cp1251", _CYRILLIC, *_SLAVIC),
    _latin("cp1250", CENTRAL_EUROPEAN, 4, LESS),
    _east_asian("big5", "big5", (0xA4, 0xC6), rarity=LESS),
    _east_asian("cp949", "euc_kr", (0xB0, 0xC8), spaces=True, rarity=COMMON),
    _east_asian("euc_jp", "euc_jp", (0xB0, 0xCF), kana=True, rarity=LESS),
    _script("koi8_r", _CYRILLIC, RUSSIAN, rarity=LESS),
    _script("cp1253", _GREEK, GREEK, rarity=LESS),
    _script("cp1256", _ARABIC, ARABIC, rarity=LESS),
    _script("cp1255", _HEBREW, HEBREW, rarity=LESS),
    _script("cp874", uncased("\u0e01", "\u0e5b"), THAI, rarity=LESS),
    _latin("cp1254", TURKISH, 3, RARELY),
    _latin("iso8859_2", CENTRAL_EUROPEAN, 4, RARELY),
    _latin("cp1257", BALTIC, 3, RARELY),
    _script("koi8_u", _CYRILLIC, UKRAINIAN, rarity=RARELY),
    _script("iso8859_5", _CYRILLIC, *_SLAVIC, rarity=RARELY),
    _script("iso8859_6", _ARABIC, ARABIC, rarity=RARELY),
    _script("cp866", _CYRILLIC, RUSSIAN, rarity=RARELY),
    _latin("cp850", LATIN, 2, OF_OLD),
    _latin("cp852", CENTRAL_EUROPEAN, 4, OF_OLD),
    _script("cp862", _HEBREW, HEBREW, rarity=OF_OLD),
    _script("mac_cyrillic", _CYRILLIC, *_SLAVIC, rarity=OF_OLD),
    _latin("mac_roman", LATIN, 2, OF_OLD),
)
"""What files are read by."""
