"""The model of the rules by which a file's name is read as a label."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field, field_validator, model_validator

from autolabel_core.declarations.model import Declaration, Text

RARITIES: Mapping[str, str] = {
    "pscr": "PScR",
    "scr": "ScR",
    "ur": "UR",
    "sr": "SR",
    "op": "OP",
    "utr": "UtR",
    "cr": "CR",
    "ea": "EA",
    "gmr": "GMR",
}
SET_CODE = r"[A-Z0-9]*[A-Z][A-Z0-9]*-[A-Z]+\d+"


class FileNames(Declaration):
    """What a name may carry beside the label; the word `filenames` stands for the defaults.

    Attributes:
        aliases: words that mean the same.
        rarities: last words that are a rarity, and how each is shown; joins the nine that are
            known. A word mapped to an empty text is none.
        set_code: regular expression of what may stand before the first underscore.
    """

    aliases: ClassVar[Mapping[str, str]] = {"rarity_suffixes": "rarities"}

    rarities: dict[Text, str] = Field(default_factory=dict)
    set_code: Text = SET_CODE

    @model_validator(mode="before")
    @classmethod
    def word_for_the_defaults(cls, value: object) -> object:
        """Accept `references: filenames`."""
        return {} if value == "filenames" else value

    @field_validator("set_code")
    @classmethod
    def set_code_is_an_expression(cls, value: str) -> str:
        """Refuse what `re` does not understand."""
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from error
        return value

    def rarity_of(self, word: str) -> str | None:
        """Return the rarity that a last word stands for, as it is shown."""
        own = {suffix.lower(): shown for suffix, shown in self.rarities.items()}
        return {**RARITIES, **own}.get(word.lower()) or None
