"""The input and the report of a box export, the same for all formats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autolabel_core.tables.boxes.ground_truth import ImageTruth

SPLITS = ("train", "val", "test")

Truths = Mapping[str, Sequence[ImageTruth]]
"""Images by split; whoever splits takes care that near-duplicates do not cross."""

OpenImage = Callable[[ImageTruth], bytes]


@dataclass(frozen=True)
class BoxExportReport:
    """What went into an export of boxes, and what did not.

    Attributes:
        format: name of the format.
        images: how many images went in, by split.
        boxes: how many boxes went in, by class; classes with a number and no box count 0.
        without_boxes: images among them on which there is nothing: hard negatives.
        left_out: key and reason of each image that did not go in.
        notes: what else a person should know.
    """

    format: str
    images: Mapping[str, int]
    boxes: Mapping[str, int]
    without_boxes: int
    left_out: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def skipped(self) -> dict[str, int]:
        """How many images were left out, by reason, most frequent first."""
        return dict(Counter(reason for _, reason in self.left_out).most_common())

    def __str__(self) -> str:
        """The report in one line."""
        boxes = sum(self.boxes.values())
        classes = sum(count > 0 for count in self.boxes.values())
        return (
            f"{boxes} boxes of {classes} classes on {sum(self.images.values())} images "
            f"({', '.join(f'{split} {count}' for split, count in self.images.items())}; "
            f"{self.without_boxes} without a box)"
        )


BoxWriter = Callable[[Truths, OpenImage, Mapping[str, int], Path], BoxExportReport]
"""Writes images by split into a folder: `(truths_by_split, open_image, class_ids, folder)`."""


def report_boxes(
    fmt: str,
    written: Iterable[tuple[str, ImageTruth]],
    class_ids: Mapping[str, int],
    left_out: Sequence[tuple[str, str]] = (),
    notes: Sequence[str] = (),
) -> BoxExportReport:
    """Count what was written.

    Args:
        fmt: name of the format.
        written: split and truth of each image that went in.
        class_ids: the number of each class.
        left_out: key and reason of each image that did not.
        notes: what else a person should know.

    Returns:
        The report.
    """
    images = Counter(dict.fromkeys(SPLITS, 0))
    boxes = Counter(dict.fromkeys(sorted(class_ids, key=class_ids.__getitem__), 0))
    without_boxes = 0
    for split, truth in written:
        images[split] += 1
        without_boxes += not truth.boxes
        boxes.update(box.class_name for box in truth.boxes)
    return BoxExportReport(
        fmt, dict(images), dict(boxes), without_boxes, tuple(left_out), tuple(notes)
    )
