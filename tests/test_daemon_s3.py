"""The real daemon over a bucket on a real S3 server: labels, events, alerts by themselves."""

from __future__ import annotations

import base64

import pytest
from standardwebhooks import Webhook
from support.angle_samples import NAME, declaration, label
from support.daemon import Daemon, labels
from support.receivers import receiver
from test_notices import UNLABELLED

from autolabel_core.operations.automation import waiting
from autolabel_core.operations.staleness_plan import plan

pytestmark = pytest.mark.slow
SOON = 180
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
TOLD = {
    *("collection.created", "object.created", "object.updated", "object.deleted"),
    *("annotation.created", "batch.completed", "taxonomy.materialized", "alert.triggered"),
}


def declared(bucket, hook):
    to = {"url": hook, "allow_private": True, "secret_env": "HOOK_SECRET"}
    return {
        **declaration(),
        "source": {"uri": f"{bucket}/up"},
        "automation": {"check_every_seconds": 1, "relabel": {"after_labels": 1}},
        "retrievers": [UNLABELLED],
        "webhooks": [{"webhook_name": "hook", **to}],
        "alerts": [
            {"name": "far", "retriever": "unlabelled", "channels": [{"channel": "webhook", **to}]}
        ],
    }


def verified(request):
    """Return the event of a request whose signature is right."""
    return Webhook(SECRET).verify(request.content, request.headers)


def test_a_bucket_on_s3_labels_itself_and_tells_of_it(workspace, s3, monkeypatch):
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    with receiver() as told:
        s3.put({"up/a": 0, "up/b": 5, "up/far": 200})
        ws = workspace({NAME: declared(s3.uri, told.url)})
        with Daemon(ws.paths) as daemon:
            daemon.until(lambda: len(labels(ws, NAME)) == 3, SOON, "three objects in the table")
            label(ws, {"a": "left"})
            wanted = {"a": ("left", "human"), "b": ("left", "auto"), "far": (None, None)}
            daemon.until(lambda: labels(ws, NAME) == wanted, SOON, "labels flow back")
            s3.put({"up/b": 90, "up/late": 3})
            s3.delete("up/far")
            wanted = {"a": ("left", "human"), "b": (None, None), "late": ("left", "auto")}
            daemon.until(lambda: labels(ws, NAME) == wanted, SOON, "overwritten, deleted, added")
            collection = ws.open(NAME)
            daemon.until(lambda: not plan(collection) and not waiting(collection), SOON, "current")
            daemon.until(
                lambda: set(told.ids) >= {e.event_id for e in ws.ledger.events_after(0)},
                SOON,
                "all is told",
            )
            daemon.until(
                lambda: {r.body["type"] for r in told.requests} == TOLD, SOON, "the alert too"
            )
        for request in told.requests:
            assert verified(request)["type"] == request.body["type"]
        alerted = [r.body["data"] for r in told.requests if r.body["type"] == "alert.triggered"]
        assert alerted[0]["alert"] == "far"
