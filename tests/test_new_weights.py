"""The sensor of new weights as a function, and detectors compared side by side."""

from __future__ import annotations

import dagster as dg
import numpy as np
import pytest
from support.detection_samples import NAME, declaration, detected, detections_of, judge, review
from support.toy_detectors import scene
from test_registry import card
from test_sensors import launched

from autolabel_assets.resources.workspace import WorkspaceResource
from autolabel_assets.sensors.new_weights import build_new_weights
from autolabel_core.models.registry import DETECTOR
from autolabel_core.operations.automation import ask_for_training, weights_wait
from autolabel_core.operations.registration import register
from autolabel_core.operations.staleness_plan import TABLES
from autolabel_core.tables.boxes.training_set import training_set
from autolabel_core.training.detectors.side_by_side import side_by_side
from autolabel_core.training.detectors.weights_table import FineTunedWeights

DECLARED = declaration(weights="registry:active", parameters={"needs_weights": True})


@pytest.fixture(autouse=True)
def without_index(monkeypatch):
    kept = tuple(table for table in TABLES if table.name != "reindexed_vectors")
    monkeypatch.setattr("autolabel_core.operations.staleness_plan.TABLES", kept)


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def tick(home, instance):
    resource = WorkspaceResource(
        home=str(home.paths.home),
        collections=str(home.paths.collections),
        ledger_url=home.paths.ledger_url,
    )

    def ring():
        sensor = build_new_weights(home.workspace.collection(NAME))
        with dg.build_sensor_context(instance, resources={"workspace": resource}) as context:
            return sensor(context)

    return ring


@pytest.fixture
def promote(home, tmp_path):
    def make(content):
        weights = tmp_path / "weights"
        weights.write_bytes(content)
        registry = home.workspace.registry
        model = registry.add(NAME, DETECTOR, weights, card())
        registry.decide(model, "promoted", "ann", "for the test")

    return make


def assets(request):
    return [key.path[1] for key in request.asset_selection]


def test_promoted_weights_are_applied_to_all_images(blocks, tick, promote, bring_up_to_date, home):
    blocks(declared=DECLARED)
    assert "seen by the weights" in tick().skip_reason.skip_message
    promote(b"first")
    (request,) = tick().run_requests
    assert assets(request)[:2] == ["detections", "embeddings"]
    assert request.partition_key == "batch_000001"
    assert request.tags["autolabel/sensor"] == "new_weights"
    bring_up_to_date(home.workspace, NAME)
    assert "seen by the weights" in tick().skip_reason.skip_message
    promote(b"second")
    assert weights_wait(home.workspace.open(NAME)) == ["batch_000001"]


def test_a_run_in_flight_is_waited_for(blocks, tick, promote, instance):
    blocks(declared=DECLARED)
    promote(b"first")
    (request,) = tick().run_requests
    launched(instance, request, dg.DagsterRunStatus.NOT_STARTED)
    assert "waits for a run in progress" in tick().skip_reason.skip_message


def test_new_images_are_left_to_the_other_door(blocks, tick, promote, bring_up_to_date, home):
    blocks(declared={**DECLARED, "batch_size": 4})
    promote(b"first")
    bring_up_to_date(home.workspace, NAME)
    home.put(NAME, {"more.png": scene((1, 1, 9, 9, (99, 0, 0)))})
    opened = home.workspace
    register(opened.open(NAME))
    assert weights_wait(opened.open(NAME)) == []


def test_training_that_was_asked_for_has_a_door_of_its_own(blocks, tick, home):
    opened = blocks(declared=DECLARED)
    ask_for_training(opened.open(NAME), "ann")
    (request,) = tick().run_requests
    assert assets(request) == ["fine_tuned_weights"]
    assert request.tags["autolabel/sensor"] == "training"
    assert request.partition_key is None


def scattered(rng):
    """A scene of three blocks that no other scene looks like."""
    corners = [(x, y) for x in (2, 22, 42) for y in (2, 26)]
    picked = rng.permutation(len(corners))[:3]
    blocks = []
    for x, y in (corners[i] for i in picked):
        w, h = rng.integers(6, 19, 2).tolist()
        blocks.append((x, y, x + w, y + h, tuple(np.roll((250, 0, 0), rng.integers(3)).tolist())))
    return scene(*blocks)


def test_versions_that_have_looked_are_compared_on_the_gold_images(blocks, home, bring_up_to_date):
    rng = np.random.default_rng(0)
    scenes = {f"s{i:02d}.png": scattered(rng) for i in range(24)}
    blocks(scenes, declaration())
    for key in scenes:
        for number in range(len(detections_of(home.workspace, key))):
            judge(home.workspace, key, number, "confirmed")
        review(home.workspace, key)
    home.declare(NAME, declaration(version="2.0.0", parameters={"shift_px": 15.0}))
    bring_up_to_date(home.workspace, NAME)
    opened = home.workspace
    data = training_set(opened.open(NAME))
    assert len(data.images["test"]) >= 2
    old, new = side_by_side(detected(opened), data)
    assert (old["serves"], new["serves"]) == (False, True)
    assert old["mAP50 in service"] == 1.0 > new["mAP50 in service"]
    assert old["gold images"] == new["gold images"] == len(data.images["test"])
    table = FineTunedWeights(opened.open(NAME))
    assert table.refresh("all")
    assert [row["serves"] for row in table.report()["versions"]] == [False, True]
    assert not FineTunedWeights(opened.open(NAME)).stale()
