"""Thresholds from what the references say about each other, and what another one would change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autolabel_core.declarations import Collection
from autolabel_core.decision import decide
from autolabel_core.derived.taxonomy_labels import TaxonomyLabels
from autolabel_core.documents import Documents
from autolabel_core.errors import AutolabelError
from autolabel_core.thresholds import (
    PerLabelProposal,
    ThresholdChange,
    Thresholds,
    propose_per_label,
    what_would_change,
)
from autolabel_core.workspace import Workspace


@dataclass(frozen=True)
class LeaveOneOut:
    """Each reference decided by the others under the collection's own rule.

    Attributes:
        score: (r,) float32 confidence.
        predicted: (r,) label decided.
        correct: (r,) whether it is the reference's own.
    """

    score: npt.NDArray[np.float32]
    predicted: npt.NDArray[np.object_]
    correct: npt.NDArray[np.bool_]


def leave_one_out(workspace: Workspace, collection: Collection) -> LeaveOneOut:
    """Decide every reference by the others.

    Args:
        workspace: the stores.
        collection: whose taxonomy decides.

    Returns:
        The figures.

    Raises:
        AutolabelError: there is no taxonomy, or fewer than two references.
    """
    if collection.taxonomy is None:
        raise AutolabelError(
            f"`{collection.collection_name}` has no `taxonomy`, hence no threshold."
        )
    labels = TaxonomyLabels(workspace, collection)
    references = labels.all_references
    if len(references.rows) < 2:
        raise AutolabelError(
            f"`{collection.collection_name}` has {len(references.rows)} references; at least two are "
            "needed. Label 10 to 20 of each category with `autolabel label`, then sweep."
        )
    decisions = decide(references.leave_one_out(), references.labels, labels.rule)
    correct = decisions.label == references.labels
    return LeaveOneOut(decisions.confidence, decisions.label, np.asarray(correct, bool))


def propose_thresholds(
    workspace: Workspace, collection: Collection, precision: float
) -> PerLabelProposal:
    """Propose the smallest thresholds with the wanted precision among the references.

    Args:
        workspace: the stores.
        collection: whose taxonomy decides.
        precision: wanted share of right labels among the matched, above 0 and up to 1.

    Returns:
        A threshold over all and one for each label.
    """
    figures = leave_one_out(workspace, collection)
    return propose_per_label(figures.score, figures.correct, figures.predicted.tolist(), precision)


def try_thresholds(
    workspace: Workspace, collection: Collection, new: Thresholds
) -> ThresholdChange:
    """Count what other thresholds would label and unlabel, without changing anything.

    Args:
        workspace: the stores.
        collection: whose documents are counted.
        new: the thresholds to try.

    Returns:
        The counts, over all and by label.
    """
    rule = TaxonomyLabels(workspace, collection).rule
    old = Thresholds(rule.threshold, dict(rule.label_thresholds))
    with Documents(workspace, collection).connect() as connection:
        rows = connection.execute(
            "SELECT confidence, label_source, suggested_label FROM documents ORDER BY key"
        ).fetchall()
    confidence, sources, labels = zip(*rows, strict=True) if rows else ((), (), ())
    return what_would_change(confidence, sources, labels, old, new)
