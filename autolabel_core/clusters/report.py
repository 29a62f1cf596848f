"""Reports on clusters: figures of the current run, its clusters as a table, their changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TypedDict

import pyarrow as pa
import pyarrow.compute as pc

from autolabel_core.clusters.algorithms.recluster_advice import recluster_reasons
from autolabel_core.clusters.definition_state import DefinitionState
from autolabel_core.clusters.full_run import FIGURES
from autolabel_core.clusters.history import PROMOTION, History
from autolabel_core.foundation.json_types import Cell, Json, Report
from autolabel_core.ledger.clusters import ClusterRunPayload
from autolabel_core.tables.cluster_files import NOISE_ID, texts
from autolabel_core.tables.workspace import OpenCollection

MAX_EVENTS = 50
QUIET = "kept"


class ClusterRow(TypedDict):
    """One cluster in force, as people see it in a table.

    Attributes:
        cluster_id: its id.
        label: its name.
        confidence: of the name, from 0 (a guess) to 1 (sure).
        documents: how many it has now.
        size: how many the run put into it.
        cohesion: mean cosine to the centroid, 1 is best.
        silhouette: from -1 (nearer to another cluster) to 1; None for a single cluster.
        purity: share of the most frequent label among members that have one, auto-labels among
            them; None where none has.
        majority: that label.
        labelled: how many members have one.
        stability: mean Jaccard over resamples, 1 is best; None before it was computed.
        extra: what a server answered to the further keys of `response_shape`.
    """

    cluster_id: str
    label: str | None
    confidence: float | None
    documents: int
    size: int
    cohesion: float
    silhouette: float | None
    purity: float | None
    majority: str | None
    labelled: int
    stability: float | None
    extra: dict[str, Json]


def cluster_report(collection: OpenCollection, defined: Iterable[DefinitionState]) -> Report:
    """Return the report of a collection's clusters.

    Args:
        collection: opened with its stores.
        defined: its definitions.

    Returns:
        Figures by name (led by the definition's name where there are several), `clusters in force`
        and `changes` as tables.
    """
    figures: dict[str, Cell] = {}
    clusters: list[dict[str, object]] = []
    changes: list[dict[str, object]] = []
    defined = list(defined)
    for state in defined:
        lead = f"{state.name}: " if len(defined) > 1 else ""
        figures |= {f"{lead}{name}": value for name, value in run_figures(state).items()}
        rows = [_rounded(row) for row in cluster_rows(state)]
        clusters += [{"definition": state.name, **row} for row in rows] if lead else rows
        changes += life(state.history)[-MAX_EVENTS:]
    return {**figures, "clusters in force": clusters, "changes": changes}


def _rounded(row: ClusterRow) -> dict[str, object]:
    return {name: round(v, 4) if isinstance(v, float) else v for name, v in row.items()}


def run_figures(state: DefinitionState) -> dict[str, Cell]:
    """Return the figures of the run in force, and how the last one ended."""
    run = state.history.last
    remarks: dict[str, Cell] = {}
    if state.history.failure is not None:
        remarks["last run failed"] = state.history.failure.payload["reason"]
    if state.history.nothing is not None:
        remarks["last run found nothing"] = state.history.nothing.payload["reason"]
    if state.documents.problem:
        remarks["problem"] = state.documents.problem
    elif state.documents.lacking:
        remarks["waits for vectors of"] = state.documents.lacking
    if run is None:
        return {**remarks, "run": "none yet"}
    names = ("documents", "clusters", *FIGURES)
    figures: dict[str, Cell] = {
        name.replace("_", " "): figure
        for name in names
        if isinstance(figure := run.payload.get(name), int | float | None)
    }
    fresh = new_documents(state)
    reasons = recluster_advice(state)
    figures["should recluster"] = int(bool(reasons))
    remarks |= {"remarks": "; ".join(run.payload.get("remarks") or ()) or "none"}
    if state.last is not None and state.last.complete and len(state.thresholds):
        least, most = float(state.thresholds.min()), float(state.thresholds.max())
        remarks |= {"assignment threshold": f"{least:.3f} to {most:.3f}"}
    naming = next(
        r.payload["naming"] for r in reversed(state.history.runs) if "naming" in r.payload
    )
    remarks |= {"naming": "; ".join(naming["problems"])} if naming["problems"] else {}
    remarks |= {f"naming {word.replace('_', ' ')}": n for word, n in naming["usage"].items() if n}
    told = "; ".join(reasons) or "none"
    return {"run": run.run_id, **figures, "reasons": told, "assigned since": fresh, **remarks}


def recluster_advice(state: DefinitionState) -> tuple[str, ...]:
    """Return why a full run is recommended: how the documents fit that came since the last.

    Args:
        state: the definition.

    Returns:
        One sentence for each reason; none without a run.
    """
    run = state.history.last
    rows = state.files.current_table(["mode", "cluster_id", "cosine_similarity_to_centroid"])
    if run is None or rows is None:
        return ()
    new = rows.filter(pc.equal(rows["mode"], pa.scalar("assign")))
    cosine = pc.mean(new["cosine_similarity_to_centroid"]).as_py()
    noise = texts(new, "cluster_id").count(NOISE_ID)
    return recluster_reasons(
        run.payload["noise_ratio"],
        run.payload["mean_cosine_to_centroid"],
        run.payload["documents"],
        {"count": len(new), "noise": noise, "mean_cosine_to_centroid": cosine},
    )


class ClusterStatus(TypedDict):
    """The state of a definition in numbers; those of a run are None before the first.

    `new_documents` were assigned since the run; `due` says why a full run is, `failed` why the last
    one did, `promoted` which clusters became labels.
    """

    definition: str
    run_id: str | None
    at: str | None
    documents: int | None
    clusters: int | None
    silhouette_score: float | None
    mean_cosine_to_centroid: float | None
    noise_ratio: float | None
    cluster_size_entropy: float | None
    should_recluster: bool | None
    reasons: list[str]
    new_documents: int
    due: str | None
    failed: str | None
    promoted: list[str]


def cluster_status(state: DefinitionState) -> ClusterStatus:
    """Return the state of a definition in numbers.

    Args:
        state: the definition.

    Returns:
        The state.
    """
    run = state.history.last
    payload = run.payload if run else ClusterRunPayload()
    reasons = recluster_advice(state)
    return {
        "definition": state.name,
        "run_id": run.run_id if run else None,
        "at": run.recorded_at if run else None,
        "documents": payload.get("documents"),
        "clusters": payload.get("clusters"),
        "silhouette_score": payload.get("silhouette_score"),
        "mean_cosine_to_centroid": payload.get("mean_cosine_to_centroid"),
        "noise_ratio": payload.get("noise_ratio"),
        "cluster_size_entropy": payload.get("cluster_size_entropy"),
        "should_recluster": bool(reasons) if run else None,
        "reasons": list(reasons),
        "new_documents": new_documents(state) if run else 0,
        "due": state.due or None,
        "failed": state.documents.problem
        or (state.history.failure.payload["reason"] if state.history.failure else None),
        "promoted": sorted({e.cluster_id for e in state.history.events if e.kind == PROMOTION}),
    }


def new_documents(state: DefinitionState) -> int:
    """Return how many documents have come, or changed, since the run in force."""
    if not state.collection.workspace.warehouse.exists(state.files.current):
        return 0
    table = state.collection.workspace.warehouse.read_table(state.files.current, ["mode"])
    return table["mode"].to_pylist().count("assign")


def cluster_rows(state: DefinitionState) -> list[ClusterRow]:
    """Return the clusters in force as a table for people, the largest first.

    Args:
        state: the definition.

    Returns:
        A row for each; none before the first run.
    """
    if state.last is None or not state.last.complete:
        return []
    members = current_documents(state)
    labels = state.documents.labels
    stable = state.last.stability or {}
    rows: list[ClusterRow] = []
    names = state.history.names
    for row in state.last.clusters:
        cluster, name = row["cluster_id"], names.get(row["cluster_id"], {})
        documents = members.get(cluster, [])
        known = Counter(label for d in documents if (label := labels.get(d)) is not None)
        majority = min(known, key=lambda label: (-known[label], label), default=None)
        rows.append(
            {
                "cluster_id": cluster,
                "label": name.get("label"),
                "confidence": name.get("confidence"),
                "documents": len(documents),
                "size": row["size"],
                "cohesion": row["mean_cosine_similarity"],
                "silhouette": row["silhouette"],
                "purity": known[majority] / known.total() if majority is not None else None,
                "majority": majority,
                "labelled": known.total(),
                "stability": stable.get(cluster),
                "extra": name.get("extra", {}),
            }
        )
    return sorted(rows, key=lambda r: (-r["documents"], r["cluster_id"]))


def current_documents(state: DefinitionState) -> dict[str, list[str]]:
    """Return the documents that each cluster has now, those of its sub-clusters among them."""
    documents: dict[str, list[str]] = {}
    if state.last is None or not state.collection.workspace.warehouse.exists(state.files.current):
        return documents
    table = state.collection.workspace.warehouse.read_table(
        state.files.current, ["document_id", "cluster_id"]
    )
    pairs = zip(texts(table, "document_id"), texts(table, "cluster_id"), strict=True)
    for document, cluster in pairs:
        if cluster != NOISE_ID:
            for above in state.last.lineage.get(cluster, ()):
                documents.setdefault(above, []).append(document)
    return documents


def life(history: History) -> list[dict[str, object]]:
    """Return what became of identities, in order; those that were merely kept are left out."""
    return [
        {
            "at": event.recorded_at,
            "run_id": event.run_id,
            "cluster_id": event.cluster_id,
            "change": event.kind,
            "others": ", ".join(event.payload.get("others") or ()),
            "said": event.payload.get("label"),
        }
        for event in history.events
        if event.kind != QUIET
    ]
