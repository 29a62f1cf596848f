"""Nobody runs a command: the real daemon groups what came, and tells it."""

from __future__ import annotations

import pytest
from support.angle_samples import label
from support.daemon import Daemon
from support.grouped_angles import clusters_by_key, declared, definition, groups
from support.receivers import receiver

from autolabel_core.clusters.promotion import confirm_promotion, propose_promotion
from autolabel_core.documents.documents import Documents

pytestmark = pytest.mark.slow
SOON = 400
QUICK = {"check_every_seconds": 1, "relabel": {"after_labels": 1, "after_minutes": 60}}
TRIGGERED, TIMED = "triggered", "timed"


@pytest.fixture(scope="module")
def told_to():
    with receiver() as made:
        yield made


@pytest.fixture(scope="module")
def daemon(module_home, told_to):
    """One daemon for a module: the clock comes to its moment while the other test runs."""
    told = {
        "webhook_name": "told",
        "url": told_to.url,
        "events": ["cluster.completed"],
        "allow_private": True,
    }
    by_documents = declared(definition(triggers=[{"after_documents": 24}]))
    by_the_clock = declared(definition(schedule="*/2 * * * *"))
    module_home.declare(TRIGGERED, {**by_documents, "automation": QUICK, "webhooks": [told]})
    module_home.declare(TIMED, {**by_the_clock, "automation": QUICK})
    module_home.put(TRIGGERED, groups(0, 90, size=12))
    module_home.put(TIMED, groups(0, 90))
    with Daemon(module_home.paths) as daemon:
        yield daemon


def test_uploads_are_grouped_told_and_promoted(daemon, module_home, told_to):
    ws = module_home.workspace
    daemon.until(lambda: runs(ws, TRIGGERED) == ["succeeded"], SOON, "a full run by the trigger")
    daemon.until(lambda: told_to.requests, SOON, "cluster.completed is told")
    event = told_to.requests[0].body
    assert event["type"] == "cluster.completed"
    assert event["data"]["clusters"] == 2

    module_home.put(TRIGGERED, {"late": 91})
    daemon.until(lambda: "late" in clusters_of(ws, TRIGGERED), SOON, "a late one is labelled")
    daemon.until(
        lambda: clusters_of(ws, TRIGGERED)["late"] == clusters_of(ws, TRIGGERED)["090-5"],
        SOON,
        "a late one is assigned",
    )
    label(ws, {"000-5": "left"}, TRIGGERED)
    cluster = clusters_of(ws, TRIGGERED)["090-5"]
    proposal = propose_promotion(ws.open(TRIGGERED), cluster, "up", core=3)
    assert confirm_promotion(ws, proposal, "me") == 3
    daemon.until(lambda: labelled(ws) == {"left", "up"}, SOON, "all label themselves")
    assert runs(ws, TRIGGERED) == ["succeeded"]


def test_the_clock_of_the_daemon_asks_for_a_run(daemon, module_home):
    ws = module_home.workspace
    daemon.until(lambda: "succeeded" in runs(ws, TIMED), SOON, "a full run by the clock")
    asked = ws.ledger.cluster_runs(TIMED)[runs(ws, TIMED).index("succeeded")].payload["asked_by"]
    assert asked == ["schedule"]
    daemon.until(
        lambda: set(clusters_of(ws, TIMED).values()) == {"cl_0", "cl_1"}, SOON, "members are read"
    )


def runs(workspace, collection):
    return [run.status for run in workspace.ledger.cluster_runs(collection)]


def clusters_of(workspace, collection):
    return clusters_by_key(workspace, collection=collection)


def labelled(workspace):
    return {row["label"] for row in Documents(workspace.open(TRIGGERED)).find()}
