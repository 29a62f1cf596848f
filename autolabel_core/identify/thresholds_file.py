"""Thresholds for score and margin of a confident answer, and the file that they are read from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from autolabel_core.foundation.atomic_files import write_atomically
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.matching.decision_engine import Match
from autolabel_core.matching.reference_index import ReferenceIndex
from autolabel_core.models.evaluation.acceptance import Acceptance
from autolabel_core.models.evaluation.verification_record import AcceptanceRecord

CLIP_MIN_SCORE, CLIP_MIN_MARGIN = 0.70, 0.04
CHECKSUM = "checksum"
GIVEN, MEASURED, CLIP = "given", "verify", "CLIP defaults"
WHOLE = "whole pictures"
UNMEASURED = "CLIP defaults, not measured for this encoder: run `autolabel identify verify`"


@dataclass(frozen=True)
class AcceptanceThresholds:
    """What an answer reaches that is beyond doubt: two gates over whatever label the rule gives.

    An index has no taxonomy: its rule is `min_score`.

    Attributes:
        min_score: lowest cosine of a sure answer.
        min_margin: lowest distance to the best other label of a sure answer.
        source: where the numbers come from, for people.
        max_regions: what they were measured for: the best of so many proposed regions, 0 for whole
            pictures; None: they were not measured.
    """

    min_score: float
    min_margin: float
    source: str
    max_regions: int | None = None

    @classmethod
    def measured(cls, record: AcceptanceRecord) -> AcceptanceThresholds:
        """Return what a verification proposed; earlier ones looked at whole pictures alone."""
        regions = record.get("max_regions", 0)
        return cls(record["min_score"], record["min_margin"], MEASURED, regions)

    def served_by(self, looked_at: str, max_regions: int) -> AcceptanceThresholds:
        """Return them with a source that says so where they were measured for other regions.

        Args:
            looked_at: what is served, for people, such as `8 proposed regions`.
            max_regions: of proposals; 0: whole pictures; -1: a detector finds the regions.

        Returns:
            The same numbers.
        """
        if self.max_regions is None or self.max_regions == max_regions:
            return self
        measured = f"{self.max_regions} proposed regions" if self.max_regions else WHOLE
        source = f"{self.source}, measured for {measured}, not for {looked_at}"
        return replace(self, source=source)

    def given(self, min_score: float | None, min_margin: float | None) -> AcceptanceThresholds:
        """Return them with the numbers that a person gave; None leaves a number as it is."""
        if min_score is None and min_margin is None:
            return self
        return replace(
            self,
            min_score=self.min_score if min_score is None else min_score,
            min_margin=self.min_margin if min_margin is None else min_margin,
            source=GIVEN if None not in (min_score, min_margin) else f"{GIVEN}, {self.source}",
            max_regions=None if None not in (min_score, min_margin) else self.max_regions,
        )

    def confident(self, match: Match) -> bool:
        """Whether a match is sure; an only label has nothing to be taken for."""
        return match.matched and self.reached_by(match)

    def reached_by(self, match: Match) -> bool:
        """Whether a match reaches both numbers, whatever the rule says of it."""
        wide = match.margin is None or match.margin >= self.min_margin
        return match.score >= self.min_score and wide


def thresholds_file(index_file: Path) -> Path:
    """Return where thresholds stand that were measured for an index."""
    return index_file.with_suffix(".thresholds.json")


def save_thresholds(
    index_file: Path, index: ReferenceIndex, regions: Acceptance, whole: Acceptance | None = None
) -> None:
    """Keep what `verify` proposed beside the index, for the live page and for whole pictures."""
    record = {**_space(index), **regions.record()}
    record["whole_pictures"] = None if whole is None else whole.record()
    record[CHECKSUM] = _checksum_of(record)
    text = json.dumps(record, indent=2, sort_keys=True)
    write_atomically(thresholds_file(index_file), lambda part: part.write_text(text + "\n"))


@dataclass(frozen=True)
class IndexThresholds:
    """The thresholds of an index: for the best of the regions of a picture, and for whole ones."""

    regions: AcceptanceThresholds
    whole: AcceptanceThresholds


def thresholds_of(index_file: Path, index: ReferenceIndex) -> IndexThresholds:
    """Return the thresholds that suit an index: those measured, else CLIP's.

    Args:
        index_file: where the index stands.
        index: the index; what was measured for another encoder, or other reference views, is of no
            use for it.

    Returns:
        Both pairs of numbers and where they come from.
    """
    usual = _defaults(index)
    return _measured(index_file, index) or IndexThresholds(usual, usual)


def _space(index: ReferenceIndex) -> dict[str, object]:
    return {
        "feature_uri": index.feature_uri,
        "reference_views": index.origin.reference_views,
    }


def _measured(index_file: Path, index: ReferenceIndex) -> IndexThresholds | None:
    file = thresholds_file(index_file)
    if not file.is_file():
        return None
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        if record.get(CHECKSUM, _checksum_of(record)) != _checksum_of(record):
            raise ValueError("its checksum is another: it was damaged, or changed by hand")
        if any(record[key] != value for key, value in _space(index).items()):
            return None
        regions = AcceptanceThresholds.measured(record)
        whole = record.get("whole_pictures")
        whole_pictures = AcceptanceThresholds.measured(whole) if whole else regions
        return IndexThresholds(_as_numbers(regions), _as_numbers(whole_pictures))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AutolabelError(
            f"{file} holds no thresholds ({type(error).__name__}: {error}). Remove it, or write it "
            "again: `autolabel identify verify`."
        ) from error


def _checksum_of(record: Mapping[str, object]) -> str:
    own = {name: value for name, value in record.items() if name != CHECKSUM}
    return fingerprint(json.loads(json.dumps(own)))


def _as_numbers(thresholds: AcceptanceThresholds) -> AcceptanceThresholds:
    """Refuse what a file says in place of numbers."""
    return replace(
        thresholds, min_score=float(thresholds.min_score), min_margin=float(thresholds.min_margin)
    )


def _defaults(index: ReferenceIndex) -> AcceptanceThresholds:
    plain_clip = index.origin.model.startswith("open_clip:") and not index.origin.projection
    return AcceptanceThresholds(CLIP_MIN_SCORE, CLIP_MIN_MARGIN, CLIP if plain_clip else UNMEASURED)
