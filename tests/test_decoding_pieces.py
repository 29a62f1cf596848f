"""What is decoded at once is bounded, in its order, and read ahead of its use."""

from __future__ import annotations

import threading

import pytest
from conftest import sweep_quietly
from hypothesis import given
from hypothesis import strategies as st

from autolabel_core.foundation.parallel import read_ahead
from autolabel_core.tables.decoding_pieces import MOST_ITEMS, MOST_PIXELS, pieces
from autolabel_core.tables.raw_objects import RawObjects

SIDES = st.one_of(st.none(), st.integers(1, 12_000))


@given(st.lists(st.tuples(SIDES, SIDES), max_size=200))
def test_pieces_keep_the_order_and_both_limits(sizes):
    chunk = [(str(i), {"width_px": w, "height_px": h}) for i, (w, h) in enumerate(sizes)]
    cut = list(pieces(chunk))
    assert [one for piece in cut for one in piece] == chunk
    for piece in cut:
        pixels = sum((row["width_px"] or 0) * (row["height_px"] or 0) for _, row in piece)
        assert 1 <= len(piece) <= MOST_ITEMS
        assert pixels <= MOST_PIXELS or len(piece) == 1


def test_what_has_no_size_is_limited_by_its_number_alone():
    assert [len(piece) for piece in pieces([("a", {})] * 150)] == [64, 64, 22]


def test_the_next_result_is_made_while_this_one_is_used():
    started = [threading.Event() for _ in range(3)]

    def make():
        for number in range(3):
            started[number].set()
            yield number

    for number in read_ahead(make()):
        if number < 2:
            assert started[number + 1].wait(5)


def test_results_come_in_order_and_an_exception_reaches_the_caller():
    def make():
        yield from range(5)
        raise ValueError("torn")

    seen = []
    with pytest.raises(ValueError, match="torn"):
        for number in read_ahead(make()):
            seen.append(number)
    assert seen == list(range(5))
    assert list(read_ahead(iter([]))) == []


def test_at_most_two_results_are_in_memory():
    alive = []

    class Result:
        def __init__(self):
            alive.append(1)

        def __del__(self):
            alive.pop()

    most = 0
    results = read_ahead(Result() for _ in range(20))
    for _ in results:
        most = max(most, len(alive))
    assert most <= 3, "the one used, the one waiting, the one that is made"


def test_boxes_of_one_image_stay_together():
    boxes = [(str(i), {"image_id": "a", "width_px": 9_000, "height_px": 9_000}) for i in range(50)]
    assert len(list(pieces(boxes))) == 1


def test_whole_images_bring_their_size(home):
    home.declare("things", "feature_extractor: {model: descriptor}\ntaxonomy: {field_to_enrich: x}")
    home.put("things", {"a.png": (1, 2, 3), "b.png": "no image"})
    sweep_quietly(home.workspace, "things")
    table = RawObjects(home.workspace.open("things"))
    (batch,) = table.batches
    rows = {row["key"]: row for row in table.rows_to_decode(batch)}
    assert (rows["a.png"]["width_px"], rows["a.png"]["height_px"]) == (8, 8)
    assert rows["b.png"]["reason"] and rows["b.png"]["width_px"] is None
    plain = {row["key"]: row for row in table.rows(batch)}
    assert all(rows[key].items() >= row.items() for key, row in plain.items())
