"""Revision 0007: what people decided about doubtful labels."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_ORDER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "doubt_decisions",
        sa.Column("id", _ORDER, primary_key=True, autoincrement=True),
        sa.Column("decision_id", sa.String(64), nullable=False, unique=True),
        sa.Column("collection", sa.String(200), nullable=False),
        sa.Column("document_id", sa.String(40), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("decision", sa.String(10), nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("new_label", sa.Text),
        sa.Column("annotator", sa.Text, nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("recorded_at", sa.String(32), nullable=False),
    )
    op.create_index(
        "doubt_decisions_by_document", "doubt_decisions", ["collection", "document_id", "id"]
    )
