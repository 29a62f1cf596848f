"""Finds the encoding of a text: by its marks, by what it declares of itself, or by its looks."""

from __future__ import annotations

import codecs
import math
import unicodedata
from dataclasses import dataclass

from autolabel_core.foundation.errors import UnreadableItemError
from autolabel_core.foundation.media.alphabets import READINGS

SAMPLE_BYTES = 65_536
FLOOR = 0.75
"""Share of the characters outside ASCII that must fit a language before an encoding is believed.

Source: measured on sentences of 12 languages: the right reading scores .85 or more, of three
letters and more; wrong ones stay below .7.
"""
MISFIT = 2.0
"""How much characters out of place, such as spaces between ideographs, count against a reading."""
LEAST_LEAD = 2.0
"""A reading that is not seven times as likely as the next (e squared) is called a guess."""
UNLIKELY_BYTE = -5.05
"""Mean logarithm of the probability of a byte, below which a text is taken for no language."""
DETECTOR_COHERENCE, DETECTOR_CHAOS = 0.3, 0.1
MAX_BROKEN_SHARE = 0.01
# The second takes any byte.
LAST_RESORTS = ("cp1252", "latin-1")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SHIFTED = (b"\x1b$", "iso2022_jp")
# Names that messages use and Python lacks, and sets whose superset the text is written in.
_ALIASES = {
    "iso-8859-8-i": "iso8859_8",
    "iso-8859-8-e": "iso8859_8",
    "windows-874": "cp874",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "shift_jis": "cp932",
    "x-sjis": "cp932",
    "big5": "big5hkscs",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "iso-8859-9": "cp1254",
    "x-mac-cyrillic": "mac_cyrillic",
    "macintosh": "mac_roman",
    "x-mac-roman": "mac_roman",
    "unicode-1-1-utf-7": "utf-7",
}
# Whatever is written in these is valid UTF-8 as well.
_SEVEN_BIT = frozenset(("utf-7", "hz", "iso2022_kr"))
_CONTROLS = frozenset("\t\n\f\r\x85")


@dataclass(frozen=True)
class DecodedText:
    """A text, the encoding that it was read by, and how that was found.

    `found_by` is `utf-8` (the bytes are valid), `mark`, `declared`, `detected` or `assumed`: the
    last is a guess, made where nothing else fits.
    """

    text: str
    encoding: str
    found_by: str


def decode_bytes(data: bytes, declared: str | None = None) -> DecodedText:
    """Return the text of bytes.

    A byte-order mark decides, then a declared encoding of seven bits, then valid UTF-8, then any
    other that is declared, then UTF-16 without a mark, then what looks like a language;
    windows-1252 is assumed where nothing does.

    Args:
        data: the bytes.
        declared: an encoding that the file itself or its message names; unknown ones are ignored.

    Returns:
        Text without its byte-order mark, encoding and how it was found. Bytes that are not what
        their byte-order mark says are an `UnreadableItemError`.
    """
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return DecodedText(_by_mark(data, encoding), encoding.removesuffix("-sig"), "mark")
    if _SHIFTED[0] in data and (text := _decoded(data, _SHIFTED[1])) is not None:
        return DecodedText(text, _SHIFTED[1], "mark")
    stated = _declared(data, declared) if declared else None
    if stated is not None and stated.encoding in _SEVEN_BIT:
        return stated
    if (text := _decoded(data, "utf-8")) is not None and "\0" not in text:
        return DecodedText(text, "utf-8", "utf-8")
    return stated or _wide(data) or _broken_utf8(data) or _by_looks(data)


def _declared(data: bytes, declared: str) -> DecodedText | None:
    """Read bytes by the declared encoding, or by the superset that is meant by its name."""
    name = declared.strip().lower()
    for encoding in (_ALIASES.get(name), name):
        text = _decoded(data, encoding) if encoding else None
        if encoding and text is not None:
            return DecodedText(text, codecs.lookup(encoding).name, "declared")
    return None


