"""The image files of a box export: the original bytes where every reader agrees on them."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.csv as pa_csv

from autolabel_core.exports.box_report import BoxExportReport, OpenImage, Truths, report_boxes
from autolabel_core.exports.file_naming import file_stem, unique_names
from autolabel_core.foundation.errors import NotFoundError, UnreadableItemError
from autolabel_core.foundation.ids import content_hash
from autolabel_core.foundation.media.images import decode_image, probe_image
from autolabel_core.foundation.spreadsheet_cells import escaped_table
from autolabel_core.tables.boxes.ground_truth import ImageTruth

# Readers disagree about turned pictures, and about pages and frames of the other formats.
SUFFIXES = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "WEBP": ".webp", "BMP": ".bmp"}
_UNREADABLE = (UnreadableItemError, NotFoundError, FileNotFoundError, PermissionError)


@dataclass(frozen=True)
class PlacedImage:
    """An image in an export; `file` is relative to the export's folder, with `/`."""

    split: str
    file: str
    truth: ImageTruth

    @property
    def stem(self) -> str:
        """The file's name without its suffix; no other image of the export has it."""
        return PurePosixPath(self.file).stem


@dataclass(frozen=True)
class Placement:
    """The images that are in place, by split and key, and those that are not, with the reason."""

    images: list[PlacedImage]
    left_out: list[tuple[str, str]]


def place_images(truths: Truths, open_image: OpenImage, folder: Path, where: str) -> Placement:
    """Write the images; one that cannot be read, or was replaced, is left out.

    Args:
        truths: images by split.
        open_image: gives the bytes of an image.
        folder: the export's folder.
        where: sub-folder of the images, in which `{split}` stands for the split.

    Returns:
        What is in place; no two files differ only in their suffix.
    """
    wanted = [(split, truth) for split, of_split in truths.items() for truth in _by_key(of_split)]
    stems = [file_stem(truth.key) for _, truth in wanted]
    names = unique_names(stems, [truth.document_id for _, truth in wanted])
    placed, left_out = [], []
    for split in truths:
        (folder / where.format(split=split)).mkdir(parents=True, exist_ok=True)
    for name, (split, truth) in zip(names, wanted, strict=True):
        try:
            data, suffix = portable_image(_judged_bytes(open_image, truth))
        except _UNREADABLE as error:
            left_out.append((truth.key, str(error)))
            continue
        file = f"{where.format(split=split)}/{name}{suffix}"
        (folder / file).write_bytes(data)
        placed.append(PlacedImage(split, file, truth))
    return Placement(placed, left_out)


def portable_image(data: bytes) -> tuple[bytes, str]:
    """Return an image as all readers see it alike, and its suffix.

    Args:
        data: the user's image.

    Returns:
        The same bytes where the format is common and the picture stands upright, else a PNG of the
        upright picture; boxes are those of the upright picture either way.
    """
    info = probe_image(data)
    if info.format in SUFFIXES and info.upright:
        return data, SUFFIXES[info.format]
    target = io.BytesIO()
    decode_image(data).save(target, "PNG")
    return target.getvalue(), ".png"


def finish(
    fmt: str,
    placement: Placement,
    class_ids: Mapping[str, int],
    folder: Path,
    notes: Sequence[str] = (),
) -> BoxExportReport:
    """Write `images.csv`, which leads from the files back to keys, and report.

    Args:
        fmt: name of the format.
        placement: what is in place.
        class_ids: the number of each class.
        folder: the export's folder.
        notes: what else a person should know.

    Returns:
        What went in and what did not.
    """
    _write_index(placement.images, folder)
    written = [(image.split, image.truth) for image in placement.images]
    return report_boxes(fmt, written, class_ids, placement.left_out, notes)


def _write_index(placed: Sequence[PlacedImage], folder: Path) -> None:
    columns = {
        "file": [p.file for p in placed],
        "split": [p.split for p in placed],
        "key": [p.truth.key for p in placed],
        "document_id": [p.truth.document_id for p in placed],
        "content_hash": [p.truth.content_hash for p in placed],
    }
    table = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
    pa_csv.write_csv(escaped_table(table), folder / "images.csv")


def _judged_bytes(open_image: OpenImage, truth: ImageTruth) -> bytes:
    data = open_image(truth)
    if content_hash(data) != truth.content_hash:
        raise UnreadableItemError("replaced since it was annotated")
    return data


def _by_key(truths: Iterable[ImageTruth]) -> list[ImageTruth]:
    return sorted(truths, key=lambda truth: (truth.key, truth.document_id))
