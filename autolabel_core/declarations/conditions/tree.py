"""The tree that every written form of a condition becomes."""

from __future__ import annotations

from dataclasses import dataclass

OPERATORS = ("eq", "ne", "exists", "gt", "gte", "lt", "lte", "in", "contains", "under")
ORDERINGS = ("gt", "gte", "lt", "lte")

Scalar = str | float | bool | None


@dataclass(frozen=True)
class Comparison:
    """One field compared with one value; the value of `in` is a tuple."""

    field: str
    operator: str
    value: Scalar | tuple[Scalar, ...]


@dataclass(frozen=True)
class AllOf:
    """Holds when every part holds; no parts hold always."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class AnyOf:
    """Holds when one part holds; no parts hold never."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Negation:
    """Holds when the inner condition does not."""

    condition: Condition


Condition = Comparison | AllOf | AnyOf | Negation


def fields_of(condition: Condition) -> tuple[str, ...]:
    """The fields that the condition looks at, in alphabetical order."""
    if isinstance(condition, Comparison):
        return (condition.field,)
    if isinstance(condition, Negation):
        return fields_of(condition.condition)
    return tuple(sorted({name for part in condition.conditions for name in fields_of(part)}))
