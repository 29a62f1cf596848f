"""Box annotations as people and other tools write them, before they are matched to images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from autolabel_core.foundation.label_names import NameWarning


@dataclass(frozen=True)
class SourceImage:
    """An image as a file of another tool names it, before any key is known.

    Attributes:
        path: the whole path or address that the file states, or that follows from where it lies.
        entry: where it is named, such as `image 3` or `labels/a.txt`; two entries are two images.
        key: the collection's own key, where an export of ours tells it; nothing else is looked at.
        layout_folders: how many leading folders of `path` are those of the format, such as `train`,
            and may be missing in the key.
        has_suffix: False where the format leaves the file's suffix out: any image's suffix fits.
        entry_path: the path without suffix under which the entry itself lies; it must not lead to
            another image than `path` does.
    """

    path: str
    entry: str = ""
    key: str | None = None
    layout_folders: int = 0
    has_suffix: bool = True
    entry_path: str | None = None

    def __str__(self) -> str:
        """The name for messages, with the entry where it says more."""
        name = self.path if self.key is None else self.key
        return f"{name!r} ({self.entry})" if self.entry else repr(name)


Target = SourceImage | str
"""What is meant: an image as a file names it, or a key, a document id or a detection's id."""


@dataclass(frozen=True)
class BoxInput:
    """One word about a box, or about an image.

    Attributes:
        label: one of the vocabulary; None only withdraws.
        target: what is meant: an image, its key or document id, or a detection's id.
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
        image_key: the image's key where `target` is an id; both must mean one image.
    """

    label: str | None = None
    target: Target | None = None
    bbox: tuple[object, ...] | None = None
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
    image_key: str | None = None


Problem = tuple[Target | None, str]
"""What could not be read: the image that it is about, None where that may be any, and the text."""


@dataclass(frozen=True)
class ParsedAnnotations:
    """What one command or file says.

    Attributes:
        boxes: words about boxes and images, in order.
        whole_images: whether the source says all that is on its images: they are `reviewed`, and
            boxes that the same person gave so before and are not there any more are withdrawn.
        problems: what could not be read; see `Problem`.
        notes: every file and every thing that the reader left out, and why, a line each.
        incomplete: images of which an object was left out: they are not taken for reviewed.
    """

    boxes: Sequence[BoxInput]
    whole_images: bool = False
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    incomplete: frozenset[Target] = frozenset()


@dataclass(frozen=True)
class ImportReport:
    """What became of it.

    Attributes:
        recorded: events that are new in the ledger, by label; withdrawals count as `withdrawn`.
        unchanged: words that said what the ledger held already.
        images: how many images they are about.
        left_out: what was wrong with those that were left out, a line each.
        warnings: classes that look like another spelling of one in use.
        notes: every file and thing that was left out, and why, and images that are therefore not
            taken for reviewed.
    """

    recorded: dict[str, int]
    unchanged: int
    images: int
    left_out: tuple[str, ...] = ()
    warnings: tuple[NameWarning, ...] = ()
    notes: tuple[str, ...] = field(default=())
