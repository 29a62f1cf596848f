"""Types of JSON values, and of the parts of a table's report."""

from __future__ import annotations

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
