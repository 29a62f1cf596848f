"""The tables of the ledger that one looks back by: what was declared, and what was exported."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Index, String, Table, Text

from autolabel_core.ledger.schema import ORDER, metadata

RULES = Table(
    "rules",
    metadata,
    Column("id", ORDER, primary_key=True, autoincrement=True),
    Column("collection", String(200), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("recorded_at", String(32), nullable=False),
    Index("rules_by_collection", "collection", "id"),
)
"""What the YAML said that labels follow from, each time that a sweep found it changed."""

EXPORTS = Table(
    "exports",
    metadata,
    Column("id", ORDER, primary_key=True, autoincrement=True),
    Column("export_id", String(64), nullable=False, unique=True),
    Column("collection", String(200), nullable=False),
    Column("format", String(40), nullable=False),
    Column("place", Text, nullable=False),
    Column("payload", JSON, nullable=False),
    Column("recorded_at", String(32), nullable=False),
    Index("exports_by_collection", "collection", "id"),
)
"""Datasets that people wrote to folders, and how far the labels in them reach."""
