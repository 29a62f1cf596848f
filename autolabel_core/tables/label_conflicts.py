"""Documents that two people label differently; both labels are kept, and the later one counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from autolabel_core.ledger import Annotation, Arrival
from autolabel_core.ledger.annotations import standing_annotations
from autolabel_core.ledger.arrivals import DELETED


@dataclass(frozen=True)
class LabelConflict:
    """Labels of one document by different people; `second` is the later one, which holds."""

    first: Annotation
    second: Annotation

    def __str__(self) -> str:
        """Who says what of which document."""
        labels = (f"{a.label!r} ({a.annotator})" for a in (self.first, self.second))
        return f"{self.first.key}: {' against '.join(labels)}"


def conflicts_of(
    annotations: Sequence[Annotation],
    objects: Mapping[str, Arrival],
    contents: Mapping[str, str],
) -> list[LabelConflict]:
    """Return the disagreements of people about documents that exist.

    Args:
        annotations: in the order of the ledger.
        objects: the last arrival of each document that a sweep has seen.
        contents: present content hash of each document that a sweep has read; of the others the
            content that was judged last counts.

    Returns:
        See `label_conflicts`.
    """
    gone = {document for document, arrival in objects.items() if arrival.event == DELETED}
    judged = {a.document_id: a.content_hash for a in annotations if a.document_id not in gone}
    return label_conflicts(standing_annotations(annotations, {**judged, **contents}).values())


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
