"""From fact to receiver: events of batches, commands, sensors, status; nothing told twice."""

from __future__ import annotations

import json
import sys

import dagster as dg
import pytest
from support.angle_samples import NAME, declaration, label
from support.receivers import receiver

from autolabel_app import cli
from autolabel_assets.resources.workspace import WorkspaceResource
from autolabel_assets.sensors.notices import build_notices
from autolabel_core.ledger import Delivery
from autolabel_core.notifications.batch_events import record_batch_events
from autolabel_core.notifications.webhooks.deliver_all import deliver_all
from autolabel_core.operations.advice import findings
from autolabel_core.operations.status import collection_status
from autolabel_core.tables.workspace import OpenCollection

UNLABELLED = {
    "retriever_name": "unlabelled",
    "stages": [
        {
            "stage_id": "attribute_filter",
            "parameters": {"field": "label", "operator": "exists", "value": False},
        }
    ],
}
ENDPOINT = f"{NAME}/w/webhook"


@pytest.fixture
def server():
    with receiver() as running:
        yield running


@pytest.fixture
def told(home, workspace, server):
    """A collection whose every event is told to the receiver, and one alert."""
    hook = {"name": "w", "url": server.url, "allow_private": True}
    alert = {"name": "unknown", "retriever": "unlabelled"}
    declared = {
        **declaration(),
        "webhooks": [hook],
        "retrievers": [UNLABELLED],
        "alerts": [alert],
    }
    return workspace({NAME: declared}, {NAME: {"a": 0, "b": 5, "far": 90}})


@pytest.fixture
def run(home, monkeypatch, capsys):
    """Run the command line in this process; gives exit status and output."""
    for name, value in home.paths.environment.items():
        monkeypatch.setenv(name, value)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["autolabel", *arguments])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        out, err = capsys.readouterr()
        return int(caught.value.code or 0), out + err

    return call


def kinds(server):
    return [request.body["type"] for request in server.requests]


def test_a_collection_declared_with_its_webhook_misses_nothing(
    told, home, server, bring_up_to_date
):
    bring_up_to_date(told, NAME)
    assert deliver_all(home.workspace, 20.0).passes[0].delivered == 6
    assert sorted(kinds(server)) == sorted(
        ["collection.created", "batch.completed", "taxonomy.materialized"] + ["object.created"] * 3
    )


def test_a_relabelling_is_materialized_again_and_the_batch_is_not_completed_again(
    told, home, server, bring_up_to_date
):
    bring_up_to_date(told, NAME)
    deliver_all(home.workspace, 20.0)
    server.requests.clear()
    label(home.workspace, {"a": "left"})
    bring_up_to_date(home.workspace, NAME)
    deliver_all(home.workspace, 20.0)
    deliver_all(home.workspace, 20.0)
    assert sorted(kinds(server)) == ["annotation.created", "taxonomy.materialized"]
    data = next(r.body["data"] for r in server.requests if "taxonomy" in r.body["type"])
    assert (data["batch"], data["human"], data["auto"]) == ("batch_000001", 1, 1)


def test_a_batch_is_told_of_once_and_only_when_it_is_current(told, home, bring_up_to_date):
    assert record_batch_events(told.open(NAME)) == 0
    bring_up_to_date(told, NAME)
    assert record_batch_events(told.open(NAME)) == 2
    assert record_batch_events(told.open(NAME)) == 0
    label(home.workspace, {"a": "left"})
    assert record_batch_events(OpenCollection(home.workspace, told.collection(NAME))) == 0


def test_the_sensors_alert_and_deliver(told, home, server, bring_up_to_date):
    bring_up_to_date(told, NAME)
    sensors = {s.name: s for s in build_notices(told.collections)}
    paths = home.paths
    resource = WorkspaceResource(home=str(paths.home), collections=str(paths.collections))
    with dg.DagsterInstance.ephemeral() as instance:

        def tick(name):
            resources = {"workspace": resource}
            with dg.build_sensor_context(instance, resources=resources) as context:
                return sensors[name](context).skip_message

        assert tick("alerts") == "1 alerts; fired: unknown"
        assert tick("alerts") == "1 alerts; fired: none"
        assert "7 delivered" in tick("deliver_webhooks")
        assert "0 delivered" in tick("deliver_webhooks")
    assert kinds(server).count("alert.triggered") == 1