def _by_mark(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UnreadableItemError(
            f"not a text: its byte-order mark says {encoding}, but {error.reason} "
            f"at byte {error.start}"
        ) from error


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (ValueError, LookupError):  # a name with a NUL is a ValueError, as is a wrong byte
        return None


def _wide(data: bytes) -> DecodedText | None:
    """Read UTF-16 without its mark: bytes that are NUL in every second place, or ideographs."""
    if len(data) % 2 or len(data) < 4:
        return None
    sample = data[:SAMPLE_BYTES]
    readings = [(e, _decoded(sample, e)) for e in ("utf-16-le", "utf-16-be")]
    scored = [(_wide_score(text), encoding) for encoding, text in readings if text]
    score, encoding = max(scored, default=(0.0, ""))
    text = _decoded(data, encoding) if score > FLOOR else None
    return None if text is None else DecodedText(text, encoding, "detected")


def _wide_score(text: str) -> float:
    """Return how many of the characters are common ones of a script."""
    if any(unicodedata.category(c) in ("Cn", "Co", "Cs") for c in text):
        return 0.0
    if any(unicodedata.category(c) == "Cc" and c not in _CONTROLS for c in text):
        return 0.0
    plain = sum(c.isascii() or 0xA0 <= ord(c) < 0x0700 for c in text) / len(text)
    return plain if plain > FLOOR else _east_asian_score(text)


def _east_asian_score(text: str) -> float:
    judges = [r.judge for r in READINGS if r.encoding in ("gb18030", "cp932", "big5", "cp949")]
    if any(0x00A0 <= ord(c) < 0x2000 for c in text):
        return 0.0
    # Ideographs read with their bytes swapped are rare ones, yet not all of them.
    return max(judge(text) for judge in judges)


def _broken_utf8(data: bytes) -> DecodedText | None:
    """Read UTF-8 in which a few bytes are broken, such as a file cut inside a character."""
    text = data.decode("utf-8", "replace")
    broken, foreign = text.count("\ufffd"), len(text) - len(text.encode("ascii", "ignore"))
    is_cut = broken == 1 and text.endswith("\ufffd") and foreign > 1
    if is_cut or broken <= MAX_BROKEN_SHARE * foreign:
        return DecodedText(text, "utf-8", "detected")
    return None


def _by_looks(data: bytes) -> DecodedText:
    sample = data[:SAMPLE_BYTES]
    readings = _plausible(sample, cut=len(sample) < len(data))
    while readings and _decoded(data, readings[0].encoding) is None:
        readings.pop(0)
    if not readings:
        chosen, is_sure = _by_detector(data), True
    else:
        chosen, is_sure = readings[0].encoding, _stands_out(readings)
    text = _decoded(data, chosen) if chosen else None
    if text is not None:
        return DecodedText(text, chosen, "detected" if is_sure else "assumed")
    guesses = ((encoding, _decoded(data, encoding)) for encoding in LAST_RESORTS)
    text, encoding = next((text, encoding) for encoding, text in guesses if text is not None)
    return DecodedText(text, encoding, "assumed")


@dataclass(frozen=True)
class _PlausibleReading:
    """A reading in which enough characters fit a language, and how likely such a text is."""

    encoding: str
    text: str
    likelihood: float


def _plausible(sample: bytes, cut: bool) -> list[_PlausibleReading]:
    """Return the readings that look like a language, the likeliest first."""
    found = []
    for reading in READINGS:
        text = _sample_text(sample, reading.encoding, cut)
        score = 0.0 if text is None else reading.judge(text)
        if text is not None and score > FLOOR:
            misfit = MISFIT * math.log(score) * sum(not c.isascii() for c in text)
            likelihood = reading.likelihood(text) + reading.rarity + misfit
            found.append(_PlausibleReading(reading.encoding, text, likelihood))
    return sorted(found, key=lambda reading: -reading.likelihood)


def _stands_out(readings: list[_PlausibleReading]) -> bool:
    """Whether the first reading is likely by itself, and no other text is nearly as likely."""
    first = readings[0]
    foreign = "".join(c for c in first.text if not c.isascii())
    size = max(len(foreign.encode(first.encoding, "replace")), 1)
    others = (other.likelihood for other in readings if other.text != first.text)
    lead = first.likelihood - max(others, default=-math.inf)
    return first.likelihood / size > UNLIKELY_BYTE and lead > LEAST_LEAD


def _sample_text(sample: bytes, encoding: str, cut: bool) -> str | None:
    try:
        return codecs.getincrementaldecoder(encoding)().decode(sample, final=not cut)
    except UnicodeError:
        return None


def _by_detector(data: bytes) -> str:
    """Ask charset-normalizer, and believe it where it is sure of a language."""
    from charset_normalizer import from_bytes

    best = from_bytes(data[:SAMPLE_BYTES]).best()
    if best is None or best.coherence < DETECTOR_COHERENCE or best.chaos > DETECTOR_CHAOS:
        return ""
    return best.encoding
