"""What notebooks and commands do with one collection to trust its labels: look, decide, judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autolabel_core.operations.collection_advice import CollectionAdvice
from autolabel_core.tables.workspace import OpenCollection

if TYPE_CHECKING:
    from autolabel_core.labelling.annotator_agreement import AgreementReport
    from autolabel_core.labelling.doubts import DoubtReport
    from autolabel_core.labelling.gold_report import GoldReport
    from autolabel_core.labelling.label_evidence import Reason
    from autolabel_core.labelling.settle_doubt import Decision, SettledDoubt


class ReviewedCollection(CollectionAdvice):
    """Decisions on the labels of one collection; the part of its handle that speaks for a person.

    Args:
        opened: the collection with its stores.
        annotator: who labels and decides.
    """

    def __init__(self, opened: OpenCollection, annotator: str) -> None:
        super().__init__(opened)
        self.annotator = annotator

    def doubts(self, limit: int | None = None, because: Reason | None = None) -> DoubtReport:
        """Rank the labels that other references, other people or near-duplicates contradict.

        Args:
            limit: at most so many are listed; None is all.
            because: only labels that this contradicts: `references`, `people`, `near_duplicates`.

        Returns:
            The numbers and the evidence of `autolabel doubts`.
        """
        from autolabel_core.labelling.doubts import doubts

        return doubts(self.opened, limit, because)

    def settle_doubt(
        self,
        key: str,
        decision: Decision,
        label: str | None = None,
        annotator: str | None = None,
        reason: str = "",
    ) -> SettledDoubt:
        """Record that the label of a document stays, is changed or withdrawn.

        Args:
            key: the document's.
            decision: `keep`, `change` or `withdraw`.
            label: the new one, of a change.
            annotator: who decides; default as on the command line.
            reason: why, for `explain`.

        Returns:
            What was recorded; it comes back among the doubts only with new evidence.
        """
        from autolabel_core.labelling.settle_doubt import settle_doubt

        who = annotator or self.annotator
        return settle_doubt(self.opened, key, decision, who, label, reason or None)

    def annotators(self) -> AgreementReport:
        """Compare those who labelled: how often each is probably right, and how far they agree.

        Returns:
            The numbers of `autolabel annotators`.
        """
        from autolabel_core.labelling.annotator_agreement import agreement

        return agreement(self.opened)

    def gold(self) -> GoldReport:
        """Return the gold set, and how rules did on it over time.

        Returns:
            The numbers of `autolabel gold`.
        """
        from autolabel_core.labelling.gold_report import gold_report

        return gold_report(self.opened)

    def draw_gold(self, size: int) -> int:
        """Draw documents that judge the rule from now on, and never take part in it.

        Args:
            size: how many the gold set shall have; those drawn before stay.

        Returns:
            How many were drawn now.
        """
        from autolabel_core.labelling.gold_set import draw_gold

        return draw_gold(self.opened, size)
