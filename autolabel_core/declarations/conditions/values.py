"""How a field's value compares: as a text, or as a number where it reads as one."""

from __future__ import annotations

import re
from collections.abc import Mapping

from autolabel_core.foundation.json_types import Scalar

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def text_of(value: object) -> str | None:
    """The value as a text; null, lists and mappings have none."""
    if value is None or isinstance(value, list | tuple | set | Mapping):
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def scalar_of(value: object) -> Scalar | None:
    """The value itself where it is a truth value, a number (no NaN) or a text; else None."""
    return value if isinstance(value, bool | int | float | str) and value == value else None
