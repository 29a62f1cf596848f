"""Tables of the ledger. Every table is append-only; `id` is the order of the events.

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
)

VERSION = "0002"
"""The newest revision; a ledger that has it needs no look at the migrations."""

metadata = MetaData()

_order = BigInteger().with_variant(Integer, "sqlite")

ARRIVALS = Table(
    "arrivals",
    metadata,
    Column("id", _order, primary_key=True, autoincrement=True),
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
    Column("id", _order, primary_key=True, autoincrement=True),
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
)

AUDITS = Table(
    "audits",
    metadata,
    Column("id", _order, primary_key=True, autoincrement=True),
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

EVENTS = Table(
    "events",
    metadata,
    Column("id", _order, primary_key=True, autoincrement=True),
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
    Column("id", _order, primary_key=True, autoincrement=True),
    Column("endpoint", String(200), nullable=False),
    Column("event_id", String(64), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("status_code", Integer),
    Column("detail", Text),
    Column("next_attempt_at", String(32)),
    Column("recorded_at", String(32), nullable=False),
    Index("deliveries_by_event", "endpoint", "event_id", "outcome"),
)

REQUESTS = Table(
    "requests",
    metadata,
    Column("id", _order, primary_key=True, autoincrement=True),
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
    Column("id", _order, primary_key=True, autoincrement=True),
    Column("collection", String(200), nullable=False),
    Column("alert", String(200), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("value", Float),
    Column("payload", JSON, nullable=False),
    Column("recorded_at", String(32), nullable=False),
    Index("alert_firings_by_alert", "collection", "alert", "id"),
)
