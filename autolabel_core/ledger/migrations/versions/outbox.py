"""Revision 0002: events, deliveries, requests, alert firings, and indexes for the last row."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_ORDER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add tables and indices. Facts recorded before become no events: nobody waits for them."""
    for table in ("arrivals", "annotations", "audits"):
        op.create_index(f"{table}_by_collection", table, ["collection", "id"])
    _events()
    _deliveries()
    _requests()
    _alert_firings()


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", _ORDER, primary_key=True, autoincrement=True),
        sa.Column("event_id", sa.String(64), nullable=False, unique=True),
        sa.Column("event_type", sa.String(60), nullable=False),
        sa.Column("collection", sa.String(200), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("recorded_at", sa.String(32), nullable=False),
    )


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", _ORDER, primary_key=True, autoincrement=True),
        sa.Column("endpoint", sa.String(200), nullable=False),
        sa.Column("event_id", sa.String(64), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("status_code", sa.Integer),
        sa.Column("detail", sa.Text),
        sa.Column("next_attempt_at", sa.String(32)),
        sa.Column("recorded_at", sa.String(32), nullable=False),
    )
    op.create_index("deliveries_by_event", "deliveries", ["endpoint", "event_id", "outcome"])


def _requests() -> None:
    op.create_table(
        "requests",
        sa.Column("id", _ORDER, primary_key=True, autoincrement=True),
        sa.Column("request_id", sa.String(64), nullable=False, unique=True),
        sa.Column("collection", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("recorded_at", sa.String(32), nullable=False),
    )
    op.create_index("requests_by_collection", "requests", ["collection", "id"])


def _alert_firings() -> None:
    op.create_table(
        "alert_firings",
        sa.Column("id", _ORDER, primary_key=True, autoincrement=True),
        sa.Column("collection", sa.String(200), nullable=False),
        sa.Column("alert", sa.String(200), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("value", sa.Float),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("recorded_at", sa.String(32), nullable=False),
    )
    op.create_index("alert_firings_by_alert", "alert_firings", ["collection", "alert", "id"])
