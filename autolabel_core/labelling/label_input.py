"""Labels of whole images or texts as files contain them, before keys are resolved."""

from __future__ import annotations

from dataclasses import dataclass

from autolabel_core.labelling.box_input import SourceImage


@dataclass(frozen=True)
class ImageLabel:
    """A label as a file gives it; several different ones for an image are refused later."""

    image: SourceImage
    label: str


@dataclass(frozen=True)
class ParsedLabels:
    """What a file says: labels, and a line for everything that it leaves without one."""

    labels: list[ImageLabel]
    notes: list[str]
