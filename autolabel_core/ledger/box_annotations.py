"""Box annotations: what people said about boxes on images, and which of it is current."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, cast

from autolabel_core.foundation.ids import fingerprint
from autolabel_core.foundation.json_types import JsonObject
from autolabel_core.ledger.annotations import MOVED, MOVED_FROM, MovedFrom

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

    @property
    def identity(self) -> str:
        """The id that such an annotation gets: one person's word on one detection or object."""
        drawn = (self.label, self.true_class, self.xyxy_px)
        about = (self.detection_id, self.judged) if self.detection_id else drawn
        return fingerprint(self.collection, self.image_id, self.content_hash, about, self.annotator)

    @property
    def document_id(self) -> str:
        """The image's document."""
        return self.image_id

    @property
    def key(self) -> str:
        """The image's key."""
        return self.image_key

    @property
    def is_imported(self) -> bool:
        """Never: objects carry no boxes themselves."""
        return False

    @property
    def moved_from(self) -> MovedFrom | None:
        """Where it was carried over from; None where it was given to this very image."""
        return cast("MovedFrom | None", self.payload.get(MOVED_FROM))

    @property
    def own_payload(self) -> JsonObject:
        """The payload without where it was carried over from."""
        return {name: value for name, value in self.payload.items() if name != MOVED_FROM}

    @property
    def given_at(self) -> str:
        """When a person said it; carrying it over to another image is no new word."""
        moved_from = self.moved_from if self.origin == MOVED else None
        return moved_from["recorded_at"] if moved_from else self.recorded_at


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

    Annotations of two people are two annotations, and both hold. One that was carried over to
    another image is the same annotation there; it holds on each image that has the content.

    Args:
        events: box annotations of one collection, in the order of the ledger.
        content_hashes: present content hash of each image that exists.

    Returns:
        What holds and what is stale; an annotation that was given anew is not stale.
    """
    now: dict[tuple[str, str], BoxAnnotation] = {}
    gone: dict[str, BoxAnnotation] = {}
    for event in events:
        if content_hashes.get(event.image_id) == event.content_hash:
            now.pop((event.image_id, event.annotation_id), None)
            now[(event.image_id, event.annotation_id)] = event
        else:
            gone.pop(event.annotation_id, None)
            gone[event.annotation_id] = event
    given_anew = {annotation_id for _, annotation_id in now}
    return CurrentAnnotations(
        [event for event in now.values() if event.action == "annotate"],
        [e for e in gone.values() if e.action == "annotate" and e.annotation_id not in given_anew],
    )
