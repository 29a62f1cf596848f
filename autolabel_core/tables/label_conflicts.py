"""Documents that two people label differently; both labels are kept, and the later one counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from autolabel_core.ledger import Annotation


@dataclass(frozen=True)
class LabelConflict:
    """Labels of one document by different people; `second` is the later one, which holds."""

    first: Annotation
    second: Annotation

    def __str__(self) -> str:
        """Who says what of which document."""
        labels = (f"{a.label!r} ({a.annotator})" for a in (self.first, self.second))
        return f"{self.first.key}: {' against '.join(labels)}"


def label_conflicts(standing: Iterable[Sequence[Annotation]]) -> list[LabelConflict]:
    """Return the disagreements of people about documents.

    What an object itself carries is no person's word, and a promotion only confirms a machine's: a
    person who says otherwise corrects them.

    Args:
        standing: of each document what was not withdrawn, in the order of the ledger.

    Returns:
        One conflict for each document and pair of people, by key.
    """
    conflicts = [
        LabelConflict(first, second)
        for annotations in standing
        for first, second in combinations(_of_people(annotations), 2)
        if first.label != second.label
    ]
    return sorted(conflicts, key=lambda conflict: conflict.first.key)


def _of_people(annotations: Iterable[Annotation]) -> list[Annotation]:
    return [a for a in annotations if a.source == "human" and not a.is_imported]
