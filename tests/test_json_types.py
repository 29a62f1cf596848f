"""A value becomes JSON: arrays lists, numbers that are none null."""

import json
from datetime import date

import numpy as np
import pytest

from autolabel_core.foundation.json_types import plain_json

VALUES = [
    (None, None),
    (True, True),
    (3, 3),
    (0.5, 0.5),
    (float("nan"), None),
    (np.float32(0.25), 0.25),
    (np.float64("inf"), None),
    (np.int64(7), 7),
    (np.bool_(True), True),
    (np.array([[1.0, np.nan]]), [[1.0, None]]),
    (("a", ["b"]), ["a", ["b"]]),
    ({1: {"n": np.nan}}, {"1": {"n": None}}),
    (date(2026, 1, 2), "2026-01-02"),
]


@pytest.mark.parametrize(("value", "plain"), VALUES)
def test_a_value_becomes_json(value, plain):
    assert plain_json(value) == plain
    assert json.loads(json.dumps(plain_json(value), allow_nan=False)) == plain
