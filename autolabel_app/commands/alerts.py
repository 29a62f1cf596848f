"""`autolabel alerts`: list the alerts of a collection, and evaluate them now."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from autolabel_app.options import json_option
from autolabel_app.output import emit_json, emit_table
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.tables.workspace import Workspace


@click.group()
def alerts() -> None:
    """Watch retrievers and numbers: list, check."""


@alerts.command("list")
@click.argument("collections", nargs=-1, metavar="[COLLECTION]…")
@json_option
def list_(collections: tuple[str, ...], as_json: bool) -> None:
    """Show the declared alerts, and when each fired last."""
    from autolabel_core.ledger.alert_firings import QUIET

    workspace = Workspace.from_environment()
    rows = []
    for name in collections or sorted(workspace.collections):
        for alert in workspace.collection(name).alerts:
            past = workspace.ledger.alert_firings(name, alert.name)
            fired = [row for row in past if row.fingerprint != QUIET]
            rows.append(
                {
                    "collection": name,
                    "alert": alert.name,
                    "watches": alert.metric or alert.retriever,
                    "trigger_on": alert.trigger_on,
                    "group_by": alert.group_by,
                    "enabled": alert.enabled,
                    "firings": len(fired),
                    "last_fired": fired[-1].recorded_at if fired else None,
                }
            )
    emit_json(rows) if as_json else emit_table(rows, empty="No alerts are declared.")
    if not collections:
        workspace.declared.raise_problems()


@alerts.command()
@click.argument("collections", nargs=-1, metavar="[COLLECTION]…")
@json_option
def check(collections: tuple[str, ...], as_json: bool) -> None:
    """Evaluate the alerts now; firings are recorded, and the next delivery sends them.

    Failed runs are counted by the sensor alone.
    """
    from autolabel_core.notifications.alerts.check import check_alerts

    workspace = Workspace.from_environment()
    rows: list[dict[str, object]] = []
    problems = [] if collections else [str(one) for one in workspace.declared.problems]
    for name in collections or sorted(workspace.collections):
        declared = workspace.open(name)
        for checked in check_alerts(declared, datetime.now(UTC), on_demand=True):
            problems += [checked.problem] if checked.problem else []
            rows += [
                {
                    "collection": name,
                    "alert": checked.alert.name,
                    "group": verdict.reading.group,
                    "value": verdict.reading.value,
                    "trigger_on": checked.alert.trigger_on,
                    "fires": verdict.firing,
                    "because": verdict.because,
                }
                for verdict in checked.verdicts
            ]
    emit_json(rows) if as_json else emit_table(rows, empty="Nothing to look at.")
    if problems:
        raise AutolabelError("; ".join(problems))
