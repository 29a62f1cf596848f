"""The state of a collection in numbers, and the advice that follows from them."""

from __future__ import annotations

from typing import Any

from autolabel_core.audit import audit_summary
from autolabel_core.declarations import Collection
from autolabel_core.derived.reference_set import ReferenceSet, judge
from autolabel_core.documents import Documents
from autolabel_core.labels import roll_up, taxonomy_version
from autolabel_core.ledger.annotations import stale_annotations
from autolabel_core.plan import plan
from autolabel_core.statistics import coverage
from autolabel_core.workspace import Workspace

LOW_CONFIDENCE_BAND = 0.10
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def collection_status(workspace: Workspace, collection: Collection) -> dict[str, Any]:
    """Return the state of a collection as the last sweep left it.

    Args:
        workspace: the stores.
        collection: the declaration.

    Returns:
        objects, quarantined, human, promoted, auto, unlabelled, coverage (share of the documents
        that no person labelled which carry an auto-label; 1 is all), review_queue (readable
        documents without a label), low_confidence (auto-labels within LOW_CONFIDENCE_BAND above
        the threshold), distribution, distribution_rolled_up, confidence (quantiles),
        false_positive_rate (audited), references (by label), leave_one_out, feature_uri,
        taxonomy_version, pending (what the next sweep would do), stale_annotations, advice.
    """
    counts = _counts(Documents(workspace, collection), collection)
    name = collection.reference_collection or collection.collection_name
    reference_set = ReferenceSet(workspace, workspace.collection(name))
    references = reference_set.load()
    judged = judge(references)
    own = ReferenceSet(workspace, collection)
    events = workspace.ledger.annotations(collection.collection_name)
    contents = own.contents({event.document_id for event in events})
    next_run = plan(workspace, collection)
    by_label: dict[str, int] = {}
    for entry in judged["labels"]:
        by_label[entry["label"]] = by_label.get(entry["label"], 0) + entry["references"]
    status = {
        "collection": collection.collection_name,
        **counts,
        "distribution_rolled_up": roll_up(counts["distribution"]),
        "threshold": collection.taxonomy.confidence_threshold if collection.taxonomy else None,
        "reference_collection": collection.reference_collection,
        "references": by_label,
        "leave_one_out": {
            "agreement": judged["leave_one_out_agreement"],
            "low": judged.get("agreement_low"),
            "high": judged.get("agreement_high"),
        },
        "false_positive_rate": audit_summary(workspace, collection),
        "feature_uri": references.feature_uri,
        "taxonomy_version": taxonomy_version(by_label),
        "pending": {"assets": list(next_run.assets), "batches": list(next_run.batches)},
        "stale_annotations": len(stale_annotations(events, contents)),
    }
    return status


def _counts(documents: Documents, collection: Collection) -> dict[str, Any]:
    band = LOW_CONFIDENCE_BAND
    threshold = collection.taxonomy.confidence_threshold if collection.taxonomy else 0.0
    with documents.connect() as connection:
        total, quarantined, human, promoted, auto, low = connection.execute(
            "SELECT count(*), count(reason), "
            "count(*) FILTER (label_source = 'human'), count(*) FILTER (label_source = 'promoted'), "
            "count(*) FILTER (label_source = 'auto'), "
            "count(*) FILTER (label_source = 'auto' AND confidence < ?) FROM documents",
            [threshold + band],
        ).fetchall()[0]
        queue = connection.execute(
            "SELECT count(*) FROM documents WHERE label IS NULL AND reason IS NULL"
        ).fetchall()[0][0]
        distribution = connection.execute(
            "SELECT label, count(*) FROM documents WHERE label IS NOT NULL "
            "GROUP BY label ORDER BY count(*) DESC, label"
        ).fetchall()
        cuts = connection.execute(
            "SELECT quantile_cont(confidence::DOUBLE, ?) FROM documents "
            "WHERE label_source IS NULL OR label_source = 'auto'",
            [list(QUANTILES)],
        ).fetchall()[0][0]
    machine = total - human - promoted - quarantined
    return {
        "objects": total,
        "quarantined": quarantined,
        "human": human,
        "promoted": promoted,
        "auto": auto,
        "unlabelled": total - human - promoted - auto,
        "coverage": coverage(auto, machine),
        "review_queue": queue,
        "low_confidence": low,
        "distribution": dict(distribution),
        "confidence": dict(
            zip((f"q{int(q * 100):02d}" for q in QUANTILES), cuts or [], strict=False)
        ),
    }
