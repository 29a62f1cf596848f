"""The base of all declaration models: unknown keys are refused, aliases are normalised."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

_VERSION = re.compile(r"[A-Za-z0-9._-]+")


def _fits_a_uri(version: str) -> str:
    if not _VERSION.fullmatch(version):
        raise ValueError("use letters, digits, `.`, `_` and `-`, such as v1 or 1.0.0")
    return version


Version = Annotated[str, AfterValidator(_fits_a_uri)]
Text = Annotated[str, Field(min_length=1)]
Cosine = Annotated[float, Field(strict=True, ge=-1.0, le=1.0)]
Count = Annotated[int, Field(strict=True, ge=1)]


class KeyedError(ValueError):
    """A key below the one being checked is wrong; `path` says which, from the checked model."""

    def __init__(self, path: tuple[str | int, ...], problem: str) -> None:
        super().__init__(problem)
        self.path = path


class Declaration(BaseModel):
    """A frozen part of a YAML file.

    `aliases` maps words that mean the same to the word in use; `shorthands` are words that a
    validator takes apart before the fields are read; `nested` says which model a field of any
    type is validated by.

    Where a model is the default of a field, `model_construct` makes it: that needs no schema of the
    model, which would take milliseconds of every command.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, defer_build=True)
    aliases: ClassVar[Mapping[str, str]] = {}
    shorthands: ClassVar[tuple[str, ...]] = ()
    nested: ClassVar[Mapping[str, type[Declaration]]] = {}

    @model_validator(mode="before")
    @classmethod
    def normalise_aliases(cls, value: object) -> object:
        """Rename aliases; two words for one thing with different values are refused."""
        if not isinstance(value, dict):
            return value
        renamed = {k: v for k, v in value.items() if k not in cls.aliases}
        for alias, name in cls.aliases.items():
            if alias not in value:
                continue
            if name in renamed and renamed[name] != value[alias]:
                raise KeyedError(
                    (alias,), f"`{alias}` and `{name}` mean the same; keep one of them"
                )
            renamed[name] = value[alias]
        return renamed


def listed(value: Mapping[str, object], key: str) -> list[object]:
    """Return the list under a key, empty where the key is absent.

    Args:
        value: a mapping as YAML gave it.
        key: the key.

    Returns:
        A new list.

    Raises:
        KeyedError: there is something else than a list.
    """
    items = value.get(key, [])
    if not isinstance(items, list):
        raise KeyedError((key,), f"expected a list such as [{items}], found no list")
    return list(items)
