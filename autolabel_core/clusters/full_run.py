"""Runs a cluster definition over all of its documents, and records in the ledger how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from autolabel_core.clusters.algorithms.id_matching import IdentityChange
from autolabel_core.clusters.definition_state import DefinitionState
from autolabel_core.clusters.documents import VectorRows
from autolabel_core.clusters.history import (
    FAILED,
    FULL,
    NOTHING,
    SUCCEEDED,
    UNCHANGED,
    answers,
    run_id_of,
)
from autolabel_core.clusters.naming_inputs import (
    ClustersToName,
    costs,
    name_new_clusters,
    plain_names,
)
from autolabel_core.clusters.remade_run import group_around
from autolabel_core.clusters.run_input import NOTE, input_note, rows_of_run
from autolabel_core.clusters.run_result import NothingFoundError, RunResult, group, keep
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.foundation.json_types import Json, plain_json
from autolabel_core.foundation.progress import Progress
from autolabel_core.ledger import ClusterEvent, ClusterRun, Event, event_id
from autolabel_core.ledger.clusters import ClusterEventPayload, ClusterRunPayload, StoredName

COMPLETED = "cluster.completed"
NAMED = "named"
FIGURES = (
    *("silhouette_score", "mean_cosine_to_centroid", "noise_ratio", "cluster_size_entropy"),
    "should_recluster",
)


def run_in_full(defined: DefinitionState, progress: Progress) -> None:
    """Group everything anew, and record it: succeeded, failed, or the same input as the last run.

    A failed run, and one that found no cluster, answers what was asked for too, so that it is not
    tried for ever; the last successful one stays in force. To find none is no failure: a pile of
    what nobody has labelled may be empty.

    Args:
        defined: the definition.
        progress: told how far the work is.

    Raises:
        AutolabelError: the run failed; the ledger has the reason.
    """
    try:
        _run(defined, progress)
    except NothingFoundError as error:
        _record_in_vain(defined, NOTHING, str(error))
    except (AutolabelError, ValueError, MemoryError) as error:
        reason = str(error) or type(error).__name__
        _record_in_vain(defined, FAILED, reason)
        raise AutolabelError(
            f"Clusters `{defined.name}` of `{defined.collection.name}`: {reason}"
        ) from error


def _run(defined: DefinitionState, progress: Progress) -> None:
    if _made_again(defined, progress) and not defined.history.waiting:
        return
    history, rows = defined.history, defined.documents.chosen
    made_from = _input_of(defined, rows)
    last, files = history.last, defined.last
    if last is not None and last.payload["input"] == made_from and files and files.complete:
        if history.waiting:
            _record_unchanged(defined, last, rows)
        return
    identity = (defined.collection.name, defined.name, made_from)
    since = history.deleted.run_id if history.deleted else None
    run_id = run_id_of("run", *identity, last.run_id if last else since)
    whole = files is not None and files.complete
    before = (
        files.documents if files and whole else history.central_members(last.run_id) if last else {}
    )
    grouped = group(rows, defined.definition, before, history.used, whole, progress)
    keep(grouped, defined.files.run(run_id))
    _record_success(defined, grouped, run_id, made_from)


def _input_of(defined: DefinitionState, rows: VectorRows) -> str:
    return fingerprint(defined.declaration, rows.document_ids, rows.content_hashes)


def _made_again(defined: DefinitionState, progress: Progress) -> bool:
    """Make the files of the run in force again, where they are lost; say whether that was done.

    Nothing is recorded: the same documents give the same clusters, and the most central documents
    in the ledger tell which is which. Where documents of the run changed or went since, and the
    others make other clusters, or nobody can tell any more which they were, the clusters are made
    around their central documents: the run in force is the same.
    """
    last, files = defined.history.last, defined.last
    if last is None or files is None or files.complete:
        return False
    if last.payload["declaration"] != defined.declaration:
        return False
    rows = rows_of_run(defined, last)
    central = defined.history.central_members(last.run_id)
    grouped = None if rows is None else _grouped_alike(defined, rows, central, progress)
    if grouped is None:
        threshold, noise = defined.definition.assignment_threshold, last.payload.get("noise_ratio")
        declared = None if threshold == "auto" else threshold
        left = defined.documents.chosen if rows is None else rows
        grouped = group_around(left, central, float(noise or 0.0), declared)
    if grouped is None:
        return False
    keep(grouped, files)
    return True


def _grouped_alike(
    defined: DefinitionState,
    rows: VectorRows,
    central: Mapping[str, list[str]],
    progress: Progress,
) -> RunResult | None:
    """Group the documents of a run again; None where other clusters come of it."""
    try:
        grouped = group(rows, defined.definition, central, defined.history.used, False, progress)
    except (AutolabelError, ValueError):
        return None
    return grouped if set(grouped.ids) == set(central) else None


def _record_success(
    defined: DefinitionState, grouped: RunResult, run_id: str, made_from: str
) -> None:
    owner, last = defined.collection.name, defined.history.last
    figures, naming = _figures(grouped), name_new_clusters(defined, ClustersToName.of(grouped))
    payload: ClusterRunPayload = {
        **answers(defined.history.waiting),
        **cast("ClusterRunPayload", figures),
        "declaration": defined.declaration,
        "input": made_from,
        NOTE: input_note(defined),
        "previous": last.run_id if last else None,
        "feature_uris": list(defined.documents.feature_uris),
        "chosen": plain_json(grouped.clustering.chosen),
        "naming": costs(naming),
    }
    changes = _changes(defined, grouped, run_id, plain_names(naming))
    kinds = [change.kind for change in changes]
    told: dict[str, Json] = {
        "collection": owner,
        "cluster_name": defined.name,
        "run_id": run_id,
        **figures,
        "changes": {kind: kinds.count(kind) for kind in sorted(set(kinds))},
    }
    defined.collection.workspace.ledger.append_cluster_run(
        ClusterRun(run_id, owner, defined.name, FULL, SUCCEEDED, payload),
        changes,
        [Event(event_id(COMPLETED, run_id), COMPLETED, owner, defined.name, told)],
    )


def _record_in_vain(defined: DefinitionState, status: str, reason: str) -> None:
    failed = sum(run.status in (FAILED, NOTHING) for run in defined.history.runs)
    owner, asked = defined.collection.name, answers(defined.history.waiting)
    content = (owner, defined.name, defined.declaration, asked["answers"], failed)
    documents = defined.documents.count
    payload: ClusterRunPayload = {
        "answers": asked["answers"],
        "asked_by": asked["asked_by"],
        "declaration": defined.declaration,
        "reason": reason,
        "documents": documents,
    }
    run = ClusterRun(run_id_of("run", *content), owner, defined.name, FULL, status, payload)
    defined.collection.workspace.ledger.append_cluster_run(run)


def _record_unchanged(defined: DefinitionState, last: ClusterRun, rows: VectorRows) -> None:
    """Record that the input was the same; what a server failed to name may have a name now."""
    asked = answers(defined.history.waiting)
    payload: ClusterRunPayload = {
        "answers": asked["answers"],
        "asked_by": asked["asked_by"],
        "declaration": defined.declaration,
        "same_as": last.run_id,
    }
    run_id = run_id_of("run", last.run_id, asked["answers"])
    files = defined.files.run(last.run_id)
    naming = name_new_clusters(defined, ClustersToName.of_files(files, rows))
    if naming.names:
        payload["naming"] = costs(naming)
    changes = [
        ClusterEvent(
            fingerprint(run_id, NAMED, cluster),
            last.collection,
            last.cluster_name,
            cluster,
            NAMED,
            last.run_id,
            {"label": name["label"], "name": name},
        )
        for cluster, name in plain_names(naming).items()
        if name != defined.history.names.get(cluster)
    ]
    run = ClusterRun(run_id, last.collection, last.cluster_name, FULL, UNCHANGED, payload)
    defined.collection.workspace.ledger.append_cluster_run(run, changes)


def _figures(grouped: RunResult) -> dict[str, Json]:
    quality = grouped.qualities[0]
    return {
        "documents": len(grouped.rows.document_ids),
        "clusters": len(grouped.levels[0]),
        "all_levels": len(grouped.clustering.nodes),
        **{name: plain_json(value) for name, value in quality.figures.items()},
        "should_recluster": 0,  # nothing came since: the same documents would give the same
        "remarks": list(quality.remarks),
    }


def _changes(
    defined: DefinitionState,
    grouped: RunResult,
    run_id: str,
    names: Mapping[str, StoredName],
) -> list[ClusterEvent]:
    """Return what became of each identity, with central members and name of those in force."""
    node_of = {cluster: i for i, cluster in enumerate(grouped.ids)}
    events, seen = [], set[str]()
    for change in grouped.identities.changes:
        cluster = change.cluster_id
        payload: ClusterEventPayload = {"others": list(change.others), **_shared(change)}
        if cluster in node_of and cluster not in seen:
            seen.add(cluster)
            payload |= _central_members(grouped, node_of[cluster])
            if cluster in names:
                payload["name"] = names[cluster]
        owner = defined.collection.name
        id_ = fingerprint(run_id, change.kind, cluster, change.others)
        events.append(ClusterEvent(id_, owner, defined.name, cluster, change.kind, run_id, payload))
    return events


def _central_members(grouped: RunResult, node: int) -> ClusterEventPayload:
    central_members = [grouped.rows.document_ids[i] for i in grouped.central_members(node)]
    return {"size": len(grouped.clustering.nodes[node].members), "core": central_members}


def _shared(change: IdentityChange) -> ClusterEventPayload:
    return {"shared": int(change.shared), "jaccard": round(float(change.jaccard), 6)}
