"""Revision 0005: what a delivery says to the program has columns, no longer a text for people."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_ORDER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_DELIVERIES = sa.table(
    "deliveries",
    sa.column("id", _ORDER),
    sa.column("event_id", sa.String),
    sa.column("attempt", sa.Integer),
    sa.column("detail", sa.Text),
    sa.column("retry_after_seconds", sa.Float),
    sa.column("settled_to", _ORDER),
    sa.column("address_hash", sa.String),
)


def upgrade() -> None:
    """Add the columns, and fill them from the texts in which older versions kept the same."""
    op.add_column("deliveries", sa.Column("retry_after_seconds", sa.Float))
    op.add_column("deliveries", sa.Column("settled_to", _ORDER))
    op.add_column("deliveries", sa.Column("address_hash", sa.String(64)))
    _move_marks()
    _read_requested_waits()


def _move_marks() -> None:
    marks = _DELIVERIES.c.attempt == 0
    event_id, detail = _DELIVERIES.c.event_id, _DELIVERIES.c.detail
    settled = event_id.in_(("endpoint.declared", "endpoint.settled"))
    changes = (
        (settled, {"settled_to": sa.cast(detail, _ORDER)}),
        (event_id == "endpoint.disabled", {"address_hash": detail}),
    )
    for kind, values in changes:
        op.execute(sa.update(_DELIVERIES).where(marks, kind).values(detail=None, **values))


def _read_requested_waits() -> None:
    """Read `Retry-After 30 s; …`; the text stays, because people read it."""
    wait = sa.select(_DELIVERIES.c.id, _DELIVERIES.c.detail)
    connection = op.get_bind()
    rows = connection.execute(wait.where(_DELIVERIES.c.detail.like("Retry-After % s%"))).all()
    for id_, detail in rows:
        seconds = detail.split(" ")[1]
        if seconds.isdecimal():
            own = sa.update(_DELIVERIES).where(_DELIVERIES.c.id == id_)
            connection.execute(own.values(retry_after_seconds=float(seconds)))
