"""Types of JSON values and of the parts of a table's report, and how a value becomes JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""A value that JSON can hold."""

JsonObject: TypeAlias = Mapping[str, Json]
"""A JSON object, such as the metadata of an object or the payload of an event."""

Scalar: TypeAlias = bool | int | float | str
"""The value of a field."""

Cell: TypeAlias = bool | int | float | str | None
"""One value of a table that a person reads."""

Report: TypeAlias = Mapping[str, Cell | Sequence[Mapping[str, object]]]
"""What a person wants to know of a derived table, by name: numbers, texts and tables."""


def plain_json(value: object) -> Json:
    """Return a value as JSON has it, arrays as lists; a number that is none becomes null."""
    if isinstance(value, Mapping):
        return {str(name): plain_json(part) for name, part in value.items()}
    if isinstance(value, str | bool | int) or value is None:
        return value
    to_list = getattr(value, "tolist", None)
    if to_list is not None:
        return plain_json(to_list())
    if isinstance(value, Sequence):
        return [plain_json(part) for part in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value)
