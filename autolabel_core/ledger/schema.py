"""The tables of the ledger. Every table is append-only; `id` is the order of the events.

What changes here needs a revision in `migrations/versions`; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

VERSION = "0009"
"""The newest revision; a ledger that has it needs no look at the migrations."""

metadata = MetaData()

ORDER = BigInteger().with_variant(Integer, "sqlite")
"""The type of `id`: SQLite numbers rows by itself only under this one."""

ARRIVALS = Table(
    "arrivals",
    metadata,
    Column("id", ORDER, primary_key=True, autoincrement=True),
    Column("collection", String(200), nullable=False),
    Column("document_id", String(40), nullable=False),
    Column("key", Text, nullable=False),
    Column("batch", String(40), nullable=False),
    Column("event", String(10), nullable=False),
    Column("version", Text, nullable=False),
    Column("recorded_at", String(32), nullable=False),
    Index("arrivals_by_document", "collection", "document_id", "id"),
    Index("arrivals_by_collection", "collection", "id"),
)

ANNOTATIONS = Table(
    "annotations",
    metadata,
    Column("id", ORDER, primary_key=True, autoincrement=True),
    Column("event_id", String(64), nullable=False, unique=True),
    Column("collection", String(200), nullable=False),
    Column("document_id", String(40), nullable=False),
    Column("key", Text, nullable=False),
    Column("action", String(10), nullable=False),
    Column("label", Text),
    Column("fields", JSON, nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("source", String(10), nullable=False),
    Column("annotator", Text, nullable=False),
    Column("origin", String(20), nullable=False),
    Column("reason", Text),
    Column("provenance", JSON, nullable=False),
    Column("recorded_at", String(32), nullable=False),
    Index("annotations_by_document", "collection", "document_id", "id"),
    Index("annotations_by_collection", "collection", "id"),
    Index(
        "annotations_by_content",
        *("collection", "document_id", "content_hash", "id", "action", "annotator", "source"),
    ),
    Index("annotations_by_label", "collection", "label", "id"),
)

AUDITS = Table(
    "audits",
    metadata,
    Column("id", ORDER, primary_key=True, autoincrement=True),
    Column("collection", String(200), nullable=False),
    Column("document_id", String(40), nullable=False),
    Column("key", Text, nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("auto_label", Text, nullable=False),
    Column("verdict", String(10), nullable=False),
    Column("corrected_label", Text),
    Column("auditor", Text, nullable=False),
    Column("recorded_at", String(32), nullable=False),
    Index("audits_by_document", "collection", "document_id", "id"),
    Index("audits_by_collection", "collection", "id"),
)

CERTIFICATIONS = Table(
    "certifications",
    metadata,
    Column("id", ORDER, primary_key=True, autoincrement=True),
    Column("certification_id", String(64), nullable=False, unique=True),
    Column("collection", String(200), nullable=False),
    Column("rule_version", String(64), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("recorded_at", String(32), nullable=False),
    Index("certifications_by_collection", "collection", "id"),
)
"""What verdicts shall certify, and which documents were drawn for it, before the first verdict."""

EVENTS = Table(
    "events",
    metadata,
    Column("id", ORDER, primary_key=True, autoincrement=True),
    Column("event_id", String(64), nullable=False, unique=True),
    Column("event_type", String(60), nullable=False),
    Column("collection", String(200), nullable=False),
    Column("subject", Text, nullable=False),
    Column("payload", JSON, nullable=False),
    Column("recorded_at", String(32), nullable=False),
)

DELIVERIES = Table(
    "deliveries",
    metadata,
    Column("id", ORDER, primary_key=True, autoincrement=True),
    Column("endpoint", String(200), nullable=False),
    Column("event_id", String(64), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("status_code", Integer),
    Column("detail", Text),
    Column("next_attempt_at", String(32)),
    Column("recorded_at", String(32), nullable=False),
    Column("retry_after_seconds", Float),
    Column("settled_to", ORDER),
    Column("address_hash", String(64)),
    Index("deliveries_by_event", "endpoint", "event_id", "outcome"),
)

REQUESTS = Table(
    "requests",
    metadata,
    Column("id", ORDER, primary_key=True, autoincrement=True),
    Column("request_id", String(64), nullable=False, unique=True),
    Column("collection", String(200), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("recorded_at", String(32), nullable=False),
    Index("requests_by_collection", "collection", "id"),
)

ALERT_FIRINGS = Table(
    "alert_firings",
    metadata,
    Column("id", ORDER, primary_key=True, autoincrement=True),
    Column("collection", String(200), nullable=False),
    Column("alert", String(200), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("value", Float),
    Column("payload", JSON, nullable=False),
    Column("recorded_at", String(32), nullable=False),
    Index("alert_firings_by_alert", "collection", "alert", "id"),
)

CLUSTER_RUNS = Table(
    "cluster_runs",
    metadata,
    Column("id", ORDER, primary_key=True, autoincrement=True),
    Column("run_id", String(64), nullable=False, unique=True),
    Column("collection", String(200), nullable=False),
    Column("cluster_name", String(200), nullable=False),
    Column("mode", String(10), nullable=False),
    Column("status", String(10), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("recorded_at", String(32), nullable=False),
    Index("cluster_runs_by_name", "collection", "cluster_name", "id"),
)
"""Each run of a cluster definition: its input, its figures, how it ended."""

CLUSTER_EVENTS = Table(
    "cluster_events",
    metadata,
    Column("id", ORDER, primary_key=True, autoincrement=True),
    Column("event_id", String(64), nullable=False, unique=True),
    Column("collection", String(200), nullable=False),
    Column("cluster_name", String(200), nullable=False),
    Column("cluster_id", String(200), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("run_id", String(64), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("recorded_at", String(32), nullable=False),
    Index("cluster_events_by_name", "collection", "cluster_name", "id"),
)
"""The life of each identity: birth, kept, split, merge, death, rename, promotion."""

BOX_ANNOTATIONS = Table(
    "box_annotations",
    metadata,
    Column("id", ORDER, primary_key=True, autoincrement=True),
    Column("event_id", String(64), nullable=False, unique=True),
    Column("annotation_id", String(64), nullable=False),
    Column("action", String(10), nullable=False),
    Column("collection", String(200), nullable=False),
    Column("image_id", String(40), nullable=False),
    Column("image_key", Text, nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("detection_id", String(80)),
    Column("label", String(20), nullable=False),
    Column("predicted_class", Text),
    Column("true_class", Text),
    Column("xyxy_px", JSON),
    Column("predicted_xyxy_px", JSON),
    Column("image_width_px", Integer, nullable=False),
    Column("image_height_px", Integer, nullable=False),
    Column("confidence", Float),
    Column("reasoning", Text),
    Column("annotator", Text, nullable=False),
    Column("origin", String(20), nullable=False),
    Column("retriever_id", String(200)),
    Column("execution_id", String(200)),
    Column("payload", JSON, nullable=False),
    Column("recorded_at", String(32), nullable=False),
    Index("box_annotations_by_collection", "collection", "id"),
)
"""What people said about boxes on images, and that an image was reviewed as a whole."""

CLASS_IDS = Table(
    "class_ids",
    metadata,
    Column("id", ORDER, primary_key=True, autoincrement=True),
    Column("collection", String(200), nullable=False),
    Column("class_name", Text, nullable=False),
    Column("class_id", Integer, nullable=False),
    Column("recorded_at", String(32), nullable=False),
    UniqueConstraint("collection", "class_id", name="class_ids_once"),
)
"""The number of each class in training data, given once and for ever."""

GOLD_IMAGES = Table(
    "gold_images",
    metadata,
    Column("id", ORDER, primary_key=True, autoincrement=True),
    Column("collection", String(200), nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("recorded_at", String(32), nullable=False),
    UniqueConstraint("collection", "content_hash", name="gold_images_once"),
)
"""Contents that judge models and are never trained on."""

MODEL_VERSIONS = Table(
    "model_versions",
    metadata,
    Column("id", ORDER, primary_key=True, autoincrement=True),
    Column("collection", String(200), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("version", String(40), nullable=False),
    Column("checksum", String(64), nullable=False),
    Column("card", JSON, nullable=False),
    Column("recorded_at", String(32), nullable=False),
    UniqueConstraint("collection", "kind", "version", name="model_versions_once"),
)
"""Weights in the model registry; a card says what they were made from."""

GATE_RESULTS = Table(
    "gate_results",
    metadata,
    Column("id", ORDER, primary_key=True, autoincrement=True),
    Column("gate_id", String(64), nullable=False, unique=True),
    Column("collection", String(200), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("version", String(40), nullable=False),
    Column("against", String(40)),
    Column("decision", String(10), nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("payload", JSON, nullable=False),
    Column("recorded_at", String(32), nullable=False),
    Index("gate_results_by_kind", "collection", "kind", "id"),
)
"""Candidate against active version: promoted or held, and why; a person may decide otherwise."""
