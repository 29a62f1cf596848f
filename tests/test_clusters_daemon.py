"""Nobody runs a command: the real daemon groups what came, and tells it."""

from __future__ import annotations

import pytest
from support.angle_samples import NAME, label
from support.daemon import Daemon
from support.grouped_angles import clusters_by_key, declared, definition, groups
from support.receivers import receiver

from autolabel_core.clusters.promotion import confirm_promotion, propose_promotion
from autolabel_core.documents.documents import Documents

pytestmark = pytest.mark.slow
SOON = 400
QUICK = {"check_every_seconds": 1, "relabel": {"after_labels": 1, "after_minutes": 60}}


def test_uploads_are_grouped_told_and_promoted(workspace, home):
    triggered = definition(triggers=[{"after_documents": 24}])
    with receiver() as told_to:
        told = {
            "webhook_name": "told",
            "url": told_to.url,
            "events": ["cluster.completed"],
            "allow_private": True,
        }
        ws = workspace({NAME: {**declared(triggered), "automation": QUICK, "webhooks": [told]}})
        home.put(NAME, groups(0, 90, size=12))
        with Daemon(ws.paths) as daemon:
            daemon.until(lambda: runs(ws) == ["succeeded"], SOON, "a full run by the trigger")
            daemon.until(lambda: told_to.requests, SOON, "cluster.completed is told")
            event = told_to.requests[0].body
            assert event["type"] == "cluster.completed"
            assert event["data"]["clusters"] == 2

            home.put(NAME, {"late": 91})
            daemon.until(lambda: "late" in clusters_by_key(ws), SOON, "a late one is labelled")
            daemon.until(
                lambda: clusters_by_key(ws)["late"] == clusters_by_key(ws)["090-5"],
                SOON,
                "a late one is assigned",
            )
            label(ws, {"000-5": "left"})
            found = propose_promotion(ws.open(NAME), clusters_by_key(ws)["090-5"], "up", core=3)
            assert confirm_promotion(ws, found, "me") == 3
            daemon.until(lambda: labelled(ws) == {"left", "up"}, SOON, "all label themselves")
        assert runs(ws) == ["succeeded"]


def test_the_clock_of_the_daemon_asks_for_a_run(workspace, home):
    by_the_minute = declared(definition(schedule="* * * * *"))
    ws = workspace({NAME: {**by_the_minute, "automation": QUICK}})
    home.put(NAME, groups(0, 90))
    with Daemon(ws.paths) as daemon:
        daemon.until(lambda: "succeeded" in runs(ws), SOON, "a full run by the clock")
        asked = ws.ledger.cluster_runs(NAME)[runs(ws).index("succeeded")].payload["asked_by"]
        assert asked == ["schedule"]
        daemon.until(
            lambda: set(clusters_by_key(ws).values()) == {"cl_0", "cl_1"}, SOON, "members are read"
        )


def runs(workspace):
    return [run.status for run in workspace.ledger.cluster_runs(NAME)]


def labelled(workspace):
    found = Documents(workspace.open(NAME)).find()
    return {row["label"] for row in found}
