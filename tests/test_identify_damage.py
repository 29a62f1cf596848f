"""A damaged index, or file of thresholds, is named with the cure; it never answers otherwise."""

from __future__ import annotations

import random

import numpy as np
import pytest
from test_identify_parts import accepting, index_of

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.identify.thresholds_file import (
    save_thresholds,
    thresholds_file,
    thresholds_of,
)
from autolabel_core.matching.reference_index import ReferenceIndex

FLIPS = 150


def flipped(data, rng):
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]


def damages(data):
    rng = random.Random(0)
    yield from (flipped(data, rng) for _ in range(FLIPS))
    yield from (data[: len(data) * n // 10] for n in range(10))


@pytest.fixture
def file(tmp_path):
    index = index_of(("a", "b", "c"), np.eye(3, dtype=np.float32).tolist())
    file = tmp_path / "cards.npz"
    index.save(file)
    save_thresholds(file, index, accepting(0.8123, 0.1, 8), accepting(0.7, 0.05, 0))
    return file


def same(a, b):
    vectors = np.array_equal(a.embeddings, b.embeddings)
    return vectors and (a.names, a.fields, a.origin) == (b.names, b.fields, b.origin)


def test_a_damaged_index_is_named_with_the_cure(file):
    whole = ReferenceIndex.load(file)
    named = 0
    for data in damages(file.read_bytes()):
        file.write_bytes(data)
        try:
            assert same(ReferenceIndex.load(file), whole)
        except AutolabelError as error:
            assert str(file) in str(error) and "autolabel identify index" in str(error)
            named += 1
    assert named > FLIPS / 3


def test_damaged_thresholds_are_named_with_the_cure(file):
    index = ReferenceIndex.load(file)
    whole, path = thresholds_of(file, index), thresholds_file(file)
    named = 0
    for data in damages(path.read_bytes()):
        path.write_bytes(data)
        try:
            assert thresholds_of(file, index) == whole
        except AutolabelError as error:
            assert str(path) in str(error) and "autolabel identify verify" in str(error)
            named += 1
    assert named > FLIPS / 2
