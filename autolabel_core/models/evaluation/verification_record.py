"""The results of a verification, as JSON contains them."""

from __future__ import annotations

from typing import TypedDict


class RateRecord(TypedDict):
    """A share of right answers with its 95 % Wilson interval; None without queries."""

    share: float | None
    right: int
    queries: int
    low: float
    high: float


class LabelMargin(TypedDict):
    """The median margin of the views of one label."""

    label: str
    median_margin: float


class ConfusablePair(TypedDict):
    """Two labels that are easily taken for each other, with a reference of each."""

    label: str
    other: str
    mistaken: int
    views: int
    cosine: float
    row: int
    other_row: int
    key: str
    other_key: str


class UnknownRateRecord(TypedDict):
    """How many unknown things are named, and the upper end of that share's 95 % interval."""

    share: float
    high: float
    named: int
    asked: int
    labels: int


class AcceptanceRecord(TypedDict):
    """Lowest score and margin that are answered, and what follows from them.

    `max_regions` is 0 where whole pictures are looked up.
    """

    min_score: float
    min_margin: float
    precision: float
    answered: float
    reached: bool
    unknown_named: UnknownRateRecord
    max_regions: int


class RejectionRecord(TypedDict):
    """How well unknown things are told from known ones."""

    auroc_score: float
    auroc_margin: float
    acceptance: AcceptanceRecord


class SuspectRecord(TypedDict):
    """A reference that looks like another label's, and unlike the other pictures of its own."""

    key: str
    label: str
    looks_like: str
    other_key: str
    cosine: float
    own_cosine: float


class VerificationRecord(TypedDict):
    """What `Verification.as_json` returns."""

    references: int
    labels: int
    feature_uri: str
    index_checksum: str
    reference_views: int
    top1: RateRecord
    leave_one_out: RateRecord
    self_identification: RateRecord
    median_margin: float
    worst: list[LabelMargin]
    confusable: list[ConfusablePair]
    by_reference_views: dict[str, dict[str, float | int]]
    unknown: RejectionRecord | None
    unknown_whole: RejectionRecord | None
    names_checked: int
    suspects: list[SuspectRecord]
    remarks: list[str]
    advice: str
