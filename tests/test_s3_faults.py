"""An S3 server that fails for a while: tried again, then a clear error; the next pass completes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.faulty_proxy import FaultyProxy
from test_s3_bucket import NAME, declared, labels

from autolabel_core.foundation.errors import AutolabelError, StoreUnavailableError
from autolabel_core.labelling.give_labels import GivenLabel, give_labels
from autolabel_core.operations.registration import register
from autolabel_core.storage.s3 import S3Settings
from autolabel_core.tables.workspace import Workspace

pytestmark = pytest.mark.slow
RIGHT = {"a": ("low", "human"), "b": ("low", "auto"), "c": (None, None)}
FAULTS = [500, 503, "hang", "truncate"]


@pytest.fixture
def proxy(swift, s3):
    server = FaultyProxy(swift.endpoint)
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def opened(proxy, s3, home):
    """Open the workspace through the proxy, with little patience."""
    s3.put({"p/a": 10, "p/b": 15, "p/c": 100})
    home.declare(NAME, declared(f"{s3.uri}/p"))
    settings = replace(
        S3Settings.from_environment(),
        endpoint_url=proxy.endpoint,
        request_seconds=1.0,
        retry_seconds=10.0,
        max_retries=2,
    )
    return lambda: Workspace(home.paths, settings)


def label_one(workspace):
    collection = workspace.open(NAME)
    give_labels(collection, [GivenLabel("a", "low", {}, "")], "t", "cli")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("only", ["list-type", "/p/b"])
def test_a_few_failures_are_not_noticed(opened, proxy, bring_up_to_date, fault, only):
    proxy.fail(fault, 2, only)
    bring_up_to_date(opened(), NAME)
    label_one(opened())
    bring_up_to_date(opened(), NAME)
    assert labels(opened()) == RIGHT
    assert proxy.met == 2


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bucket_that_cannot_be_listed_is_not_empty(opened, proxy, bring_up_to_date, fault):
    bring_up_to_date(opened(), NAME)
    label_one(opened())
    bring_up_to_date(opened(), NAME)
    proxy.fail(fault, 1000, "list-type")
    workspace = opened()
    with pytest.raises(AutolabelError, match="Nothing is registered"):
        register(workspace.open(NAME))
    proxy.fail(fault, 0)
    workspace = opened()
    found = register(workspace.open(NAME))
    assert (found.created, found.updated, found.deleted) == (0, 0, 0)
    assert labels(workspace) == RIGHT


@pytest.mark.parametrize("fault", FAULTS)
def test_an_object_that_cannot_be_read_for_now_is_read_next_time(
    opened, proxy, bring_up_to_date, fault
):
    proxy.fail(fault, 1000, "/p/b")
    with pytest.raises(StoreUnavailableError, match=r"1 of 3 objects .* could not be read for now"):
        bring_up_to_date(opened(), NAME)
    proxy.fail(fault, 0)
    bring_up_to_date(opened(), NAME)
    label_one(opened())
    bring_up_to_date(opened(), NAME)
    assert labels(opened()) == RIGHT
