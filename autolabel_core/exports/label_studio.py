"""The Label Studio format: tasks with rectangles, to review or to continue from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from autolabel_core.exports.box_report import BoxExportReport, OpenImage, Truths
from autolabel_core.exports.image_files import PlacedImage, finish, place_images
from autolabel_core.exports.yolo import class_names
from autolabel_core.foundation.media.boxes import xyxy_to_xywh
from autolabel_core.tables.boxes.ground_truth import TruthBox

FORMAT = "label_studio"
LOCAL_FILES = "/data/local-files/?d="
"""Where Label Studio shows files below its LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT."""


def write_label_studio(
    truths_by_split: Truths, open_image: OpenImage, class_ids: Mapping[str, int], folder: Path
) -> BoxExportReport:
    """Write `tasks.json`, `config.xml` and `images/<split>`; see `BoxWriter`."""
    names = class_names(class_ids, truths_by_split)
    placement = place_images(truths_by_split, open_image, folder, "images/{split}")
    tasks = [_task(number, image) for number, image in enumerate(placement.images, start=1)]
    _write(folder / "tasks.json", json.dumps(tasks, ensure_ascii=False, indent=1) + "\n")
    labels = "".join(f"    <Label value={quoteattr(name)}/>\n" for name in names)
    _write(
        folder / "config.xml",
        '<View>\n  <Image name="image" value="$image"/>\n'
        f'  <RectangleLabels name="label" toName="image">\n{labels}  </RectangleLabels>\n</View>\n',
    )
    return finish(FORMAT, placement, class_ids, folder)


def _task(number: int, image: PlacedImage) -> dict[str, object]:
    results = [_result(place, box, image) for place, box in enumerate(image.truth.boxes, start=1)]
    data = {"image": LOCAL_FILES + quote(image.file), "key": image.truth.key, "split": image.split}
    return {"id": number, "data": data, "annotations": [{"id": number, "result": results}]}


def _result(place: int, box: TruthBox, image: PlacedImage) -> dict[str, object]:
    x, y, width, height = xyxy_to_xywh(box.xyxy_px)[0].tolist()
    wide, high = image.truth.width_px, image.truth.height_px
    return {
        "id": f"box{place}",
        "type": "rectanglelabels",
        "from_name": "label",
        "to_name": "image",
        "original_width": wide,
        "original_height": high,
        "image_rotation": 0,
        "value": {
            "x": 100 * x / wide,
            "y": 100 * y / high,
            "width": 100 * width / wide,
            "height": 100 * height / high,
            "rotation": 0,
            "rectanglelabels": [box.class_name],
        },
    }


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
