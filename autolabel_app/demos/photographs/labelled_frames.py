"""A sheet of frames with the labels that they got: what a person looks at first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autolabel_core.documents.record import DocumentRecord
from autolabel_core.foundation.charts.fonts import elided, font

if TYPE_CHECKING:
    from PIL import Image

COLUMNS = 8
FRAME_PX, CAPTION_PX, GAP_PX = (150, 100), 16, 6
BACKGROUND, HUMAN, RIGHT, WRONG, UNKNOWN = "white", "#1f5fbf", "#2a7d3c", "#c62828", "#777777"


def labelled_frames(
    records: Sequence[DocumentRecord], folder: Path, truth: Mapping[str, str]
) -> Image.Image:
    """Draw a row for each scene: the labelled frame first, then frames that labelled themselves.

    Args:
        records: documents with their labels.
        folder: holds their images, by key.
        truth: what each shows, by key.

    Returns:
        The sheet. Captions are blue where a person gave the label, green where the machine is
        right, red where it is wrong, grey where it left the frame to a person.
    """
    from PIL import Image, ImageDraw

    rows = defaultdict(list)
    for record in sorted(records, key=lambda r: (r["label_source"] != "human", r["key"])):
        rows[truth[record["key"]]].append(record)
    width, height = FRAME_PX[0] + GAP_PX, FRAME_PX[1] + CAPTION_PX + GAP_PX
    size = (COLUMNS * width + GAP_PX, len(rows) * height + GAP_PX)
    sheet = Image.new("RGB", size, BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for y, (scene, shown) in enumerate(sorted(rows.items())):
        for x, record in enumerate(shown[:COLUMNS]):
            left, top = GAP_PX + x * width, GAP_PX + y * height
            with Image.open(folder / record["key"]) as frame:
                sheet.paste(frame.resize(FRAME_PX), (left, top))
            caption, colour = _caption(record, scene)
            draw.text((left, top + FRAME_PX[1] + 1), elided(caption, FRAME_PX[0]), colour, font())
    return sheet


def _caption(record: DocumentRecord, scene: str) -> tuple[str, str]:
    label, confidence = record["label"], record["taxonomy_match"]["confidence"]
    score = "" if confidence is None else f" {confidence:.2f}"
    if record["label_source"] == "human":
        return f"{label} (labelled)", HUMAN
    if label is None:
        return f"?{score}", UNKNOWN
    return f"{label}{score}", RIGHT if label == scene else WRONG
