"""Box annotations for tests, short to write."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from autolabel_core.foundation.ids import content_hash, document_id
from autolabel_core.foundation.media.images import probe_image
from autolabel_core.ledger import BoxAnnotation
from autolabel_core.tables.boxes.ground_truth import ImageTruth, KnownImage, TruthBox

IMAGE = KnownImage("doc_1", "one.png", "content1", 100, 80)


def box(
    label: str, xyxy: tuple[float, ...] | None = None, true: str | None = None, **more: Any
) -> BoxAnnotation:
    """One event about IMAGE, or about the `image` given; `judged` is the detector's version."""
    image: KnownImage = more.pop("image", IMAGE)
    judged = more.pop("judged", None)
    facts = {
        "collection": "scenes",
        "image_id": image.document_id,
        "image_key": image.key,
        "content_hash": image.content_hash,
        "image_width_px": image.width_px,
        "image_height_px": image.height_px,
        "annotator": "ann",
        "origin": "cli",
        "true_class": true,
        "xyxy_px": xyxy,
        "payload": {"judged": judged} if judged else {},
    }
    return BoxAnnotation(label=label, **{**facts, **more})


def reviewed(**more: Any) -> BoxAnnotation:
    """That all of the image has been looked at."""
    return box("reviewed", **more)


def picture(number: int, width_px: int = 100, height_px: int = 80, **save: Any) -> bytes:
    """An image of smooth noise that only this number gives; `save` goes to Pillow."""
    small = np.random.default_rng(number).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    target = io.BytesIO()
    image = Image.fromarray(small).resize((width_px, height_px), Image.Resampling.BICUBIC)
    image.save(target, **{"format": "PNG", **save})
    return target.getvalue()


class Scenes:
    """Images and their truths, for the writers of exports."""

    def __init__(self) -> None:
        self.data: dict[str, bytes] = {}

    def add(self, key: str, *boxes: tuple[str, tuple[float, ...]], data: bytes = b"") -> ImageTruth:
        """One reviewed image; its picture is made from its place unless it is given."""
        data = data or picture(len(self.data))
        info = probe_image(data)
        self.data[key] = data
        objects = tuple(TruthBox(name, xyxy, "missed") for name, xyxy in sorted(boxes))
        return ImageTruth(
            document_id("scenes", key),
            key,
            content_hash(data),
            info.width_px,
            info.height_px,
            objects,
            (),
            True,
        )

    def open(self, truth: ImageTruth) -> bytes:
        """The bytes of an image."""
        return self.data[truth.key]

    def spiral(self) -> dict[str, list[ImageTruth]]:
        """Three splits with two classes, an image without a box, and keys that look alike."""
        car, van = ("car", (10.0, 20.0, 30.0, 60.0)), ("van", (0.0, 0.0, 100.0, 80.0))
        return {
            "train": [
                self.add("a/one.png", car, van),
                self.add("a/two.jpg", data=picture(7, format="JPEG")),
                self.add("two.png", car),
                self.add(
                    "two.jpg",
                    ("van", (0.0, 0.0, 64.0, 48.0)),
                    data=picture(9, 64, 48, format="JPEG"),
                ),
            ],
            "val": [self.add("v.png", ("van", (1.5, 2.25, 50.125, 70.0)))],
            "test": [self.add("t.png", ("car", (5.0, 5.0, 6.0, 79.0)))],
        }


CLASS_IDS = {"van": 0, "car": 1, "bus": 2}
