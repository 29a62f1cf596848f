"""Revision 0001: arrivals, annotations, audits; left alone in a ledger that has them already."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ORDER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables that are missing."""
    _arrivals()
    _annotations()
    _audits()
    for table in ("arrivals", "annotations", "audits"):
        columns = ["collection", "document_id", "id"]
        op.create_index(f"{table}_by_document", table, columns, if_not_exists=True)


def _arrivals() -> None:
    op.create_table(
        "arrivals",
        sa.Column("id", _ORDER, primary_key=True, autoincrement=True),
        sa.Column("collection", sa.String(200), nullable=False),
        sa.Column("document_id", sa.String(40), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("batch", sa.String(40), nullable=False),
        sa.Column("event", sa.String(10), nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("recorded_at", sa.String(32), nullable=False),
        if_not_exists=True,
    )


def _annotations() -> None:
    op.create_table(
        "annotations",
        sa.Column("id", _ORDER, primary_key=True, autoincrement=True),
        sa.Column("event_id", sa.String(64), nullable=False, unique=True),
        sa.Column("collection", sa.String(200), nullable=False),
        sa.Column("document_id", sa.String(40), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("action", sa.String(10), nullable=False),
        sa.Column("label", sa.Text),
        sa.Column("fields", sa.JSON, nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("source", sa.String(10), nullable=False),
        sa.Column("annotator", sa.Text, nullable=False),
        sa.Column("origin", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("provenance", sa.JSON, nullable=False),
        sa.Column("recorded_at", sa.String(32), nullable=False),
        if_not_exists=True,
    )


def _audits() -> None:
    op.create_table(
        "audits",
        sa.Column("id", _ORDER, primary_key=True, autoincrement=True),
        sa.Column("collection", sa.String(200), nullable=False),
        sa.Column("document_id", sa.String(40), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("auto_label", sa.Text, nullable=False),
        sa.Column("verdict", sa.String(10), nullable=False),
        sa.Column("corrected_label", sa.Text),
        sa.Column("auditor", sa.Text, nullable=False),
        sa.Column("recorded_at", sa.String(32), nullable=False),
        if_not_exists=True,
    )
