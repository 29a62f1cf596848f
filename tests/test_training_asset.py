"""`fine_tuned_weights` through Dagster, with real training at its smallest."""

from __future__ import annotations

import dagster as dg
import pytest
from support.scene_samples import DECLARED, NAME, annotate, bring_in, png, scenes
from test_assets import definitions, metadata_of, pictures_in

from autolabel_assets.resources.progress import ProgressResource
from autolabel_assets.resources.workspace import WorkspaceResource
from autolabel_core.models.registry import AGPL, DETECTOR
from autolabel_core.operations.automation import ask_for_training

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::dagster.PreviewWarning")]


@pytest.fixture
def train(home):
    """Ask for training, and materialize the asset."""

    def make():
        opened = home.workspace
        ask_for_training(opened.open(NAME), "ann")
        built = definitions(opened.collections)
        resource = WorkspaceResource(
            home=str(home.paths.home),
            collections=str(home.paths.collections),
            ledger_url=home.paths.ledger_url,
        )
        return dg.materialize(
            [*built.assets, *built.asset_checks],
            selection=dg.AssetSelection.assets([NAME, "fine_tuned_weights"]),
            resources={"workspace": resource, "progress": ProgressResource()},
            raise_on_error=False,
        )

    return make


def test_two_versions_are_trained_and_judged(workspace, train, home):
    truth = scenes(gold=4, others=8)
    opened = workspace({NAME: DECLARED}, {NAME: {key: png(s) for key, s in truth.items()}})
    bring_in(opened)
    annotate(opened, truth)
    for version, parent in (("1.0.0", "yolo11n.yaml"), ("2.0.0", "1.0.0")):
        result = train()
        assert result.success
        found = metadata_of(result, "fine_tuned_weights", NAME)[None]
        assert found["version"].value == version
        assert found["gold_images"].value == 4
        assert "precision and recall" in pictures_in(found)
        model = opened.registry.find(NAME, DETECTOR, version)
        card = opened.registry.card(model)
        assert (card.parent, card.licence) == (parent, AGPL)
        assert card.metrics["train_images"] + card.metrics["val_images"] == 8
        assert opened.registry.weights(model).stat().st_size > 1_000_000
    assert opened.registry.active(NAME, DETECTOR).version in ("1.0.0", "2.0.0")
    assert not home.paths.training.joinpath(NAME).exists()


def test_what_cannot_be_trained_fails_with_the_cure(workspace, train):
    bring_in(
        workspace({NAME: DECLARED}, {NAME: {"one.png": png(next(iter(scenes(0, 1).values())))}})
    )
    result = train()
    (failure,) = [e for e in result.all_events if e.is_step_failure]
    description = failure.step_failure_data.user_failure_data.description
    assert "Training needs at least 2 reviewed images, found 0" in description
