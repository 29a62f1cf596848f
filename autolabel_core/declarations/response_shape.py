"""Reads a declared response shape, words such as `"string"` or `"a | b"`, as a pydantic model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from autolabel_core.declarations.model import KeyedError

PLAIN: dict[str, type] = {
    "string": str,
    "text": str,
    "number": float,
    "integer": int,
    "boolean": bool,
}
EXPECTED = (
    'expected string, number, integer, boolean, choices such as "a | b", a list such as '
    '["string"], or a mapping of these'
)


class Shaped(BaseModel):
    """An answer of a declared shape: every key is there, no other is, nothing is converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def shaped_model(name: str, shape: Mapping[str, object]) -> type[Shaped]:
    """Return the model that checks answers of a shape; a word that means nothing is refused.

    Args:
        name: of the model, as the JSON schema will show it.
        shape: key to `string`, `number`, `integer`, `boolean`, `"a | b | c"` (one of these), a list
            of one shape, or a mapping.

    Returns:
        A model whose JSON schema requires every key; `model_dump(by_alias=True)` gives the answer.
    """
    return _mapping(name, shape, ())


def _mapping(name: str, shape: Mapping[str, object], path: tuple[str | int, ...]) -> type[Shaped]:
    if not shape:
        raise KeyedError(path, "has no keys; name at least one")
    fields: dict[str, Any] = {}
    for number, (key, value) in enumerate(shape.items()):
        if not isinstance(key, str) or not key.strip():
            raise KeyedError(path, f"expected texts as keys, found `{key}`")
        # Numbered, with the key as the alias: any text may be a key, `schema` and `_x` too.
        annotation = _type(f"{name}_{number}", value, (*path, key))
        fields[f"field_{number}"] = (annotation, Field(alias=key))
    model: type[Shaped] = create_model(name, __base__=Shaped, **fields)
    return model


def _type(name: str, value: object, path: tuple[str | int, ...]) -> Any:
    if isinstance(value, Mapping):
        return _mapping(name, value, path)
    if isinstance(value, list):
        if len(value) != 1:
            raise KeyedError(path, 'a list has one shape for all of its items, such as ["string"]')
        return list[_type(name, value[0], (*path, 0))]  # type: ignore[misc]
    if isinstance(value, str) and value.strip().lower() in PLAIN:
        return PLAIN[value.strip().lower()]
    choices = [choice.strip() for choice in value.split("|")] if isinstance(value, str) else []
    if len(choices) < 2 or not all(choices):
        raise KeyedError(path, f"{EXPECTED}; found `{value}`")
    return Literal[tuple(dict.fromkeys(choices))]
