"""The model of `zero_shot:` under a taxonomy: labels proposed by their names alone."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, field_validator, model_validator

from autolabel_core.declarations.chat_server import ChatServer
from autolabel_core.declarations.model import Cosine, Count, Declaration, KeyedError, Text
from autolabel_core.foundation.label_names import check_label

PLACE = "{}"
SUGGESTED = "suggested"
"""The source of a label that was proposed by its name: it is no reference and no auto-label."""
SUGGESTION_COLUMNS = ("suggestion_score", "suggestion_reason")
"""Columns that documents have where labels are proposed by name."""
Pixels = Annotated[int, Field(strict=True, ge=64, le=2048)]


class VisionLanguageModel(ChatServer):
    """A server that is shown each document and the vocabulary, and chooses a label.

    Attributes:
        key: where it stands in YAML, for errors.
        max_documents: of one batch at most so many are asked about, in the order of their ids.
        image_side_px: longer side of the images that are sent, from 64 to 2048.
        custom_prompt: takes the place of the instructions.
    """

    key: ClassVar[str] = "zero_shot.vision_language_model"

    max_documents: Count = 1_000
    image_side_px: Pixels = 512
    custom_prompt: Text | None = None


class ZeroShot(Declaration):
    """How labels are proposed where neither a person nor a reference has decided.

    Attributes:
        prompts: what a name is put into, at `{}`; the vectors of several are averaged.
        confidence_threshold: lowest cosine between a document and a name at which the name is
            proposed, from -1 (always the nearest one) to 1.
        vision_language_model: a server that is asked in place of the extractor.
    """

    prompts: tuple[Text, ...] = Field(default=("a photo of a {}",), min_length=1)
    confidence_threshold: Cosine = -1.0
    vision_language_model: VisionLanguageModel | None = None

    @field_validator("prompts")
    @classmethod
    def prompts_have_a_place(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Ask for one `{}` in each."""
        for prompt in value:
            if prompt.count(PLACE) != 1:
                raise ValueError(
                    f"`{prompt}` has {prompt.count(PLACE)} places for the name; write `{{}}` once, "
                    'as in "a photo of a {}"'
                )
        return value


class NamedLabels(Declaration):
    """The labels of a taxonomy by their names.

    Attributes:
        vocabulary: labels that `zero_shot` proposes, and words that clusters are named by where the
            extractor embeds texts. Other labels may be given.
        zero_shot: proposes labels by their names, before anybody has labelled.
    """

    vocabulary: tuple[Text, ...] = ()
    zero_shot: ZeroShot | None = None

    @field_validator("vocabulary")
    @classmethod
    def names_are_labels(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse names that could not be labels, and names that stand there twice."""
        names = tuple(check_label(name) for name in value)
        for name in names:
            if sum(other.casefold() == name.casefold() for other in names) > 1:
                raise ValueError(f"`{name}` stands there twice; keep one")
        return names

    @model_validator(mode="after")
    def zero_shot_has_names(self) -> NamedLabels:
        """Ask for a vocabulary where labels are to be proposed by name."""
        if self.zero_shot is not None and len(self.vocabulary) < 2:
            raise KeyedError(
                ("vocabulary",),
                "is needed by zero_shot: list at least two labels, such as [shoe, boot]",
            )
        return self
