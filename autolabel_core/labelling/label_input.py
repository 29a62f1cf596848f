"""Labels of whole images or texts as files contain them, before keys are resolved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Integral

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.label_names import is_missing_value
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


def label_text(value: object, where: str, names: Mapping[str, str] | None = None) -> str:
    """Return a label as a file holds it: a text, or a whole number.

    Args:
        value: what stands there.
        where: what to call the place in an error.
        names: the classes by the text of their number, where the file numbers them.

    Returns:
        Its text, or the name of the class with that number.

    Raises:
        AutolabelError: it is something else, such as a list: a document has one label.
    """
    if isinstance(value, str):
        return value
    number = int(value) if isinstance(value, float) and value.is_integer() else value
    if isinstance(number, bool) or not isinstance(number, Integral):
        raise AutolabelError(f"{where}: the label is {value!r}; expected a text or a number.")
    if names and str(number) not in names:
        raise AutolabelError(f"{where} has the class {number} of {len(names)}.")
    return names[str(number)] if names else str(number)


def without_missing(labels: Iterable[ImageLabel]) -> ParsedLabels:
    """Leave out what has no label: an empty one, or how programs write that there is none."""
    kept, notes = [], []
    for label in labels:
        if label.label.strip() and not is_missing_value(label.label):
            kept.append(label)
        else:
            text = f"its label is {label.label!r}" if label.label.strip() else "it has no label"
            notes.append(f"{label.image} was left out: {text}.")
    return ParsedLabels(kept, notes)
