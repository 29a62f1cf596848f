import pytest
from support.box_samples import picture

from autolabel_core.foundation.ids import content_hash
from autolabel_core.labelling.box_input import BoxInput, ParsedAnnotations
from autolabel_core.labelling.give_boxes import give_boxes
from autolabel_core.tables.boxes.splits import GOLD, NOT_REVIEWED, split_by_hash
from autolabel_core.tables.boxes.training_set import training_set

NAME = "scenes"
DECLARED = {
    "feature_extractor": {"feature_extractor_name": "colour_extractor"},
    "detection": {"detector_name": "block_detector", "classes": ["van", "car"]},
}
OBJECTS = {f"{n:02d}.png": picture(n) for n in range(12)}


def review(ws, keys):
    boxes = [BoxInput("reviewed", key) for key in keys]
    boxes += [BoxInput("missed", key, (5, 5, 30, 30), "xyxy", true_class="car") for key in keys]
    give_boxes(ws.open(NAME), ParsedAnnotations(boxes, True), "ann", "coco")


@pytest.fixture
def scenes(workspace, bring_up_to_date):
    ws = workspace({NAME: DECLARED}, {NAME: OBJECTS})
    bring_up_to_date(ws, NAME)
    return ws


def keys(found):
    return {truth.key: split for split, truths in found.images.items() for truth in truths}


def test_gold_images_and_class_numbers_are_noted_once(scenes):
    review(scenes, list(OBJECTS)[:8])
    found = training_set(scenes.open(NAME))
    assert keys(found) == {k: split_by_hash(content_hash(OBJECTS[k])) for k in list(OBJECTS)[:8]}
    gold = {content_hash(OBJECTS[k]) for k, split in keys(found).items() if split == GOLD}
    assert set(scenes.ledger.gold_images(NAME)) == gold != set()
    assert found.class_ids == {"van": 0, "car": 1}
    assert found.open_image(found.images["train"][0]) in OBJECTS.values()


def test_more_reviews_move_nothing_and_compute_only_what_is_new(scenes, monkeypatch):
    review(scenes, list(OBJECTS)[:8])
    before = keys(training_set(scenes.open(NAME)))
    review(scenes, OBJECTS)
    computed = []

    def counted(image, **more):
        computed.append(1)
        return decode(image, **more)

    from autolabel_core.tables.boxes import training_set as module

    decode = module.decode_image
    monkeypatch.setattr(module, "decode_image", counted)
    after = keys(training_set(scenes.open(NAME)))
    assert {key: after[key] for key in before} == before
    assert len(after) == 12 and len(computed) == 4


def test_images_that_nobody_reviewed_are_left_out(scenes):
    box = BoxInput("missed", "00.png", (5, 5, 30, 30), "xyxy", true_class="car")
    give_boxes(scenes.open(NAME), ParsedAnnotations([box]), "ann", "cli")
    found = training_set(scenes.open(NAME))
    assert found.splits.left_out == (("00.png", NOT_REVIEWED),)


def test_a_replaced_image_leaves_the_set(scenes, home, bring_up_to_date):
    review(scenes, OBJECTS)
    home.put(NAME, {"00.png": picture(99)})
    bring_up_to_date(home.workspace, NAME)
    found = training_set(home.workspace.open(NAME))
    assert "00.png" not in keys(found) and len(keys(found)) == 11
