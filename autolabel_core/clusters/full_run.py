"""Runs a cluster definition over all of its documents, and records in the ledger how it ended."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

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
from autolabel_core.clusters.run_result import NothingFoundError, RunResult, group, keep
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.ids import fingerprint, object_of
from autolabel_core.foundation.progress import Progress
from autolabel_core.ledger import ClusterEvent, ClusterRun, Event, event_id
from autolabel_core.ledger.clusters import StoredName

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
    history, rows = defined.history, defined.documents.chosen
    last, files = history.last, defined.last
    if last is not None and files is not None and not files.complete and not history.waiting:
        rows = _rows_of_run(defined, last)
    made_from = _input(defined, rows)
    if last is not None and files is not None and last.payload["input"] == made_from:
        if not files.complete:
            before = history.central_members(last.run_id)
            keep(group(rows, defined.definition, before, history.used, False, progress), files)
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


def _input(defined: DefinitionState, rows: VectorRows) -> str:
    return fingerprint(defined.declaration, rows.document_ids, rows.content_hashes)


def _rows_of_run(defined: DefinitionState, run: ClusterRun) -> VectorRows:
    """Return what a run whose artifacts are gone was made from, so that it can be made again.

    Those are the documents that had arrived by then. Where that is not its input, because one of
    them was deleted or replaced since, it cannot be made again: all present ones are returned.
    """
    rows, ledger = defined.documents.chosen, defined.collection.ledger
    arrived = {name: ledger.first_arrivals(name) for name in sorted(set(rows.collections))}
    pairs = zip(rows.collections, rows.document_ids, strict=True)
    moments = [arrived[name].get(object_of(document)) for name, document in pairs]
    then = [i for i, at in enumerate(moments) if at is not None and at <= run.recorded_at]
    found = rows.take(np.array(then, np.int64))
    return found if _input(defined, found) == run.payload["input"] else rows


def _record_success(
    defined: DefinitionState, grouped: RunResult, run_id: str, made_from: str
) -> None:
    owner, last = defined.collection.name, defined.history.last
    figures, found = _figures(grouped), name_new_clusters(defined, ClustersToName.of(grouped))
    payload = {
        **answers(defined.history.waiting),
        **figures,
        "declaration": defined.declaration,
        "input": made_from,
        "previous": last.run_id if last else None,
        "feature_uris": list(defined.documents.feature_uris),
        "chosen": _plain(grouped.clustering.chosen),
        "naming": _plain(costs(found)),
    }
    changes = _changes(defined, grouped, run_id, plain_names(found))
    kinds = [change.kind for change in changes]
    told = {
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
    payload = {**asked, "declaration": defined.declaration, "reason": reason}
    payload["documents"] = documents
    run = ClusterRun(run_id_of("run", *content), owner, defined.name, FULL, status, payload)
    defined.collection.workspace.ledger.append_cluster_run(run)


def _record_unchanged(defined: DefinitionState, last: ClusterRun, rows: VectorRows) -> None:
    """Record that the input was the same; what a server failed to name may have a name now."""
    asked = answers(defined.history.waiting)
    payload = {**asked, "declaration": defined.declaration, "same_as": last.run_id}
    run_id = run_id_of("run", last.run_id, asked["answers"])
    files = defined.files.run(last.run_id)
    found = name_new_clusters(defined, ClustersToName.of_files(files, rows))
    if found.names:
        payload["naming"] = _plain(costs(found))
    changes = [
        ClusterEvent(
            fingerprint(run_id, NAMED, cluster),
            last.collection,
            last.cluster_name,
            cluster,
            NAMED,
            last.run_id,
            {"label": name["label"], "name": _plain(name)},
        )
        for cluster, name in plain_names(found).items()
        if name != defined.history.names.get(cluster)
    ]
    run = ClusterRun(run_id, last.collection, last.cluster_name, FULL, UNCHANGED, payload)
    defined.collection.workspace.ledger.append_cluster_run(run, changes)


def _figures(grouped: RunResult) -> dict[str, Any]:
    quality = grouped.qualities[0]
    return {
        "documents": len(grouped.rows.document_ids),
        "clusters": len(grouped.levels[0]),
        "all_levels": len(grouped.clustering.nodes),
        **{name: _plain(getattr(quality, name)) for name in FIGURES},
        "reasons": list(quality.reasons),
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
        payload: dict[str, Any] = {"others": list(change.others), **_shared(change)}
        if cluster in node_of and cluster not in seen:
            seen.add(cluster)
            payload |= _central_members(grouped, node_of[cluster])
            payload |= {"name": _plain(names[cluster])} if cluster in names else {}
        owner = defined.collection.name
        id_ = fingerprint(run_id, change.kind, cluster, change.others)
        events.append(ClusterEvent(id_, owner, defined.name, cluster, change.kind, run_id, payload))
    return events


def _central_members(grouped: RunResult, node: int) -> dict[str, Any]:
    central_members = [grouped.rows.document_ids[i] for i in grouped.central_members(node)]
    return {"size": len(grouped.clustering.nodes[node].members), "core": central_members}


def _shared(change: IdentityChange) -> dict[str, Any]:
    return {"shared": int(change.shared), "jaccard": round(float(change.jaccard), 6)}


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; a number that is none becomes null."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, str) or value is None:
        return value
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, Sequence):
        return [_plain(v) for v in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, bool | int) else str(value)
