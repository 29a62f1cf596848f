"""The encoder of a folder is chosen by views of its pictures: photographs and marks differ."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from test_verification import draw

from autolabel_app.demos.photographs.shipped import shipped_photographs
from autolabel_core.identify import encoder_choice as module
from autolabel_core.identify.encoder_choice import EncoderFigures, choose_encoder, model_of
from autolabel_core.identify.index_encoder import load_encoder
from autolabel_core.identify.reference_folder import read_folder
from autolabel_core.matching.reference_index import ReferenceIndex
from autolabel_core.models.extractors.image import DEFAULT_MODEL, DESCRIPTOR
from autolabel_core.models.projection_head import Head


@pytest.fixture
def marks(tmp_path):
    folder = tmp_path / "marks"
    folder.mkdir()
    for number in range(8):
        draw(number).save(folder / f"thing_{number}.png")
    return folder


@pytest.fixture
def photographs(tmp_path):
    folder = tmp_path / "photographs"
    folder.mkdir()
    for name, file in shipped_photographs().items():
        with Image.open(file) as opened:
            opened.convert("RGB").save(folder / f"{name}.jpg")
    return folder


@pytest.mark.slow
def test_photographs_take_the_network_and_both_are_named(photographs, tmp_path):
    choice = choose_encoder(read_folder(photographs).references, tmp_path / "views")
    assert choice.model == DEFAULT_MODEL
    assert [figures.model for figures in choice.compared] == [DEFAULT_MODEL, DESCRIPTOR]
    assert choice.compared[0].top1 > 0.97
    assert str(choice).startswith(f"Encoder {DEFAULT_MODEL}, by views of these pictures: ")


RULES = [
    pytest.param((90, 0.1), (70, 0.1), DEFAULT_MODEL, id="surely more often right"),
    pytest.param((70, 0.9), (90, 0.1), DESCRIPTOR, id="surely less often right"),
    pytest.param((90, 0.11), (89, 0.1), DESCRIPTOR, id="as good: the faster one"),
    pytest.param((90, 0.2), (91, 0.1), DEFAULT_MODEL, id="as often right, by twice the margin"),
]


@pytest.mark.parametrize(("network", "plain", "expected"), RULES)
def test_the_rule_between_two_encoders(network, plain, expected):
    one = EncoderFigures(DEFAULT_MODEL, network[0], 100, network[1])
    other = EncoderFigures(DESCRIPTOR, plain[0], 100, plain[1])
    assert module._better(one, other).model == expected


def test_the_choice_is_named_kept_and_can_be_overruled(run, marks, tmp_path):
    out = tmp_path / "index.npz"
    command = ("identify", "index", "--refs", str(marks), "--out", str(out))
    status, printed, _ = run(*command)
    assert status == 0 and "by views of these pictures" in printed
    chosen = ReferenceIndex.load(out).origin.model
    status, printed, _ = run(*command, "--json")
    again = json.loads(printed)
    assert (again["model"], again["compared_encoders"]) == (chosen, [])
    other = DESCRIPTOR if chosen == DEFAULT_MODEL else DEFAULT_MODEL
    status, printed, _ = run(*command, "--model", other)
    assert status == 0 and ReferenceIndex.load(out).origin.model == other


def test_a_head_is_read_by_the_encoder_that_it_was_trained_on(marks, tmp_path):
    for model in (DEFAULT_MODEL, DESCRIPTOR):
        manifest = load_encoder(model).manifest
        head = tmp_path / "head.safetensors"
        shapes = {
            "hidden.weight": (4, manifest.embedding_dim),
            "hidden.bias": (4,),
            "out.weight": (2, 4),
            "out.bias": (2,),
        }
        arrays = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
        Head(arrays, {"feature_uri": manifest.feature_uri}).save(head)
        assert model_of(read_folder(marks), tmp_path / "views", head).model == model


def test_damaged_pictures_and_a_single_label_choose_the_default(tmp_path):
    folder = tmp_path / "few"
    folder.mkdir()
    draw(1).save(folder / "one.png")
    whole = (folder / "one.png").read_bytes()
    (folder / "two.png").write_bytes(whole[: len(whole) // 2])
    choice = choose_encoder(read_folder(folder).references, tmp_path / "views")
    assert (choice.model, choice.compared) == (DEFAULT_MODEL, ())
