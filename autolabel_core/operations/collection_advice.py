"""What a collection advises: which documents to label next, and which threshold to set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from autolabel_core.tables.workspace import OpenCollection

if TYPE_CHECKING:
    from autolabel_core.foundation.score_names import DeclaredScore
    from autolabel_core.labelling.next_labels import NextDocument
    from autolabel_core.matching.next_labels.pace import LabelPace
    from autolabel_core.matching.threshold_changes import ThresholdChange
    from autolabel_core.matching.thresholds import PerLabelProposal
    from autolabel_core.operations.dry_run import DryRun


class CollectionAdvice:
    """Advice on one collection; the part of its handle that changes nothing and asks for action.

    Args:
        opened: the collection with its stores.
    """

    def __init__(self, opened: OpenCollection) -> None:
        self.opened = opened

    def next(self, limit: int = 20) -> list[NextDocument]:
        """Return the documents to label next, those first whose labels make most others right.

        Args:
            limit: at most so many.

        Returns:
            Documents without a label of a person, with the reason for each; near-duplicates of
            labelled documents, and of each other, are left out.
        """
        from autolabel_core.labelling.next_labels import next_labels

        return next_labels(self.opened, limit)

    def label_pace(self) -> LabelPace | None:
        """Return how many seconds people took for each of the last labels, given one by one.

        Returns:
            The median and the middle half; None where too few labels tell.
        """
        from autolabel_core.labelling.next_labels import label_pace

        return label_pace(self.opened)

    def threshold(self, precision: float = 0.95) -> PerLabelProposal:
        """Propose thresholds from leave-one-out figures of the references.

        Args:
            precision: wanted share of right labels among the matched, above 0 and up to 1.

        Returns:
            A threshold over all, and one for each label that has references enough.
        """
        from autolabel_core.documents.threshold_tuning import propose_thresholds

        return propose_thresholds(self.opened, precision)

    def try_threshold(self, threshold: float) -> ThresholdChange:
        """Count what a threshold for all labels would change; nothing is changed.

        Args:
            threshold: a cosine, from -1 to 1.

        Returns:
            How many documents it would label and unlabel, over all and by label.
        """
        from autolabel_core.documents.threshold_tuning import try_thresholds
        from autolabel_core.matching.thresholds import Thresholds

        return try_thresholds(self.opened, Thresholds(threshold))

    def try_rule(
        self,
        threshold: float | None = None,
        label_thresholds: Mapping[str, float] | None = None,
        score: DeclaredScore | None = None,
        similarity_threshold: float | None = None,
    ) -> DryRun:
        """Find which labels would change if the YAML declared another rule; nothing is changed.

        Args:
            threshold: for all labels, from -1 to 1; None: as declared.
            label_thresholds: for single labels, from -1 to 1.
            score: None: as declared.
            similarity_threshold: None: as declared.

        Returns:
            The documents whose label would be another, and how many would stay.
        """
        from autolabel_core.operations.try_rule import try_rule

        return try_rule(self.opened, threshold, label_thresholds, score, similarity_threshold)
