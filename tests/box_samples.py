"""Box annotations for tests, short to write."""

from __future__ import annotations

from typing import Any

from autolabel_core.detection.truth import KnownImage
from autolabel_core.ledger import BoxAnnotation

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
