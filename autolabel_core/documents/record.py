"""The record of a document that `documents`, `retrieve` and `explain` return."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from autolabel_core.tables.detection_rows import Bbox, DetectionRecord


class TaxonomyMatch(TypedDict):
    """The decision: whether a label was given, how sure it is, and by which reference.

    `score` names what decided. `confidence` is kept where nothing matched: under `nearest` the
    cosine with the nearest reference in [-1, 1], under other scores the `probability` of the label
    in [0, 1]; None without references. `similarity` in [-1, 1] says how near the references are at
    all, `margin` by how much the label leads.
    """

    matched: bool
    confidence: float | None
    source_document_id: str | None
    score: str | None
    similarity: float | None
    probability: float | None
    margin: float | None


class BoxFields(TypedDict, total=False):
    """What documents say beside, where boxes are documents.

    Of both kinds the first five; of an image `detections` (None where it could not be looked at);
    of a box the others.
    """

    kind: str
    image_id: str
    image_key: str
    width_px: int | None
    height_px: int | None
    detections: list[DetectionRecord] | None
    detected_class: str | None
    detected_confidence: float | None
    bbox: Bbox
    bbox_format: str | None
    verdict: str | None


class FrameFields(TypedDict, total=False):
    """What documents say beside, where frames of videos are documents."""

    kind: str
    width_px: int | None
    height_px: int | None
    video_id: str
    video_key: str
    frame: int
    seconds: float | None


class DocumentRecord(BoxFields, FrameFields, total=False):
    """One document.

    The label, the enriched fields and those of clusters stand beside under their declared names.
    `score` is the cosine of a search, `url` an address of the content; others have none. The
    `suggestion_…` say how the label was proposed by its name, where that is declared.
    """

    document_id: str
    key: str
    label: str | None
    label_source: str | None
    taxonomy_match: TaxonomyMatch
    suggested_label: str | None
    margin: float | None
    margin_lower_bound: float | None
    reason: str | None
    suggestion_score: float | None
    suggestion_reason: str | None
    score: float
    url: str | None


def rounded(value: float | None) -> float | None:
    """Return a number as records show it: beyond six decimals, sums differ with their order."""
    return None if value is None else round(value, 6)
