from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.media.boxes import (
    TO_XYXY,
    areas,
    clip,
    cxcywh_to_xyxy,
    iou,
    match_by_iou,
    read_box,
    xywh_to_xyxy,
    xyxy_to_cxcywh,
    xyxy_to_xywh,
)

corner, side = st.integers(0, 12), st.integers(1, 8)
boxes = st.lists(
    st.tuples(corner, corner, side, side).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])),
    max_size=6,
)


def naive_iou(a, b):
    """Count the unit squares that both, or either, cover."""
    covered = [set(product(range(x1, x2), range(y1, y2))) for x1, y1, x2, y2 in (a, b)]
    return len(covered[0] & covered[1]) / len(covered[0] | covered[1])


@given(boxes, boxes)
def test_overlap_equals_counted_squares(a, b):
    found = iou(a, b)
    assert found.shape == (len(a), len(b))
    for (i, left), (j, right) in product(enumerate(a), enumerate(b)):
        assert found[i, j] == pytest.approx(naive_iou(left, right))


@given(boxes)
def test_formats_lead_back_to_the_same_corners(xyxy):
    np.testing.assert_allclose(xywh_to_xyxy(xyxy_to_xywh(xyxy)), np.reshape(xyxy, (-1, 4)))
    np.testing.assert_allclose(cxcywh_to_xyxy(xyxy_to_cxcywh(xyxy)), np.reshape(xyxy, (-1, 4)))


def naive_pairs(a, b, threshold):
    """Take the greatest overlap that is left, over and over."""
    left = [(-naive_iou(p, q), i, j) for (i, p), (j, q) in product(enumerate(a), enumerate(b))]
    left, found = [c for c in left if c[0] < 0 and -c[0] >= threshold], []
    while left:
        _, i, j = min(left)
        found.append((i, j))
        left = [c for c in left if c[1] != i and c[2] != j]
    return sorted(found)


@given(boxes, boxes, st.sampled_from([0.0, 0.25, 0.5, 1.0]))
def test_pairs_are_the_greatest_overlaps_one_to_one(a, b, threshold):
    assert match_by_iou(a, b, threshold) == naive_pairs(a, b, threshold)


def test_boxes_without_area_overlap_nothing():
    assert iou([[1, 1, 1, 5]], [[1, 1, 1, 5]]) == 0
    assert match_by_iou([[0, 0, 2, 2]], [[2, 0, 4, 2]], 0.0) == []


@given(boxes)
def test_what_is_clipped_lies_on_the_image(xyxy):
    found = clip(xyxy, 10, 6)
    assert (areas(found) <= areas(xyxy)).all()
    assert ((found >= 0) & (found <= [10, 6, 10, 6])).all()


@pytest.mark.parametrize(
    ("numbers", "fmt", "normalized"),
    [
        ((10, 20, 30, 60), "xyxy", False),
        ((10, 20, 20, 40), "xywh", False),
        ((20, 40, 20, 40), "cxcywh", False),
        ((0.1, 0.1, 0.3, 0.3), "xyxy", True),
        ((0.2, 0.2, 0.2, 0.2), "cxcywh", True),
    ],
)
def test_every_format_reads_as_the_same_box(numbers, fmt, normalized):
    assert read_box(numbers, fmt, 100, 200, normalized) == pytest.approx((10, 20, 30, 60))


def test_a_box_that_hangs_over_is_clipped():
    assert read_box((-2, 90, 50, 104), "xyxy", 100, 100) == (0, 90, 50, 100)


@pytest.mark.parametrize(
    ("numbers", "fmt", "says"),
    [
        ((30, 20, 10, 60), "xyxy", r"swapped corners; give left, top, right, bottom"),
        ((10, 20, 10, 60), "xyxy", "has no area"),
        ((10, 20, -5, 60), "xywh", "a negative size; give a positive size"),
        ((10, 20, 0, 0), "cxcywh", "has no area; give a positive size"),
        ((200, 20, 220, 60), "xyxy", r"100% outside the image of 100 × 100 px"),
        ((50, 50, 120, 140), "xywh", r"85% outside .* is the format right"),
        ((0.2, 0.2, 0.4, 0.4), "xyxy", r"0\.2 × 0\.2 px .*normalized"),
        ((1, 2, 3), "xyxy", "expected four finite numbers"),
        ((1, 2, 3, float("nan")), "xyxy", "expected four finite numbers"),
        (("a", 2, 3, 4), "xyxy", "expected four finite numbers"),
        ((1, 2, 30, 40), "xyhw", 'Did you mean "xywh"'),
    ],
)
def test_what_is_no_box_says_why(numbers, fmt, says):
    with pytest.raises(AutolabelError, match=says):
        read_box(numbers, fmt, 100, 100)


@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=4, max_size=4),
    st.sampled_from(sorted(TO_XYXY)),
    st.booleans(),
)
def test_whatever_is_read_is_a_box_on_the_image(numbers, fmt, normalized):
    try:
        x1, y1, x2, y2 = read_box(numbers, fmt, 640, 480, normalized)
    except AutolabelError:
        return
    assert 0 <= x1 < x2 <= 640 and 0 <= y1 < y2 <= 480
