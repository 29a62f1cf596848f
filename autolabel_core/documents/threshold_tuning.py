"""Thresholds from what the references say about each other, and what another one would change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autolabel_core.declarations import Collection
from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.matching.thresholds import (
    PerLabelProposal,
    ThresholdChange,
    Thresholds,
    propose_per_label,
    what_would_change,
)
from autolabel_core.tables.applied_taxonomy import AppliedTaxonomy
from autolabel_core.tables.taxonomy_labels import TaxonomyLabels
from autolabel_core.tables.workspace import Workspace


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
        AutolabelError: there are fewer than two references.
    """
    taxonomy = _applied_taxonomy(workspace, collection)
    references = taxonomy.all_references
    if len(references.rows) < 2:
        raise AutolabelError(
            f"`{collection.collection_name}` has {len(references.rows)} references; at least two "
            "are needed. Label 10 to 20 of each category with `autolabel label`, then sweep."
        )
    decisions = taxonomy.engine.decide_neighbours(references.leave_one_out())
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

    The retriever's `min_score` stays in force, and what an audit found wrong stays unlabelled.

    Args:
        workspace: the stores.
        collection: whose documents are counted.
        new: the thresholds to try.

    Returns:
        The counts, over all and by label.
    """
    rule = _applied_taxonomy(workspace, collection).rule
    with Documents(workspace, collection).connect() as connection:
        rows = connection.execute(
            "SELECT confidence, label_source, suggested_label, document_id, content_hash "
            "FROM documents ORDER BY key"
        ).fetchall()
    withheld = TaxonomyLabels(workspace, collection).rejected
    open_ = [row[:3] for row in rows if (row[3], row[4], row[2]) not in withheld]
    confidence, sources, labels = zip(*open_, strict=True) if open_ else ((), (), ())
    tried = new.at_least(rule.min_score)
    return what_would_change(confidence, sources, labels, rule.thresholds, tried)


def _applied_taxonomy(workspace: Workspace, collection: Collection) -> AppliedTaxonomy:
    if collection.taxonomy is None:
        raise AutolabelError(
            f"`{collection.collection_name}` has no `taxonomy`, hence no threshold."
        )
    return AppliedTaxonomy(workspace, collection)
