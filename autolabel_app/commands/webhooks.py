"""`autolabel webhooks`: test endpoints, list deliveries, send events again."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import click

from autolabel_app.options import json_option
from autolabel_app.output import emit_json, emit_table
from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.tables.workspace import Workspace

if TYPE_CHECKING:
    from autolabel_core.foundation.json_types import Cell
    from autolabel_core.ledger import Delivery
    from autolabel_core.notifications.webhooks.endpoints import Endpoint


@click.group()
def webhooks() -> None:
    """Deliver events to other systems: test, deliveries, redeliver, deliver, enable, secret.

    An ENDPOINT is `<collection>/<webhook>/<channel>`; its beginning is enough where it is clear.
    """


@webhooks.command()
@click.argument("endpoint", required=False)
@json_option
def test(endpoint: str | None, as_json: bool) -> None:
    """Send an event `webhook.test` to ENDPOINT, or to all; nothing is recorded."""
    from autolabel_core.notifications.webhooks.send_one import send_now, test_event

    workspace = Workspace.from_environment()
    rows = []
    for one in _endpoints(workspace, endpoint):
        try:
            answer = send_now(one, test_event(one))
            said, code, arrived = answer.detail, answer.status_code, answer.delivered
        except AutolabelError as error:
            said, code, arrived = str(error), None, False
        rows.append({"endpoint": one.name, "arrived": arrived, "status": code, "detail": said})
    emit_json(rows) if as_json else emit_table(rows, empty="No webhooks or alerts with channels.")
    _exit_unless(all(row["arrived"] for row in rows))


@webhooks.command()
@click.argument("endpoint", required=False)
@click.option("--failed", is_flag=True, help="Only what did not arrive, the last attempt of each.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True)
@json_option
def deliveries(endpoint: str | None, failed: bool, limit: int, as_json: bool) -> None:
    """Show the last attempts at ENDPOINT, or at all."""
    from autolabel_core.notifications.webhooks.endpoints import MARKS

    workspace = Workspace.from_environment()
    ledger = workspace.ledger
    rows = []
    for one in _endpoints(workspace, endpoint):
        own = ledger.undelivered(one.name) if failed else ledger.deliveries(one.name, limit=limit)
        rows += [_row(d) for d in own if d.event_id not in MARKS]
    rows = sorted(rows, key=lambda row: str(row["at"]))[-limit:]
    emit_json(rows) if as_json else emit_table(rows, empty="No deliveries.")


@webhooks.command()
@click.argument("endpoint", required=False)
@click.argument("event_id", required=False)
@click.option("--failed", is_flag=True, help="Everything that did not arrive, given up or not.")
@json_option
def redeliver(endpoint: str | None, event_id: str | None, failed: bool, as_json: bool) -> None:
    """Send EVENT_ID to ENDPOINT again, under the same id; or what --failed, to one or all."""
    from autolabel_core.notifications.webhooks.send_one import redeliver as send_again

    if failed == (event_id is not None):
        raise click.UsageError("Give ENDPOINT and EVENT_ID, or --failed.")
    workspace = Workspace.from_environment()
    rows, well = [], True
    for one in _endpoints(workspace, endpoint):
        missed = [d.event_id for d in workspace.ledger.undelivered(one.name)] if failed else []
        for id_ in [event_id] if event_id else missed:
            row = send_again(workspace.ledger, one, id_)
            rows.append(_row(row))
            well &= row.outcome == "delivered"
            if failed and not well:
                break
    emit_json(rows) if as_json else emit_table(rows, empty="Nothing to send again.")
    _exit_unless(well)


@webhooks.command()
@click.option(
    "--seconds", type=click.FloatRange(min=0.0), default=40.0, show_default=True, help="At most."
)
@json_option
def deliver(seconds: float, as_json: bool) -> None:
    """Deliver what is due now, as the sensor does."""
    from autolabel_core.notifications.webhooks.deliver_all import deliver_all

    done = deliver_all(Workspace.from_environment(), seconds)
    if as_json:
        emit_json({"busy": done.busy, "endpoints": [vars(one_pass) for one_pass in done.passes]})
    else:
        click.echo(str(done))
    if done.problems:
        raise AutolabelError("; ".join(done.problems))


@webhooks.command()
@click.argument("endpoint")
def enable(endpoint: str) -> None:
    """Switch ENDPOINT on again after it answered 410 Gone; what waits is delivered."""
    from autolabel_core.notifications.webhooks.endpoints import ENABLED, mark

    workspace = Workspace.from_environment()
    found = _endpoints(workspace, endpoint)
    workspace.ledger.append_deliveries([mark(one, ENABLED) for one in found])
    click.echo(f"Switched on: {', '.join(one.name for one in found)}")


@webhooks.command()
def secret() -> None:
    """Print a new signing secret; nothing is stored."""
    from autolabel_core.notifications.webhooks.messages import new_secret

    click.echo(new_secret(secrets.token_bytes(32)))


def _endpoints(workspace: Workspace, name: str | None) -> list[Endpoint]:
    from autolabel_core.notifications.webhooks.endpoints import endpoints_of

    every = endpoints_of(workspace.collections.values())
    if name is None:
        return every
    exact = [e for e in every if e.name == name]
    found = exact or [e for e in every if e.name.startswith(f"{name.rstrip('/')}/")]
    if not found:
        names = ", ".join(e.name for e in every) or "none"
        raise NotFoundError(f"No endpoint `{name}`. Declared: {names}.")
    return found


def _row(delivery: Delivery) -> dict[str, Cell]:
    return {
        "at": delivery.recorded_at,
        "endpoint": delivery.endpoint,
        "event": delivery.event_id,
        "attempt": delivery.attempt,
        "outcome": delivery.outcome,
        "status": delivery.status_code,
        "next": delivery.next_attempt_at,
        "detail": delivery.detail,
    }


def _exit_unless(well: bool) -> None:
    if not well:
        raise AutolabelError("Not everything arrived; the table says why.")