def test_a_tick_fails_loudly_and_delivers_the_rest(told, home, server, bring_up_to_date):
    declared = {
        **declaration(),
        "webhooks": [
            {"name": "w", "url": server.url, "allow_private": True},
            {"name": "bad", "url_env": "NOT_SET_ANYWHERE"},
        ],
    }
    home.declare(NAME, declared)
    bring_up_to_date(home.workspace, NAME)
    [sensor] = build_notices(home.workspace.collections)
    paths = home.paths
    resource = WorkspaceResource(home=str(paths.home), collections=str(paths.collections))
    with (
        dg.build_sensor_context(resources={"workspace": resource}) as context,
        pytest.raises(ValueError, match="NOT_SET_ANYWHERE"),
    ):
        sensor(context)
    assert len(server.requests) == 6


def test_without_a_declaration_there_is_no_sensor(workspace):
    assert build_notices(workspace({NAME: declaration()}).collections) == []


def test_the_commands_test_deliver_show_and_send_again(
    told, home, server, run, bring_up_to_date, monkeypatch
):
    bring_up_to_date(told, NAME)
    code, out = run("webhooks", "test")
    assert code == 0 and kinds(server) == ["webhook.test"] and ENDPOINT in out
    server.answer = lambda _r: (500, {}, b"out of order")
    code, out = run("webhooks", "deliver", "--json")
    assert code == 0 and json.loads(out)["endpoints"][0]["failed"] > 0
    code, out = run("webhooks", "deliveries", "--failed", "--json")
    missed = json.loads(out)
    assert {row["detail"] for row in missed} == {"out of order"}
    code, out = run("webhooks", "redeliver", NAME, missed[0]["event"])
    assert code == 1
    server.answer = lambda _r: (200, {}, b"")
    code, out = run("webhooks", "redeliver", "--failed")
    assert code == 0
    assert json.loads(run("webhooks", "deliveries", "--failed", "--json")[1]) == []
    assert server.ids.count(missed[0]["event"]) == 3
    assert run("webhooks", "redeliver", NAME, "evt_none")[0] == 1
    assert "No endpoint `x`" in run("webhooks", "test", "x")[1]
    assert run("webhooks", "secret")[1].startswith("whsec_")


def test_the_commands_of_alerts_list_and_check(told, run, bring_up_to_date):
    bring_up_to_date(told, NAME)
    assert json.loads(run("alerts", "check", "--json")[1])[0]["fires"] is True
    [row] = json.loads(run("alerts", "list", "--json")[1])
    assert (row["alert"], row["firings"]) == ("unknown", 1)


def test_status_and_a_check_show_what_did_not_arrive(told, home, run, bring_up_to_date):
    bring_up_to_date(told, NAME)

    def shown():
        status = collection_status(home.workspace.open(NAME))
        return next(f for f in findings(status) if f.name == "webhooks_delivered")

    assert shown().passed
    told.ledger.append_deliveries([Delivery(ENDPOINT, "evt_x", 10, "abandoned", 500, "no")])
    assert not shown().passed and "1 given up" in shown().text
    assert "1 given up" in run("status", NAME)[1]


def test_an_endpoint_that_was_gone_is_switched_on_by_a_person(
    told, home, server, run, bring_up_to_date
):
    bring_up_to_date(told, NAME)
    server.answer = lambda _r: (410, {}, b"")
    assert "switched off by 410" in run("webhooks", "deliver")[1]
    assert "switched off" in run("status", NAME)[1]
    server.answer = lambda _r: (200, {}, b"")
    assert "0 delivered" in run("webhooks", "deliver")[1]
    assert run("webhooks", "enable", NAME)[0] == 0
    assert "6 delivered" in run("webhooks", "deliver")[1]


def test_a_second_process_does_not_deliver_beside_the_first(told, home, server):
    from filelock import FileLock

    home.paths.locks.mkdir(parents=True, exist_ok=True)
    with FileLock(home.paths.locks / "webhooks.lock"):
        assert deliver_all(home.workspace, 1.0).busy
