"""Judgements of rules by the gold set of whole documents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from autolabel_core.ledger.judgement_schema import GOLD_JUDGEMENTS
from autolabel_core.ledger.rows import Rows


class GoldFigures(TypedDict):
    """How a rule did on the documents of a gold set that people have labelled.

    Of `judged` documents the rule labels `matched`, and `right` of those rightly; its likeliest
    label is right of `suggested_right`, whether it is sure enough or not. `near_duplicates` were
    left out, because a reference shows the same.
    """

    judged: int
    matched: int
    right: int
    suggested_right: int
    near_duplicates: int
    score: str
    threshold: float | None
    feature_uri: str


@dataclass(frozen=True)
class GoldJudgement:
    """How one version of a rule did; the same rule on the same labels is judged once."""

    judgement_id: str
    collection: str
    rule_version: str
    payload: GoldFigures
    recorded_at: str = ""


class GoldJudgementRows(Rows):
    """Judgements by gold sets in the ledger."""

    def append_gold_judgement(self, judgement: GoldJudgement) -> int:
        """Append a judgement, unless it is known.

        Args:
            judgement: of a rule.

        Returns:
            1, or 0 where it was known.
        """
        return self._append_unknown(GOLD_JUDGEMENTS.c.judgement_id, [judgement])

    def gold_judgements(self, collection: str) -> list[GoldJudgement]:
        """Return all judgements of a collection, in order."""
        return self._listed(GoldJudgement, GOLD_JUDGEMENTS, {"collection": collection})
