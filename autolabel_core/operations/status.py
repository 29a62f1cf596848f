"""Computes the status of a collection; `findings` turns it into advice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autolabel_core.declarations import Collection
from autolabel_core.documents.documents import Documents
from autolabel_core.documents.label_source_sql import MACHINES, UNDECIDED
from autolabel_core.documents.upload_drift_record import drift_record
from autolabel_core.foundation.label_names import roll_up, taxonomy_version
from autolabel_core.foundation.statistics import coverage
from autolabel_core.labelling.audit_summary import audit_summary
from autolabel_core.labelling.certificate_report import certificate_records
from autolabel_core.labelling.gold_report import latest_judgements
from autolabel_core.matching.decision import Rule
from autolabel_core.notifications.webhooks.health import endpoint_health, recent_firings
from autolabel_core.operations.renaming import renamed_from
from autolabel_core.operations.staleness_plan import plan
from autolabel_core.operations.status_record import (
    CollectionStatus,
    JudgedBoxes,
    LabelCounts,
    ObjectCounts,
)
from autolabel_core.tables.applied_taxonomy import AppliedTaxonomy
from autolabel_core.tables.raw_objects import RawObjects
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.score_file import choice_record, stored_choice
from autolabel_core.tables.score_fitting import score_path
from autolabel_core.tables.similar_fields import like_label_field
from autolabel_core.tables.workspace import OpenCollection

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from autolabel_core.clusters.report import ClusterStatus

LOW_CONFIDENCE_BAND = 0.10
ASSUMED_ENCODING = '%"text_encoding_found":%"assumed"%'
JUDGEMENTS_SHOWN = 3
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def collection_status(collection: OpenCollection) -> CollectionStatus:
    """Return the state of a collection as the last sweep left it.

    Args:
        collection: opened with its stores.

    Returns:
        The state.
    """
    taxonomy = AppliedTaxonomy(collection)
    with Documents(collection).connect() as connection:
        objects = _objects(connection, collection.declaration)
        counts = _counts(connection, taxonomy.rule)
    reference_set = ReferenceSet(
        OpenCollection(collection.workspace, taxonomy.reference_collection)
    )
    judged = reference_set.judgement()
    references: dict[str, int] = {}
    for entry in judged["labels"]:
        references[entry["label"]] = references.get(entry["label"], 0) + entry["references"]
    own_references = ReferenceSet(collection)
    next_run = plan(collection)
    thresholds = taxonomy.rule.thresholds
    declared_taxonomy = collection.declaration.taxonomy
    state: CollectionStatus = {
        "collection": collection.name,
        "input": taxonomy.space.input,
        "human": counts["human"],
        "promoted": counts["promoted"],
        "auto": counts["auto"],
        "suggested": counts["suggested"],
        "unlabelled": counts["unlabelled"],
        "coverage": counts["coverage"],
        "review_queue": counts["review_queue"],
        "low_confidence": counts["low_confidence"],
        "distribution": counts["distribution"],
        "confidence": counts["confidence"],
        "objects": objects["objects"],
        "quarantined": objects["quarantined"],
        "assumed_encodings": objects.get("assumed_encodings", 0),
        "distribution_rolled_up": roll_up(counts["distribution"]),
        "threshold": thresholds.common if declared_taxonomy else None,
        "label_thresholds": dict(thresholds.per_label),
        "reference_collection": collection.declaration.reference_collection,
        "references": references,
        "retriever": declared_taxonomy.retriever if declared_taxonomy else None,
        "renamed_from": "" if references else renamed_from(collection),
        "references_let_in": taxonomy.reference_count,
        "label_field": collection.declaration.label_field,
        "like_label_field": {} if references else like_label_field(RawObjects(collection)),
        "score": choice_record(
            taxonomy.rule.score, stored_choice(collection.warehouse, score_path(collection))
        ),
        "leave_one_out": {
            "agreement": judged["leave_one_out_agreement"],
            "low": judged.get("agreement_low"),
            "high": judged.get("agreement_high"),
        },
        "labels_from_names": not reference_set.waits_for_labels,
        "distinguishability": judged.get("distinguishability"),
        "false_positive_rate": audit_summary(collection),
        "certificates": certificate_records(collection),
        "drift": drift_record(collection),
        "gold": latest_judgements(collection, JUDGEMENTS_SHOWN),
        "feature_uri": reference_set.feature_uri,
        "taxonomy_version": taxonomy_version(references),
        "pending": {"assets": list(next_run.assets), "batches": list(next_run.batches)},
        "endpoints": endpoint_health(collection.ledger, collection.declaration),
        "alerts": recent_firings(collection.ledger, collection.declaration),
        "clusters": _clusters(collection),
        "unclear_moves": [],
        "disagreements": 0,
        "stale_annotations": own_references.embeddings.items.stale_annotations(),
    }
    if collection.declaration.detection is not None:
        state["detections"] = objects["detections"]
        state["images_without_detections"] = objects["images_without_detections"]
        state["judged"] = _judged(collection)
    people = own_references.sibling(RawObjects).people
    state["unclear_moves"] = people["unclear_moves"]
    state["disagreements"] = people["disagreements"]
    return state


def _clusters(collection: OpenCollection) -> list[ClusterStatus]:
    if not collection.declaration.clusters:
        return []
    from autolabel_core.clusters.report import cluster_status
    from autolabel_core.clusters.table import Clusters

    return [cluster_status(definition) for definition in Clusters(collection).defined]


def _judged(collection: OpenCollection) -> JudgedBoxes:
    from autolabel_core.tables.boxes.conflicts import conflicts
    from autolabel_core.tables.boxes.current_annotations import standing
    from autolabel_core.tables.boxes.detector_figures import box_figures

    events = collection.ledger.box_annotations(collection.name)
    disagreements = len(conflicts(standing(collection).holding))
    weeks = [figures.record() for figures in box_figures(events, by="week")]
    overall = box_figures(events)[0].record()
    latest = weeks[-1] if weeks else None
    return {"overall": overall, "latest_week": latest, "conflicts": disagreements}


def _objects(connection: DuckDBPyConnection, collection: Collection) -> ObjectCounts:
    """Count what lies in the bucket; where boxes are documents, images and boxes apart."""
    if collection.detection is None:
        sql = "SELECT count(*), count(reason), count(*) FILTER (metadata LIKE ?) FROM documents"
        objects, quarantined, assumed = connection.execute(sql, [ASSUMED_ENCODING]).fetchall()[0]
        return {"objects": objects, "quarantined": quarantined, "assumed_encodings": assumed}
    objects, quarantined, detections, without = connection.execute(
        "SELECT count(*) FILTER (kind = 'image'), count(reason), "
        "count(*) FILTER (kind = 'detection'), "
        "count(*) FILTER (kind = 'image' AND detections = '[]') FROM all_documents"
    ).fetchall()[0]
    return {
        "objects": objects,
        "quarantined": quarantined,
        "detections": detections,
        "images_without_detections": without,
    }


def _counts(connection: DuckDBPyConnection, rule: Rule) -> LabelCounts:
    human, promoted, auto, suggested, unlabelled, machine, queue = connection.execute(
        "SELECT "
        "count(*) FILTER (label_source = 'human'), count(*) FILTER (label_source = 'promoted'), "
        "count(*) FILTER (label_source = 'auto'), count(*) FILTER (label_source = 'suggested'), "
        f"count(*) FILTER (label_source IS NULL), count(*) FILTER (reason IS NULL AND {MACHINES}), "
        f"count(*) FILTER (reason IS NULL AND {UNDECIDED}) FROM documents"
    ).fetchall()[0]
    distribution = connection.execute(
        f"SELECT label, count(*) FROM documents WHERE label IS NOT NULL AND NOT ({UNDECIDED}) "
        "GROUP BY label ORDER BY count(*) DESC, label"
    ).fetchall()
    cuts = connection.execute(
        f"SELECT quantile_cont(confidence::DOUBLE, ?) FROM documents WHERE {MACHINES}",
        [list(QUANTILES)],
    ).fetchall()[0][0]
    names = (f"q{int(q * 100):02d}" for q in QUANTILES)
    return {
        "human": human,
        "promoted": promoted,
        "auto": auto,
        "suggested": suggested,
        "unlabelled": unlabelled,
        "coverage": coverage(auto, machine),
        "review_queue": queue,
        "low_confidence": _low_confidence(connection, rule),
        "distribution": dict(distribution),
        "confidence": dict(zip(names, cuts or [], strict=False)),
    }


def _low_confidence(connection: DuckDBPyConnection, rule: Rule) -> int:
    """Count auto-labels whose confidence lies within the band above their own label's threshold."""
    labelled = connection.execute(
        "SELECT label, list(confidence::DOUBLE) FROM documents WHERE label_source = 'auto' "
        "GROUP BY label"
    ).fetchall()
    band, thresholds = LOW_CONFIDENCE_BAND, rule.thresholds
    return sum(
        confidence < thresholds.of(label) + band
        for label, confidences in labelled
        for confidence in confidences
    )
