"""Queries on clusters: their history, one cluster with its members, the documents of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from autolabel_core.clusters.definition_state import DefinitionState
from autolabel_core.clusters.full_run import FIGURES
from autolabel_core.clusters.promotion_gate import promotion_verdict
from autolabel_core.clusters.report import ClusterRow, cluster_rows, life, recluster_advice
from autolabel_core.clusters.stability import stabilities
from autolabel_core.clusters.table import Clusters
from autolabel_core.declarations.cluster_fields import COLUMN_OF
from autolabel_core.foundation.errors import NotFoundError
from autolabel_core.foundation.suggestions import did_you_mean
from autolabel_core.ledger import ClusterRun
from autolabel_core.ledger.clusters import StoredName
from autolabel_core.tables.cluster_files import NOISE_ID, name_columns
from autolabel_core.tables.workspace import OpenCollection

SHOWN_MEMBERS = 20


def definitions(collection: OpenCollection, names: Sequence[str] = ()) -> list[DefinitionState]:
    """Return the definitions of a collection, or those of some names.

    Args:
        collection: opened with its stores.
        names: wanted names; empty is all.

    Returns:
        The definitions, in the order of the YAML.

    Raises:
        NotFoundError: one of the names is not declared, or none is.
    """
    defined = {state.name: state for state in Clusters(collection).defined}
    if not defined:
        raise NotFoundError(
            f"`{collection.name}` declares no `clusters` in its YAML: nothing to group. "
            "Add `clusters: [{cluster_name: new_kinds, filter: unlabelled}]`, then sweep."
        )
    for name in names:
        if name not in defined:
            raise NotFoundError(
                f"No clusters `{name}` in `{collection.name}`."
                f"{did_you_mean(name, defined)} Declared: {', '.join(defined)}."
            )
    return [defined[name] for name in names] if names else list(defined.values())


def run_rows(state: DefinitionState) -> list[dict[str, object]]:
    """Return every run that was ever made of a definition, the latest first."""
    runs = state.collection.workspace.ledger.cluster_runs(state.collection.name, state.name)
    current = state.history.last
    in_force = next((r for r in runs if current is not None and r.run_id == current.run_id), None)
    advice = recluster_advice(state)
    return [
        {
            "definition": state.name,
            "run_id": run.run_id,
            "at": run.recorded_at,
            "status": run.status,
            "in_force": run is in_force,
            "asked_by": ", ".join(run.payload.get("asked_by") or ()),
            **{name: run.payload.get(name) for name in ("documents", "clusters", *FIGURES)},
            **({"should_recluster": int(bool(advice))} if run is in_force else {}),
            "reason": run.payload.get("reason") or "; ".join(_remarks(run, advice, in_force)),
        }
        for run in reversed(runs)
    ]


def _remarks(run: ClusterRun, advice: Sequence[str], in_force: ClusterRun | None) -> list[str]:
    """Return what is odd about a run; of the one in force also why a new one is recommended."""
    return [*(advice if run is in_force else ()), *(run.payload.get("remarks") or ())]


class ClusterDetails(ClusterRow):
    """All there is to say of one cluster: its row of `cluster_rows`, and more.

    Attributes:
        definition: whose cluster it is.
        name_source: what its name comes from.
        summary: a sentence or two.
        keywords: most telling first.
        parent_cluster_id: the cluster above.
        child_cluster_ids: those below.
        hierarchy_level: 0 at the top.
        min_cosine_similarity: of its members to the centroid.
        promotable: whether it may become a label.
        reasons: why not.
        members: the nearest to the centroid.
        changes: its life, in order.
    """

    definition: str
    name_source: str | None
    summary: str | None
    keywords: list[str]
    parent_cluster_id: str | None
    child_cluster_ids: list[str]
    hierarchy_level: int
    min_cosine_similarity: float
    promotable: bool
    reasons: list[str]
    members: list[dict[str, object]]
    changes: list[dict[str, object]]


def cluster_details(state: DefinitionState, cluster: str) -> ClusterDetails:
    """Return all there is to say of one cluster.

    Args:
        state: the definition, with a run in force.
        cluster: the cluster's id.

    Returns:
        The details; the stability is computed where it is not known yet.
    """
    assert state.last is not None
    stable = stabilities(state)[cluster]
    row = next(r for r in cluster_rows(state) if r["cluster_id"] == cluster)
    kept = next(r for r in state.last.clusters if r["cluster_id"] == cluster)
    verdict = promotion_verdict(state, cluster, stable)
    name = state.history.names.get(cluster, {})
    return {
        "definition": state.name,
        **row,
        "name_source": name.get("source"),
        "summary": name.get("summary"),
        "keywords": list(name.get("keywords") or ()),
        "parent_cluster_id": kept["parent_cluster_id"],
        "child_cluster_ids": kept["child_cluster_ids"],
        "hierarchy_level": kept["hierarchy_level"],
        "min_cosine_similarity": kept["min_cosine_similarity"],
        "stability": stable,
        "promotable": verdict.promotable,
        "reasons": list(verdict.reasons),
        "members": list(_nearest_members(state, cluster)),
        "changes": [change for change in life(state.history) if change["cluster_id"] == cluster],
    }


def _nearest_members(state: DefinitionState, cluster: str) -> Iterator[dict[str, object]]:
    assert state.last is not None
    table = state.collection.workspace.warehouse.read_table(state.files.current)
    ids = np.array(table["cluster_id"].to_pylist(), dtype=object)
    below = {descendant for descendant, line in state.last.lineage.items() if cluster in line}
    rows = np.flatnonzero([i in below for i in ids])
    cosine = np.array(table["cosine_similarity_to_centroid"].to_pylist(), np.float32)[rows]
    for i in rows[np.argsort(-cosine, kind="stable")][:SHOWN_MEMBERS].tolist():
        row = table.slice(i, 1).to_pylist()[0]
        wanted = ("collection", "key", "cosine_similarity_to_centroid", "mode")
        yield {name: row[name] for name in wanted}


def enriched_documents(
    state: DefinitionState, fields: Sequence[str], run_id: str | None = None
) -> list[dict[str, object]]:
    """Return the documents of a definition with the fields of their clusters, by key.

    Args:
        state: the definition.
        fields: some of `COLUMN_OF`, such as `cluster_id` and `label`.
        run_id: a run of the history; None is where everybody is now.

    Returns:
        collection, document_id, key and the fields, named as in `COLUMN_OF`; `extra` is JSON.

    Raises:
        NotFoundError: there is no such run, or its artifacts are gone.
    """
    if run_id is None:
        if not state.collection.workspace.warehouse.exists(state.files.current):
            raise NotFoundError(f"`{state.name}` has no members yet; run `autolabel clusters run`.")
        rows = state.collection.workspace.warehouse.read_table(state.files.current).to_pylist()
    else:
        files = state.files.run(run_id)
        if not files.complete:
            raise NotFoundError(f"No artifacts of a run `{run_id}` of `{state.name}`.")
        rows = files.members.to_pylist()
    names = state.history.names
    documents = []
    for row in sorted(rows, key=lambda r: (r["collection"], r["key"])):
        known: StoredName = names.get(row["cluster_id"], {})
        name: StoredName = {} if row["cluster_id"] == NOISE_ID else known
        values = {**name_columns(name), "cluster_id": row["cluster_id"]}
        given = {COLUMN_OF[field]: values[COLUMN_OF[field]] for field in fields}
        documents.append({k: row[k] for k in ("collection", "document_id", "key")} | given)
    return documents
