"""How a field's value reads as a text or as a number; the SQL in `meaning` reads it alike."""

from __future__ import annotations

import re
from collections.abc import Mapping

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def text_of(value: object) -> str | None:
    """The value as a text; null, lists and mappings have none."""
    if value is None or isinstance(value, list | tuple | set | Mapping):
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def number_of(value: object) -> float | None:
    """The value as a number; a text counts when it reads as one, NaN and truth values never."""
    if isinstance(value, str):
        return float(value) if NUMBER.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return None if value != value else float(value)
