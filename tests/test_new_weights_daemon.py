"""Nobody runs a command: weights that go into service look at all images again."""

from __future__ import annotations

import dagster as dg
import pytest
from support.daemon import Daemon
from support.detection_samples import NAME, SCENES, declaration, documents
from test_registry import card

from autolabel_assets.sensors.run_requests import PLAN_TAG
from autolabel_core.models.registry import DETECTOR
from autolabel_core.operations.staleness_plan import plan

pytestmark = pytest.mark.slow
SOON = 240
BOXES = {("both.png", 2), ("both.png", 30), ("green.png", 4), ("red.png", 10)}


@pytest.fixture
def promote(home, tmp_path):
    def make(shift_px):
        weights = tmp_path / "weights"
        weights.write_text(str(shift_px))
        registry = home.workspace.registry
        model = registry.add(NAME, DETECTOR, weights, card())
        registry.decide(model, "promoted", "ann", "for the test")

    return make


def boxes(ws):
    """Where each box begins, by the image that it is on."""
    return {(row["image_key"], row["bbox"]["x"]) for row in documents(ws, "kind:eq:detection")}


def plans_of_runs(ws):
    """The plan of each run that succeeded, whichever sensor requested it."""
    with dg.DagsterInstance.from_config(str(ws.paths.dagster_home)) as instance:
        done = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS]))
    return [run.tags[PLAN_TAG] for run in done if PLAN_TAG in run.tags]


def test_weights_in_service_reach_all_old_images(workspace, home, promote):
    declared = declaration(weights="registry:active", parameters={"needs_weights": True})
    automated = {**declared, "automation": {"check_every_seconds": 1}, "batch_size": 2}
    ws = workspace({NAME: automated}, {NAME: SCENES})
    with Daemon(ws.paths) as daemon:
        promote(0)
        daemon.until(lambda: boxes(ws) == BOXES, SOON, "boxes of the first weights")
        promote(7)
        moved = {(key, x + 7) for key, x in BOXES}
        daemon.until(lambda: boxes(ws) == moved, SOON, "boxes of the second weights")
        daemon.until(lambda: not plan(ws.open(NAME)), SOON, "nothing is stale")
        plans = plans_of_runs(ws)
        assert len(plans) == len(set(plans)), "sensors that want the same plan make one run"
        home.workspace.registry.roll_back(NAME, DETECTOR, "ann", "worse in the shop")
        daemon.until(lambda: boxes(ws) == BOXES, SOON, "the first weights serve again")
