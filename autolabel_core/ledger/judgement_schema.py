"""The tables of the ledger about how good labels are: what was doubted, and how rules did."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Index, String, Table, Text

from autolabel_core.ledger.schema import ORDER, metadata

DOUBT_DECISIONS = Table(
    "doubt_decisions",
    metadata,
    Column("id", ORDER, primary_key=True, autoincrement=True),
    Column("decision_id", String(64), nullable=False, unique=True),
    Column("collection", String(200), nullable=False),
    Column("document_id", String(40), nullable=False),
    Column("key", Text, nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("decision", String(10), nullable=False),
    Column("label", Text, nullable=False),
    Column("new_label", Text),
    Column("annotator", Text, nullable=False),
    Column("payload", JSON, nullable=False),
    Column("recorded_at", String(32), nullable=False),
    Index("doubt_decisions_by_document", "collection", "document_id", "id"),
)
"""What people decided about doubtful labels, and the evidence that they saw."""

GOLD_JUDGEMENTS = Table(
    "gold_judgements",
    metadata,
    Column("id", ORDER, primary_key=True, autoincrement=True),
    Column("judgement_id", String(64), nullable=False, unique=True),
    Column("collection", String(200), nullable=False),
    Column("rule_version", String(64), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("recorded_at", String(32), nullable=False),
    Index("gold_judgements_by_collection", "collection", "id"),
)
"""How each rule, model and threshold did on documents that it may not learn from."""
