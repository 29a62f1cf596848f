"""Box annotations: what people said about boxes on images, and which of it is current."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from autolabel_core.foundation.json_types import JsonObject

if TYPE_CHECKING:
    from autolabel_core.foundation.media.boxes import XyxyPx

JUDGED = "judged"
"""Where an annotation's payload keeps the version of the detector whose work was judged."""


@dataclass(frozen=True)
class BoxAnnotation:
    """One event: what somebody says of a box, or that an image was reviewed as a whole.

    `image_id` is the image's document and `content_hash` the content that was judged; another
    content makes the annotation stale. Events of one `annotation_id` follow one another: the latest
    holds, unless it is a withdrawal. `detection_id` is what was judged; None where no detection is
    meant. `label` is one of `confirmed`, `corrected`, `false_positive`, `missed`, and `reviewed`
    for the image as a whole. `xyxy_px` is the box that is meant, `predicted_xyxy_px` the
    detection's; both in pixels of the upright image, whose size was read from the image.
    `annotator` said it, by way of `origin`. An event whose `event_id` the ledger knows is not
    appended again; an empty `recorded_at` becomes now.
    """

    collection: str
    image_id: str
    image_key: str
    content_hash: str
    label: str
    image_width_px: int
    image_height_px: int
    annotator: str
    origin: str
    annotation_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    action: Literal["annotate", "withdraw"] = "annotate"
    detection_id: str | None = None
    predicted_class: str | None = None
    true_class: str | None = None
    xyxy_px: XyxyPx | None = None
    predicted_xyxy_px: XyxyPx | None = None
    confidence: float | None = None
    reasoning: str | None = None
    retriever_id: str | None = None
    execution_id: str | None = None
    payload: JsonObject = field(default_factory=dict)
    recorded_at: str = ""
    event_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def judged(self) -> str | None:
        """The version of the detector whose work was judged; None for boxes that came before."""
        judged = self.payload.get(JUDGED)
        return judged if isinstance(judged, str) else None


@dataclass(frozen=True)
class CurrentAnnotations:
    """What holds of a collection's box annotations.

    Attributes:
        holding: the latest of each `annotation_id` about the present content, in order.
        stale: the latest of those that were given to a content which is there no more, in order.
    """

    holding: list[BoxAnnotation]
    stale: list[BoxAnnotation]


def effective(
    events: Iterable[BoxAnnotation], content_hashes: Mapping[str, str]
) -> CurrentAnnotations:
    """Return what holds now: for each annotation its latest event, unless that is a withdrawal.

    Annotations of two people are two annotations, and both hold.

    Args:
        events: box annotations of one collection, in the order of the ledger.
        content_hashes: present content hash of each image that exists.

    Returns:
        What holds and what is stale; an annotation that was given anew is not stale.
    """
    now: dict[str, BoxAnnotation] = {}
    gone: dict[str, BoxAnnotation] = {}
    for event in events:
        is_present = content_hashes.get(event.image_id) == event.content_hash
        latest = now if is_present else gone
        latest.pop(event.annotation_id, None)
        latest[event.annotation_id] = event
    return CurrentAnnotations(
        [event for event in now.values() if event.action == "annotate"],
        [e for e in gone.values() if e.action == "annotate" and e.annotation_id not in now],
    )
