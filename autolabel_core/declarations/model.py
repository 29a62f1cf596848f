"""The common ground of all declarations: unknown keys are refused, aliases are normalised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, model_validator


class Declaration(BaseModel):
    """A frozen part of a YAML file. `aliases` maps the words that mean the same to the one in use."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)
    aliases: ClassVar[Mapping[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def normalise_aliases(cls, value: Any) -> Any:
        """Rename aliases; two words for one thing with different values are refused."""
        if not isinstance(value, dict):
            return value
        renamed = {k: v for k, v in value.items() if k not in cls.aliases}
        for alias, name in cls.aliases.items():
            if alias not in value:
                continue
            if name in renamed and renamed[name] != value[alias]:
                raise ValueError(f"`{alias}` and `{name}` mean the same; keep one of them")
            renamed[name] = value[alias]
        return renamed
