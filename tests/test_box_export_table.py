import json

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from support.box_samples import picture

from autolabel_app.cli import root
from autolabel_core.declarations import load_collections
from autolabel_core.exports.box_exports_table import BoxExports
from autolabel_core.foundation.errors import DeclarationError
from autolabel_core.labelling.box_input import BoxInput, ParsedAnnotations
from autolabel_core.labelling.give_boxes import give_boxes
from autolabel_core.operations.automation import waiting
from autolabel_core.operations.registration import register
from autolabel_core.operations.staleness_plan import plan
from autolabel_core.tables.raw_objects import RawObjects

NAME = "scenes"
DECLARED = {
    "feature_extractor": {"feature_extractor_name": "colour_extractor"},
    "detection": {"detector_name": "block_detector", "parameters": {"needs_weights": True}},
    "exports": {"formats": ["yolo", "csv"]},
}
OBJECTS = {f"{n:02d}.png": picture(n) for n in range(9)}
BOX = BoxInput("missed", "00.png", (5, 5, 30, 30), "xyxy", true_class="car")


def say(ws, *boxes, whole=False):
    give_boxes(ws.open(NAME), ParsedAnnotations(boxes, whole), "ann", "coco")


def review(ws, *keys):
    say(ws, *(BoxInput("reviewed", key) for key in keys), BOX, whole=True)


def exports(ws):
    return BoxExports(ws.open(NAME))


def files(ws):
    folder = exports(ws).path().parent
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}


@pytest.fixture
def scenes(workspace, bring_up_to_date, home):
    ws = workspace({NAME: DECLARED}, {NAME: OBJECTS})
    bring_up_to_date(ws, NAME)
    review(ws, *list(OBJECTS)[:8])
    return home.workspace


def test_a_cold_start_exports_what_was_reviewed(scenes, bring_up_to_date):
    assert "annotation_exports" in plan(scenes.open(NAME)).assets
    bring_up_to_date(scenes, NAME)
    report = exports(scenes).report()
    assert [row["format"] for row in report["formats"]] == ["yolo", "csv"]
    yolo = report["formats"][0]
    assert yolo["train"] + yolo["val"] + yolo["test"] == 8
    assert (yolo["boxes"], yolo["without_boxes"]) == (1, 7)
    assert "yolo/data.yaml" in files(scenes) and "csv/boxes.csv" in files(scenes)


def test_the_same_words_give_the_same_bytes(scenes, bring_up_to_date):
    bring_up_to_date(scenes, NAME)
    before = files(scenes)
    exports(scenes).path().unlink()
    bring_up_to_date(scenes, NAME)
    assert files(scenes) == before


def test_uploads_leave_exports_alone_and_words_wait_for_their_threshold(
    scenes, home, bring_up_to_date
):
    bring_up_to_date(scenes, NAME)
    home.put(NAME, {"new.png": picture(50)})
    bring_up_to_date(home.workspace, NAME)
    say(scenes, BoxInput("reviewed", "new.png"))
    table = exports(home.workspace)
    assert (table.stale(), table.stale_by_uploads()) == (["all"], [])
    found = waiting(home.workspace.open(NAME))
    assert (found.documents, found.at_once) == (1, False)
    assert found.oldest == scenes.ledger.box_annotations(NAME)[-1].recorded_at
    bring_up_to_date(home.workspace, NAME)
    assert not waiting(home.workspace.open(NAME))
    home.put(NAME, {"00.png": picture(51)})
    ws = home.workspace
    register(ws.open(NAME))
    raw = RawObjects(ws.open(NAME))
    raw.refresh(raw.batches[0])
    assert exports(home.workspace).stale_by_uploads() == ["all"]


def test_what_is_left_out_is_reported_with_the_reason(scenes, home, bring_up_to_date):
    say(scenes, BoxInput("missed", "08.png", (5, 5, 30, 30), "xyxy", true_class="van"))
    bring_up_to_date(home.workspace, NAME)
    report = exports(home.workspace).report()
    assert report["left out because"] == [{"key": "08.png", "reason": "not reviewed as a whole"}]
    noted = pq.read_table(exports(home.workspace).path()).to_pylist()
    assert noted[0]["left_out"] == report["left out because"]


def test_a_format_that_is_declared_no_more_is_removed(scenes, home, bring_up_to_date):
    bring_up_to_date(scenes, NAME)
    home.declare(NAME, {**DECLARED, "exports": {"formats": ["coco"]}})
    bring_up_to_date(home.workspace, NAME)
    assert {name.partition("/")[0] for name in files(home.workspace)} == {
        "coco",
        "exported.parquet",
        "image_hashes.parquet",
    }


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        (
            {**DECLARED, "exports": {"formats": ["image_folder"]}},
            "`image_folder` for boxes",
        ),
        ({"exports": {"formats": ["yolo"]}}, "it has no `detection`"),
        ({**DECLARED, "exports": {"formats": ["coko"]}}, 'Did you mean "coco"'),
    ],
)
def test_a_format_that_does_not_fit_is_refused(home, declared, says):
    home.declare(NAME, declared)
    with pytest.raises(DeclarationError, match=says) as error:
        load_collections(home.paths.collections)
    assert "exports" in str(error.value)


def test_the_command_writes_boxes(scenes, home, tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOLABEL_HOME", str(home.paths.home))
    monkeypatch.setenv("AUTOLABEL_COLLECTIONS", str(home.paths.collections))
    words = ["export", NAME, "--format", "coco", "--out", str(tmp_path / "set")]
    said = CliRunner().invoke(root, words, catch_exceptions=False).output
    assert said.startswith("1 boxes of 1 classes on 8 images (train ")
    found = json.loads(CliRunner().invoke(root, [*words, "--json"], catch_exceptions=False).output)
    assert found["boxes"] == {"car": 1} and found["format"] == "coco"
    refused = CliRunner().invoke(root, [*words, "--source", "human"])
    assert "Sources are about labels" in str(refused.exception)
