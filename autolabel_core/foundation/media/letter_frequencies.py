"""How probable the letters of a text are in its language: tells readings of the same bytes apart.

Letters of each language stand in the order in which they are frequent. The n-th of them has a
probability in proportion to 1 / (n + 3), which is near enough to the frequencies of real texts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

Likelihood = Callable[[str], float]
"""Natural logarithm of the probability of the characters outside ASCII of a text."""

MARK, CAPITAL = -4.0, -1.5
STRANGE_LETTER, STRANGE = -7.0, -9.0
KANA, HANGUL, COMMON_IDEOGRAPH, RARE_IDEOGRAPH = -4.5, -6.3, -7.6, -11.0

RUSSIAN = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё"
UKRAINIAN = "оанівртескулдмпзяьбгийчхцїжшюєщфґ"
SERBIAN = "аиоенрсутјквдмплзбгчцшћжљхњђфџ"
GREEK = "αοιτεσνκρπυηςμλάόίγέδήωχθύφβώξζψϊ"
HEBREW = "יוהלאתרבםשמנעדקפחסצגטכזןךףץ"
ARABIC = "اليمونرتبةعدسفهكقأحجشطصىخإذضغثزءئظآؤ"
THAI = "านรอกเ่งมยลวด้ัทสีติะปบคหุแจพชขใิ์็ไูึผืถธซโณศญษภฐฟๆฉำฒฎฏฤ"


def of_languages(alphabets: tuple[str, ...], marks: frozenset[str]) -> Likelihood:
    """Return the likelihood of a text in the likeliest of some languages.

    Args:
        alphabets: letters outside ASCII of each language, the most frequent first.
        marks: quotation marks and the like, which any text may have.

    Returns:
        The function.
    """
    known = [_by_rank(letters) for letters in alphabets]

    def of_one(text: str, letters: dict[str, float]) -> float:
        return sum(_of_character(c, letters, marks) for c in text if not c.isascii())

    return lambda text: max(of_one(text, letters) for letters in known)


def _by_rank(letters: str) -> dict[str, float]:
    weights = [1 / (rank + 3) for rank in range(len(letters))]
    total = sum(weights)
    return {c: math.log(w / total) for c, w in zip(letters, weights, strict=True)}


def _of_character(character: str, letters: dict[str, float], marks: frozenset[str]) -> float:
    small = character.lower()
    if small in letters:
        return letters[small] + (CAPITAL if small != character else 0.0)
    if character in marks:
        return MARK
    return STRANGE_LETTER if character.isalpha() else STRANGE


def of_ideographs(weight: Callable[[str], float]) -> Likelihood:
    """Return the likelihood of a text in ideographs or syllables.

    Args:
        weight: of a character, 1 for common ones, 0 for those that the language lacks.

    Returns:
        The function.
    """

    @lru_cache(maxsize=20_000)
    def of_one(character: str) -> float:
        if 0x3041 <= ord(character) <= 0x30FE:
            return KANA
        if character in "、。，：「」（）" or 0x2010 <= ord(character) <= 0x2030:
            return MARK
        found = weight(character)
        if found == 1.0 and 0xAC00 <= ord(character) <= 0xD7A3:
            return HANGUL
        return COMMON_IDEOGRAPH if found == 1.0 else RARE_IDEOGRAPH if found else 2 * STRANGE

    return lambda text: sum(of_one(c) for c in text if not c.isascii())
