"""Thresholds for score and margin of a confident answer, and the file that they are read from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from autolabel_core.foundation.atomic_files import write_atomically
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.matching.decision_engine import Match
from autolabel_core.matching.reference_index import ReferenceIndex
from autolabel_core.models.evaluation.unknown_rejection import Acceptance

CLIP_MIN_SCORE, CLIP_MIN_MARGIN = 0.70, 0.04
GIVEN, MEASURED, CLIP = "given", "verify", "CLIP defaults"
UNMEASURED = "CLIP defaults, not measured for this encoder: run `autolabel identify verify`"


@dataclass(frozen=True)
class AcceptanceThresholds:
    """What an answer reaches that is beyond doubt: two gates over whatever label the rule gives.

    An index has no taxonomy: its rule is `min_score`.

    Attributes:
        min_score: lowest cosine of a sure answer.
        min_margin: lowest distance to the best other label of a sure answer.
        source: where the numbers come from, for people.
    """

    min_score: float
    min_margin: float
    source: str

    def given(self, min_score: float | None, min_margin: float | None) -> AcceptanceThresholds:
        """Return them with the numbers that a person gave; None leaves a number as it is."""
        if min_score is None and min_margin is None:
            return self
        return AcceptanceThresholds(
            self.min_score if min_score is None else min_score,
            self.min_margin if min_margin is None else min_margin,
            GIVEN if None not in (min_score, min_margin) else f"{GIVEN}, {self.source}",
        )

    def confident(self, match: Match) -> bool:
        """Whether a match is sure; an only label has nothing to be taken for."""
        wide = match.margin is None or match.margin >= self.min_margin
        return match.matched and match.score >= self.min_score and wide


def thresholds_file(index_file: Path) -> Path:
    """Return where thresholds stand that were measured for an index."""
    return index_file.with_suffix(".thresholds.json")


def save_thresholds(index_file: Path, index: ReferenceIndex, measured: Acceptance) -> None:
    """Keep what `verify` proposed beside the index."""
    text = json.dumps({**_space(index), **asdict(measured)}, indent=2, sort_keys=True)
    write_atomically(thresholds_file(index_file), lambda part: part.write_text(text + "\n"))


def thresholds_of(index_file: Path, index: ReferenceIndex) -> AcceptanceThresholds:
    """Return the thresholds that suit an index: those measured, else CLIP's.

    Args:
        index_file: where the index stands.
        index: the index; what was measured for another encoder, or other reference views, is of no
            use for it.

    Returns:
        Both numbers and where they come from.
    """
    return _measured(index_file, index) or _defaults(index)


def _space(index: ReferenceIndex) -> dict[str, object]:
    return {
        "feature_uri": index.feature_uri,
        "reference_views": index.origin.reference_views,
    }


def _measured(index_file: Path, index: ReferenceIndex) -> AcceptanceThresholds | None:
    file = thresholds_file(index_file)
    if not file.is_file():
        return None
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        if any(said[key] != value for key, value in _space(index).items()):
            return None
        return AcceptanceThresholds(float(said["min_score"]), float(said["min_margin"]), MEASURED)
    except (ValueError, KeyError, TypeError) as error:
        raise AutolabelError(
            f"{file} holds no thresholds ({type(error).__name__}: {error}). Remove it, or write it "
            "again: `autolabel identify verify`."
        ) from error


def _defaults(index: ReferenceIndex) -> AcceptanceThresholds:
    plain_clip = index.origin.model.startswith("open_clip:") and not index.origin.projection
    return AcceptanceThresholds(CLIP_MIN_SCORE, CLIP_MIN_MARGIN, CLIP if plain_clip else UNMEASURED)
