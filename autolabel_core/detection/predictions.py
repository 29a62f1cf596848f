"""What the detector said of images, where a person judges it."""

from __future__ import annotations

import re
from collections.abc import Collection as AnyCollection
from collections.abc import Mapping
from dataclasses import dataclass, field

from autolabel_core.boxes import XyxyPx

DETECTION_ID = re.compile(r"(doc_[0-9a-f]{20})_det_\S+")


@dataclass(frozen=True)
class Prediction:
    """One detection that stands in the tables.

    Attributes:
        detection_id: its document id.
        image_key: key of the image.
        content_hash: the image's content that the detector looked at.
        class_name: what it saw.
        xyxy_px: where.
        version: the detector's version.
    """

    detection_id: str
    image_key: str
    content_hash: str
    class_name: str
    xyxy_px: XyxyPx
    version: str


@dataclass(frozen=True)
class Predictions:
    """Detections of the images that are spoken of.

    Attributes:
        by_id: the detection by its id.
        looked_at: by image content, the version of the detector that looked at it, also where it
            saw nothing.
    """

    by_id: Mapping[str, Prediction] = field(default_factory=dict)
    looked_at: Mapping[str, str] = field(default_factory=dict)


def image_of(detection_id: str) -> str | None:
    """Return the document id of a detection's image; None where the text is no detection's id."""
    found = DETECTION_ID.fullmatch(detection_id)
    return found[1] if found else None


def detection_ids(targets: AnyCollection[str | None]) -> set[str]:
    """Return those of the targets that are ids of detections."""
    return {target for target in targets if target is not None and image_of(target) is not None}
