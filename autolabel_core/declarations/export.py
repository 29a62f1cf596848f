"""Which formats `annotation_exports` keeps up to date."""

from __future__ import annotations

from collections.abc import Iterable

from autolabel_core.declarations.model import Declaration, KeyedError
from autolabel_core.labels import did_you_mean


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


def _formats(of_boxes: bool) -> Iterable[str]:
    if of_boxes:
        from autolabel_core.exports.box_formats import BOX_FORMATS

        return tuple(BOX_FORMATS)
    from autolabel_core.exports import FORMATS

    return tuple(FORMATS)
