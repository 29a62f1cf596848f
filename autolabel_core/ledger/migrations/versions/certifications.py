"""Revision 0006: what verdicts shall certify, and which documents were drawn for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_ORDER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "certifications",
        sa.Column("id", _ORDER, primary_key=True, autoincrement=True),
        sa.Column("certification_id", sa.String(64), nullable=False, unique=True),
        sa.Column("collection", sa.String(200), nullable=False),
        sa.Column("rule_version", sa.String(64), nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("recorded_at", sa.String(32), nullable=False),
    )
    op.create_index("certifications_by_collection", "certifications", ["collection", "id"])
