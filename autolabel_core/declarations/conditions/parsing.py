"""Parses conditions in every form that declarations, requests and the command line use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from autolabel_core.declarations.conditions.tree import (
    OPERATORS,
    ORDERINGS,
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Negation,
    Scalar,
)
from autolabel_core.declarations.conditions.values import NUMBER, text_of
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.suggestions import did_you_mean

FORMS = (
    "{field, operator, value}, {AND: [...]}, {OR: [...]}, {NOT: ...}, "
    "{must: [{key, match: {operator, value}}]} (also should, must_not), a list, "
    'or a text "field:operator:value"'
)
_GROUPS = ("AND", "OR", "NOT", "must", "should", "must_not")
_KEYS = ("field", "key", "operator", "value", "match")
_LIST_ITEM = re.compile(r"""\s*("[^"]*"|'[^']*'|[^,]*)\s*(?:,|\Z)""")
_WORDS: Mapping[str, Scalar] = {"null": None, "true": True, "false": False}


def parse(raw: object) -> Condition:
    """The condition that a YAML, JSON or command-line value writes down.

    Args:
        raw: any accepted form, nested as deep as wanted; a list holds when all its members do.

    Returns:
        The tree.

    Raises:
        AutolabelError: when the form, the operator or the value is none of the accepted ones.
    """
    if isinstance(raw, Comparison | AllOf | AnyOf | Negation):
        return raw
    if isinstance(raw, str):
        return parse_text(raw)
    if isinstance(raw, list | tuple):
        return AllOf(tuple(parse(part) for part in raw))
    if isinstance(raw, Mapping):
        return _parse_mapping({str(key): value for key, value in raw.items()})
    raise AutolabelError(f"Expected a condition, found {raw!r}. Accepted forms: {FORMS}.")


def parse_text(text: str) -> Comparison:
    """The condition in `field:operator:value`; the value may hold colons, quotes keep it a text.

    Args:
        text: for instance `label:eq:null`, `confidence:gte:0.85`, `label:in:cat,"a, b"` or
            `label:exists`.

    Returns:
        The comparison.

    Raises:
        AutolabelError: when there is no field or no operator.
    """
    field, _, rest = text.partition(":")
    name, colon, value = rest.partition(":")
    if not field.strip() or not name.strip():
        raise AutolabelError(
            f'Expected a condition "field:operator:value", found {text!r}. '
            f"Operators: {', '.join(OPERATORS)}."
        )
    operand: object = _scalar_of(value) if colon else True
    if name.strip() == "in":
        items = _LIST_ITEM.findall(value.strip())[:-1]  # the last match is the empty end
        operand = [_scalar_of(item) for item in items]
    elif name.strip() in {"contains", "under"}:
        operand = _unquoted(value)
    return _comparison(field.strip(), name.strip(), operand, has_value=bool(colon))


def _parse_mapping(raw: Mapping[str, object]) -> Condition:
    groups = {name.casefold(): name for name in _GROUPS}
    if all(key.casefold() in groups for key in raw):
        grouped = [_group(groups[key.casefold()], value) for key, value in raw.items()]
        return grouped[0] if len(grouped) == 1 else AllOf(tuple(grouped))
    for key in raw:
        if key not in _KEYS:
            hint = did_you_mean(key, _KEYS + _GROUPS)
            raise AutolabelError(f"Unknown key {key!r} in {raw!r}.{hint} Accepted forms: {FORMS}.")
    field = raw.get("field", raw.get("key"))
    inner = raw.get("match", raw)
    if not isinstance(field, str) or not field or not isinstance(inner, Mapping):
        raise AutolabelError(f"Expected a condition with a field, found {raw!r}. Forms: {FORMS}.")
    operator = inner.get("operator", "eq")
    return _comparison(field, operator, inner.get("value"), has_value="value" in inner)


def _group(name: str, value: object) -> Condition:
    if name == "NOT":
        if isinstance(value, list | tuple) and len(value) != 1:
            raise AutolabelError(
                f"Expected one condition under NOT, found {value!r}. Say {{NOT: {{AND: [...]}}}} "
                "for not all of them, or {must_not: [...]} for none of them."
            )
        return Negation(parse(value))
    members = value if isinstance(value, list | tuple) else [value]
    conditions = tuple(parse(member) for member in members)
    if name in {"AND", "must"}:
        return AllOf(conditions)
    if name == "must_not":
        return Negation(AnyOf(conditions))
    return AnyOf(conditions) if conditions or name == "OR" else AllOf(())


def _comparison(field: str, operator: object, value: object, has_value: bool) -> Comparison:
    if not isinstance(operator, str) or operator not in OPERATORS:
        hint = did_you_mean(str(operator), OPERATORS)
        raise AutolabelError(
            f"Unknown operator {operator!r} for {field}.{hint} Accepted: {', '.join(OPERATORS)}."
        )
    if operator == "exists" and not has_value:
        return Comparison(field, operator, True)
    if not has_value:
        raise AutolabelError(f"Expected a value for {field} {operator}, found none. Add one.")
    if operator == "in" and isinstance(value, list | tuple):
        return Comparison(field, operator, tuple(_checked(field, "eq", item) for item in value))
    return Comparison(field, operator, _checked(field, operator, value))


def _checked(field: str, operator: str, value: object) -> Scalar:
    """The value in the type that the operator compares with."""
    wanted = _wanted(operator, value)
    if wanted:
        raise AutolabelError(f"Expected {wanted} for {field} {operator}, found {value!r}.")
    if operator in {"contains", "under"}:
        return text_of(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return float(value)
    return value if isinstance(value, str) else str(value)


def _wanted(operator: str, value: object) -> str:
    """What the value should have been, or nothing when it fits."""
    if operator == "exists":
        return "" if isinstance(value, bool) else "true or false"
    if operator == "in":
        return "a list of values"
    if operator in ORDERINGS and isinstance(value, bool):
        return "a number or a text"
    if operator == "under" and isinstance(value, str) and not value.strip():
        return "a label"
    if isinstance(value, float) and value != value:
        return "a number"
    known = value is None or isinstance(value, bool | int | float | str | date)
    return "" if known else "one value (for several use the operator in)"


def _scalar_of(text: str) -> Scalar:
    """What a word on the command line stands for: null, a truth value, a number or a text."""
    word = text.strip()
    if word.casefold() in _WORDS:
        return _WORDS[word.casefold()]
    return float(word) if NUMBER.fullmatch(word) else _unquoted(text)


def _unquoted(text: str) -> str:
    word = text.strip()
    quoted = len(word) > 1 and word[0] == word[-1] and word[0] in "\"'"
    return word[1:-1] if quoted else word
