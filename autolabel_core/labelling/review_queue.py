"""The review queue: the images that a person should review next, the most informative first.

A queue never gives out more than a person was promised to get: caps for one class, for one queue,
and for a day.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypedDict

from autolabel_core.documents.documents import Documents
from autolabel_core.documents.record import DocumentRecord
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.suggestions import did_you_mean
from autolabel_core.ledger.box_annotations import BoxAnnotation, effective
from autolabel_core.tables.boxes.box_labels import REVIEWED
from autolabel_core.tables.detection_rows import BBOX_FORMAT, Bbox
from autolabel_core.tables.workspace import OpenCollection

QUEUES: Mapping[str, str] = {
    "lowest_confidence": "images by their least sure box, the least sure first",
    "class": "images with a box of one class, its least sure first",
    "disagreement": "images on which the taxonomy calls a box something else than the detector",
    "random": "a random sample of all images, reviewed ones too: the one unbiased estimate",
}
ReviewedBox = TypedDict(
    "ReviewedBox",
    {
        "document_id": str,
        "key": str,
        "class": str,
        "confidence": float,
        "bbox": Bbox,
        "bbox_format": str,
        "label": str | None,
        "label_source": str | None,
        "verdict": str | None,
    },
)
"""One box of an image in the queue, with what its neighbours and a person said."""


class QueuedImage(TypedDict):
    """An image to look at.

    `why` says what put it into the queue, `score` is what the order is made of (None for `random`),
    `focus` has the keys of the boxes that put it there; `detections` are all of its boxes.
    """

    image_id: str
    image_key: str
    width_px: int | None
    height_px: int | None
    reviewed: bool
    why: str
    score: float | None
    focus: list[str]
    detections: list[ReviewedBox]


@dataclass(frozen=True)
class Caps:
    """How much is given out at most.

    Attributes:
        limit: images.
        per_class: images that the same class put into the queue; None: no cap.
        per_day: images in 24 hours, those that were reviewed in them counted; None: no cap.
    """

    limit: int = 20
    per_class: int | None = None
    per_day: int | None = None


def review_queue(
    collection: OpenCollection,
    by: str,
    caps: Caps,
    now: datetime,
    class_name: str | None = None,
    seed: int = 0,
) -> list[QueuedImage]:
    """Return the images to look at next.

    Args:
        collection: opened with its stores.
        by: one of QUEUES.
        caps: how much is given out.
        now: the present moment, in UTC.
        class_name: for the queue `class`: which.
        seed: for the queue `random`: another number is another sample.

    Returns:
        The images.

    Raises:
        AutolabelError: no such queue, nothing is detected here, or `class_name` is missing.
    """
    if by not in QUEUES:
        hint = did_you_mean(by, QUEUES)
        raise AutolabelError(f"No queue {by!r}.{hint} Queues: {', '.join(QUEUES)}.")
    if collection.declaration.detection is None:
        name = collection.name
        raise AutolabelError(
            f"`{name}` has no `detection`: its queue is `autolabel documents {name} "
            f"--filter {collection.declaration.label_field}:eq:null`."
        )
    if (by == "class") != (class_name is not None):
        raise AutolabelError("The queue `class` needs the name of a class, the others take none.")
    annotations = collection.ledger.box_annotations(collection.name)
    images = _images(collection, annotations)
    if by == "random":
        drawn = sorted(images, key=lambda image: _draw(seed, image["image_id"]))
        return [{**queued, "why": QUEUES[by]} for queued in drawn[: _most(caps, annotations, now)]]
    waiting = [image for image in images if not image["reviewed"]]
    scored = [queued for image in waiting if (queued := _scored(image, by, class_name)) is not None]
    scored.sort(key=lambda queued: (queued["score"], queued["image_key"]))
    return _capped(scored, caps.per_class)[: _most(caps, annotations, now)]


def _images(collection: OpenCollection, annotations: Sequence[BoxAnnotation]) -> list[QueuedImage]:
    """All images that could be looked at, each with its boxes."""
    records = Documents(collection).find()
    images = {r["document_id"]: r for r in records if r["kind"] == "image" and not r["reason"]}
    boxes: dict[str, list[ReviewedBox]] = {image: [] for image in images}
    for record in records:
        if record["kind"] == "detection" and record["image_id"] in boxes:
            boxes[record["image_id"]].append(_box(record))
    contents = _contents(collection)
    holding = effective(annotations, contents).holding
    reviewed = {event.image_id for event in holding if event.label == REVIEWED}
    return [
        {
            "image_id": r["image_id"],
            "image_key": r["image_key"],
            "width_px": r["width_px"],
            "height_px": r["height_px"],
            "why": "",
            "reviewed": image in reviewed,
            "score": None,
            "focus": [],
            "detections": sorted(boxes[image], key=lambda box: -box["confidence"]),
        }
        for image, r in images.items()
    ]


def _contents(collection: OpenCollection) -> dict[str, str]:
    view = Documents(collection)
    with view.connect() as connection:
        rows = connection.execute(
            "SELECT document_id, content_hash FROM all_documents WHERE kind = 'image'"
        ).fetchall()
    return {document: content for document, content in rows if content}


def _box(record: DocumentRecord) -> ReviewedBox:
    return {
        "document_id": record["document_id"],
        "key": record["key"],
        "class": record["detected_class"] or "",
        "confidence": record["detected_confidence"] or 0.0,
        "bbox": record["bbox"],
        "bbox_format": record["bbox_format"] or BBOX_FORMAT,
        "label": record["label"],
        "label_source": record["label_source"],
        "verdict": record["verdict"],
    }


def _scored(image: QueuedImage, by: str, class_name: str | None) -> QueuedImage | None:
    """The image with its place in the queue; None where nothing puts it there."""
    puts: Mapping[str, Callable[[ReviewedBox], bool]] = {
        "lowest_confidence": lambda box: True,
        "class": lambda box: class_name in (box["class"], box["label"]),
        "disagreement": lambda box: box["label_source"] == "auto" and box["label"] != box["class"],
    }
    open_ = [box for box in image["detections"] if box["verdict"] is None]
    matching = sorted((b for b in open_ if puts[by](b)), key=lambda box: box["confidence"])
    if not matching:
        return None
    least = matching[0]
    why = f"{least['class']} {least['confidence']:.2f}"
    if by == "disagreement":
        why += f", by its neighbours {least['label']}"
    focus = [box["key"] for box in (matching[:1] if by == "lowest_confidence" else matching)]
    return {**image, "why": why, "score": least["confidence"], "focus": focus}


def _capped(queue: Iterable[QueuedImage], per_class: int | None) -> list[QueuedImage]:
    counts: Counter[str] = Counter()
    kept = []
    for image in queue:
        name = next(b["class"] for b in image["detections"] if b["key"] == image["focus"][0])
        counts[name] += 1
        if per_class is None or counts[name] <= per_class:
            kept.append(image)
    return kept


def _most(caps: Caps, annotations: Iterable[BoxAnnotation], now: datetime) -> int:
    """How many images may be given out now."""
    if caps.per_day is None:
        return caps.limit
    since = (now - timedelta(days=1)).isoformat(timespec="microseconds")
    recent = {a.image_id for a in annotations if a.given_at >= since}
    return max(0, min(caps.limit, caps.per_day - len(recent)))


def _draw(seed: int, image_id: str) -> str:
    return hashlib.sha256(f"{seed}\0{image_id}".encode()).hexdigest()
