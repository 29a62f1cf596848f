"""The model of `exports:`: which formats `annotation_exports` keeps up to date."""

from __future__ import annotations

from autolabel_core.declarations.model import Declaration, KeyedError
from autolabel_core.foundation.suggestions import did_you_mean

DOCUMENT_FORMATS = ("csv", "parquet", "jsonl", "image_folder", "huggingface")
BOX_FORMATS = ("csv", "parquet", "jsonl", "yolo", "coco", "voc", "label_studio")


class Export(Declaration):
    """Which formats `annotation_exports` keeps up to date; folders of images are opt-in."""

    formats: tuple[str, ...] = ("csv", "jsonl", "parquet")

    def check_formats(self, of_boxes: bool) -> None:
        """Refuse a format that could not be written, when the file is read.

        Args:
            of_boxes: whether the collection's people annotate boxes on images.

        Raises:
            KeyedError: there is no such format for this collection.
        """
        known = _formats(of_boxes)
        for name in self.formats:
            if name not in known:
                kind = "boxes" if of_boxes else "labelled documents"
                other = " (it has no `detection`)" if name in _formats(True) else ""
                raise KeyedError(
                    ("exports", "formats"),
                    f"no format `{name}` for {kind}{'' if of_boxes else other}."
                    f"{did_you_mean(name, known)} Formats: {', '.join(known)}",
                )


def _formats(of_boxes: bool) -> tuple[str, ...]:
    return BOX_FORMATS if of_boxes else DOCUMENT_FORMATS
