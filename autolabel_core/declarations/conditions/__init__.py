"""Conditions over documents: every written form becomes one tree, then one DuckDB expression.

A field that is missing or null equals only null, so
`ne x` includes it and every other comparison with it is false. The type of the *value* decides how
two things are compared: a number with whatever reads as a number (7 equals the text "7.0"), a truth
value with true and false, a text with the text of the field. A timestamp is compared as text.
"""

from __future__ import annotations

from autolabel_core.declarations.conditions.parsing import parse, parse_text
from autolabel_core.declarations.conditions.sql import Columns, json_field, to_sql
from autolabel_core.declarations.conditions.templates import fill, inputs_of
from autolabel_core.declarations.conditions.tree import (
    OPERATORS,
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Negation,
    fields_of,
)

__all__ = [
    "OPERATORS",
    "AllOf",
    "AnyOf",
    "Columns",
    "Comparison",
    "Condition",
    "Negation",
    "fields_of",
    "fill",
    "inputs_of",
    "json_field",
    "parse",
    "parse_text",
    "to_sql",
]
