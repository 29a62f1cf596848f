"""Revision 0009: how rules did on the gold set of whole documents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_ORDER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "gold_judgements",
        sa.Column("id", _ORDER, primary_key=True, autoincrement=True),
        sa.Column("judgement_id", sa.String(64), nullable=False, unique=True),
        sa.Column("collection", sa.String(200), nullable=False),
        sa.Column("rule_version", sa.String(64), nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("recorded_at", sa.String(32), nullable=False),
    )
    op.create_index("gold_judgements_by_collection", "gold_judgements", ["collection", "id"])
