"""Boxes as people and other tools give them, before anything is known of the images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autolabel_core.foundation.label_names import NameWarning


@dataclass(frozen=True)
class BoxInput:
    """One word about a box, or about an image.

    Attributes:
        label: one of the vocabulary; None only withdraws.
        target: what is meant: an image's key or document id, or a detection's id.
        bbox: four numbers in `bbox_format`; None takes the detection's box.
        bbox_format: `xyxy`, `xywh` (top left corner and size) or `cxcywh` (centre and size).
        normalized: whether the numbers are shares of the image's width and height.
        size_px: the image's width and height as the source states them; they are compared.
        true_class: what the object is.
        predicted_class: what was detected.
        confidence: how sure the annotator is, from 0 (a guess) to 1 (certain).
        reasoning: why.
        retriever_id: the retriever that showed it.
        execution_id: the execution that showed it.
        annotation_id: which annotation it is; an earlier one of that id is replaced.
        annotator: who said it, where the source knows better than the command.
        fields: what else is said of the object, such as a `category`.
        withdraw: takes back the annotation instead.
        where: what to call it in an error, such as `line 7`; empty for a single one.
    """

    label: str | None = None
    target: str | None = None
    bbox: tuple[Any, ...] | None = None
    bbox_format: str | None = None
    normalized: bool = False
    size_px: tuple[int, int] | None = None
    true_class: str | None = None
    predicted_class: str | None = None
    confidence: float | None = None
    reasoning: str | None = None
    retriever_id: str | None = None
    execution_id: str | None = None
    annotation_id: str | None = None
    annotator: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    withdraw: bool = False
    where: str = ""


@dataclass(frozen=True)
class ParsedAnnotations:
    """What one command or file says.

    Attributes:
        boxes: words about boxes and images, in order.
        whole_images: whether the source says all that is on its images: they are `reviewed`, and
            boxes that the same person gave so before and are not there any more are withdrawn.
        problems: what could not be read: the image it is about, where that is known, and the text.
        notes: what the reader left out, and why.
    """

    boxes: Sequence[BoxInput]
    whole_images: bool = False
    problems: tuple[tuple[str | None, str], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImportReport:
    """What became of it.

    Attributes:
        recorded: events that are new in the ledger, by label; withdrawals count as `withdrawn`.
        unchanged: words that said what the ledger held already.
        images: how many images they are about.
        left_out: what was wrong with those that were left out, a line each.
        warnings: classes that look like another spelling of one in use.
        notes: what the reader left out, and why.
    """

    recorded: dict[str, int]
    unchanged: int
    images: int
    left_out: tuple[str, ...] = ()
    warnings: tuple[NameWarning, ...] = ()
    notes: tuple[str, ...] = field(default=())
