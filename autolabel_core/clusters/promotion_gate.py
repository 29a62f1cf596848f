"""Decides whether a cluster may be promoted: stable, large, compact, and not two groups in one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

from autolabel_core.clusters.algorithms.bimodality import TwoGroups, two_groups
from autolabel_core.clusters.algorithms.stability import (
    LEAST_COHESION,
    PromotionVerdict,
    promotable,
)
from autolabel_core.clusters.definition_state import DefinitionState
from autolabel_core.clusters.report import current_documents
from autolabel_core.clusters.stability import run_in_force
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.tables.cluster_files import texts

LEAST_AGREEMENT = 0.8
"""Share of the most frequent label among members that have one."""
FEWEST_LABELS = 3
"""So few labels tell nothing about a whole cluster."""


def promotion_verdict(state: DefinitionState, cluster: str, stable: float) -> PromotionVerdict:
    """Say whether a cluster of the run in force may become a label.

    Args:
        state: the definition, with a run in force.
        cluster: the cluster's id.
        stable: its stability.

    Returns:
        The verdict. Stability, size and cohesion are not enough: a cluster of two things may come
        back whole each time, so that its known labels have to agree, and its members, unless labels
        say that they are one thing, may not fall into two groups that lie apart.
    """
    run = run_in_force(state)
    row = run.clusters[run.place[cluster]]
    cohesion = row["mean_cosine_similarity"] or 0.0
    declared = state.definition.assignment_threshold
    least_cohesion = LEAST_COHESION if declared == "auto" else declared
    verdict = promotable(stable, row["size"], cohesion, least_cohesion)
    labels = state.documents.labels
    members = current_documents(state).get(cluster, ())
    known = Counter(labels[document] for document in members if document in labels)
    reasons = [*verdict.reasons, *disagreement(known, "its members")]
    ids, groups = _divided(state, cluster)
    if groups.lie_apart and not _labelled_alike(ids, groups, labels):
        larger, smaller = groups.sizes
        reasons.append(
            f"its members fall into two groups of {larger} and {smaller} that lie apart; look at "
            f"both in `autolabel clusters sheet {state.collection.name} {state.name}/{cluster}`"
        )
    return PromotionVerdict(not reasons, tuple(reasons))


def disagreement(known: Counter[str], whose: str) -> list[str]:
    """Say that labels do not agree.

    Args:
        known: how many documents have each label.
        whose: what the documents are called.

    Returns:
        A reason where enough are labelled and too few of them alike; else nothing.
    """
    if known.total() < FEWEST_LABELS:
        return []
    if max(known.values()) >= LEAST_AGREEMENT * known.total():
        return []
    ranked = sorted(known.items(), key=lambda item: (-item[1], item[0]))[:3]
    shown = ", ".join(f"{name} ({count})" for name, count in ranked)
    return [f"the labels of {whose} do not agree: {shown}"]


def _divided(state: DefinitionState, cluster: str) -> tuple[list[str], TwoGroups]:
    """Divide the members of the run in two, in the space in which they were grouped."""
    run = run_in_force(state)
    leaves = np.array(texts(run.members, "cluster_id"), dtype=object)
    below = [leaf for leaf, line in run.lineage.items() if cluster in line]
    rows, reduced = np.flatnonzero(np.isin(leaves, below)), run.reduced
    rows = rows[np.isfinite(reduced[rows]).all(axis=1)]
    ids = texts(run.members, "document_id")
    rng = np.random.default_rng(int(fingerprint(run.run_id, cluster), 16))
    return [ids[row] for row in rows.tolist()], two_groups(reduced[rows], rng)


def _labelled_alike(ids: Iterable[str], groups: TwoGroups, labels: Mapping[str, str]) -> bool:
    """Whether members of both groups are labelled, and those of both most often the same."""
    halves: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    for document, second in zip(ids, groups.second.tolist(), strict=True):
        if document in labels:
            halves[second][labels[document]] += 1
    if min(half.total() for half in halves) < FEWEST_LABELS:
        return False
    first, second = (max(half, key=lambda name: (half[name], name)) for half in halves)
    return first == second
