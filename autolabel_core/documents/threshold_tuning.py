"""Proposes thresholds from leave-one-out results of the references, and previews another one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autolabel_core.documents.documents import Documents
from autolabel_core.documents.rule_suggestions import rule_suggestions
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.matching.threshold_changes import ThresholdChange, what_would_change
from autolabel_core.matching.thresholds import PerLabelProposal, Thresholds, propose_per_label
from autolabel_core.tables.applied_taxonomy import AppliedTaxonomy
from autolabel_core.tables.taxonomy_labels import TaxonomyLabels
from autolabel_core.tables.workspace import OpenCollection


@dataclass(frozen=True)
class LeaveOneOutScores:
    """Each reference decided by the others under the collection's own rule.

    Attributes:
        score: (r,) float32 confidence.
        predicted: (r,) label decided.
        correct: (r,) whether it is the reference's own.
    """

    score: npt.NDArray[np.float32]
    predicted: npt.NDArray[np.object_]
    correct: npt.NDArray[np.bool_]


def leave_one_out(collection: OpenCollection) -> LeaveOneOutScores:
    """Decide every reference by the others.

    Args:
        collection: whose taxonomy decides.

    Returns:
        The figures; a score is NaN where no other reference can judge one.

    Raises:
        AutolabelError: there are fewer than two references.
    """
    taxonomy = _applied_taxonomy(collection)
    references = taxonomy.all_references
    if len(references.rows) < 2:
        raise AutolabelError(
            f"`{collection.name}` has {len(references.rows)} references; at least two "
            "are needed. Label 10 to 20 of each category with `autolabel label`, then sweep."
        )
    decisions = taxonomy.engine.decide_references()
    correct = decisions.label == references.labels
    return LeaveOneOutScores(decisions.confidence, decisions.label, np.asarray(correct, bool))


def propose_thresholds(collection: OpenCollection, precision: float) -> PerLabelProposal:
    """Propose the smallest thresholds with the wanted precision among the references.

    Args:
        collection: whose taxonomy decides.
        precision: wanted share of right labels among the matched, above 0 and up to 1.

    Returns:
        A threshold over all and one for each label.

    Raises:
        AutolabelError: there are fewer than two references, or none that another can judge.
    """
    figures = leave_one_out(collection)
    if np.isnan(figures.score).all():
        raise AutolabelError(
            f"None of the {len(figures.score)} references of `{collection.name}` can be judged "
            "by another: the score compares labels, and of each label there is but one, or nearly "
            "the same one several times. Label different examples, two or more of at least two "
            "labels, then sweep."
        )
    return propose_per_label(figures.score, figures.correct, figures.predicted.tolist(), precision)


def try_thresholds(collection: OpenCollection, new: Thresholds) -> ThresholdChange:
    """Count what other thresholds would label and unlabel, without changing anything.

    What the rule takes for unknown, and what an audit found wrong, stays unlabelled.

    Args:
        collection: whose documents are counted.
        new: the thresholds to try.

    Returns:
        The counts, over all and by label.
    """
    old = _applied_taxonomy(collection).rule.thresholds
    withheld = TaxonomyLabels(collection).rejected
    suggestions = [
        suggestion
        for suggestion in rule_suggestions(collection)
        if (suggestion.document_id, suggestion.content_hash, suggestion.label) not in withheld
    ]
    with Documents(collection).connect() as connection:
        documents = connection.execute("SELECT count(*) FROM documents").fetchall()[0][0]
    left = documents - len(suggestions)
    return what_would_change(
        [*(s.confidence for s in suggestions), *[None] * left],
        [*(s.label_source for s in suggestions), *[None] * left],
        [*(s.label for s in suggestions), *[None] * left],
        old,
        new,
    )


def _applied_taxonomy(collection: OpenCollection) -> AppliedTaxonomy:
    if collection.declaration.taxonomy is None:
        raise AutolabelError(f"`{collection.name}` has no `taxonomy`, hence no threshold.")
    return AppliedTaxonomy(collection)
