"""Tables of the ledger. Every table is append-only; `id` is the order of the events."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, MetaData, String, Table, Text

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
)
