"""The keys of `training:` and `gate:`: what is taken, and what is refused with its cure."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from autolabel_core.declarations.training import ACTIVE, Gate, Training


def test_the_defaults_are_those_of_the_field():
    training = Training.model_validate({})
    assert (training.epochs, training.imgsz, training.batch) == (50, 640, 16)
    assert (training.base, training.first_base) == (ACTIVE, "yolo11n.yaml")
    assert (Gate().min_images, Gate().margin) == (30, 0.02)


def test_further_arguments_are_those_of_ultralytics():
    given = {"fliplr": 0.5, "mosaic": 1, "optimizer": "SGD", "freeze": [0, 1], "cache": "ram"}
    assert Training.model_validate({"arguments": given}).arguments == given


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"arguments": {"flipr": 0.5}}, r"no argument `flipr`\. Did you mean \"fliplr\"\?"),
        ({"arguments": {"lr0": "fast"}}, r"`lr0` is 'fast', expected something like 0\.01"),
        ({"arguments": {"lr0": True}}, r"`lr0` is True"),
        ({"arguments": {"data": "x.yaml"}}, r"`data` is decided elsewhere"),
        ({"arguments": {"epochs": 3}}, r"`epochs` is decided elsewhere"),
        ({"imgsz": 100}, r"multiple of 32"),
        ({"imgsz": 0}, r"greater than or equal to 32"),
        ({"epochs": 0}, r"greater than or equal to 1"),
        ({"batch": 2.5}, r"valid integer"),
        ({"recipe": "large"}, r"'small' or 'ultralytics'"),
        ({"first_base": "active"}, r"nothing is in service before"),
        ({"model": "a.pt", "base": "b.pt"}, r"mean the same; keep one"),
    ],
)
def test_what_could_not_be_trained_with_is_refused(given, problem):
    with pytest.raises(ValidationError, match=problem):
        Training.model_validate(given)


@pytest.mark.parametrize("given", [{"margin": -0.1}, {"min_images": 0}, {"floor": 2.0}])
def test_a_gate_that_makes_no_sense_is_refused(given):
    with pytest.raises(ValidationError):
        Gate.model_validate(given)
