"""The map of clusters and the cards of texts: what is drawn, where names stand, which colours."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from autolabel_core.foundation.charts import MAX_PNG_BYTES, cluster_map, contact_sheet, text_card
from autolabel_core.foundation.charts.cluster_map import dot_scales
from autolabel_core.foundation.charts.label_placement import overlap, placed_names
from autolabel_core.foundation.charts.palette import NOISE_COLOUR, PALETTE, cluster_colours

# Source: Machado, Oliveira and Fernandes, A Physiologically-based Model for Simulation of Color
# Vision Deficiency, 2009, severity 1.0; linear RGB.
EYES = {
    "all cones": np.eye(3),
    "protanope": [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.052]],
    "deuteranope": [[0.3673, 0.8606, -0.228], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]],
}
TO_XYZ = np.array([[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]])


def seen(colour, eyes):
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(np.asarray(eyes) @ linear, 0, 1) / TO_XYZ.sum(axis=1)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def opened(png):
    assert len(png) < MAX_PNG_BYTES
    return Image.open(io.BytesIO(png)).convert("RGB")


def count_of(picture, colour):
    wanted = np.array(Image.new("RGB", (1, 1), colour))[0, 0].astype(int)
    far = np.abs(np.asarray(picture).astype(int) - wanted).max(axis=2)
    return np.count_nonzero(far <= 24)


def spread(n=900, k=4, components=2, seed=0):
    rng = np.random.default_rng(seed)
    assigned = (np.arange(n) % (k + 1) - 1).astype(np.int32)
    centres = 20 * np.stack([np.cos(np.arange(k + 1) * 1.3), np.sin(np.arange(k + 1) * 1.3)], 1)
    points = centres[assigned] + rng.normal(size=(n, 2))
    points = np.c_[points, rng.normal(size=n)] if components == 3 else points
    return points.astype(np.float32), assigned, [f"name {i}" for i in range(k)]


@pytest.mark.parametrize("eyes", EYES.values(), ids=EYES)
def test_every_two_colours_differ_for_every_eye(eyes):
    colours = [seen(colour, eyes) for colour in (*PALETTE, NOISE_COLOUR)]
    apart = [np.linalg.norm(a - b) for i, a in enumerate(colours) for b in colours[:i]]
    assert min(apart) > 15


def test_colours_come_again_only_far_away():
    centres = np.array([[x, 0.0] for x in range(2 * len(PALETTE))])
    colours = cluster_colours(centres, np.ones(len(centres), dtype=np.int64))
    assert set(colours) == set(PALETTE)
    for colour in PALETTE:
        first, second = (i for i, c in enumerate(colours) if c == colour)
        assert second - first >= len(PALETTE) // 2


def test_clusters_have_colours_and_noise_is_grey():
    picture = opened(cluster_map(*spread()))
    for colour in (*PALETTE[:4], NOISE_COLOUR):
        assert count_of(picture, colour) > 200


def test_the_third_coordinate_is_the_size_of_the_dots():
    points, assigned, names = spread(components=3)
    small, large = points.copy(), points.copy()
    small[:, 2] = np.where(assigned == 0, -5, 5)
    large[:, 2] = np.where(assigned == 0, 5, -5)
    colour = PALETTE[0]
    areas = [count_of(opened(cluster_map(p, assigned, names)), colour) for p in (small, large)]
    assert areas[1] > 2 * areas[0]
    assert dot_scales(np.arange(101.0))[[0, 50, 100]].tolist() == [0.5, 1.25, 2.0]
    assert dot_scales(np.ones(5)).tolist() == [1.0] * 5


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_documents_are_drawn(n):
    points, assigned, names = spread()
    opened(cluster_map(points[:n], assigned[:n], names))


def test_one_place_for_all_and_places_that_are_none():
    points, assigned, names = spread()
    opened(cluster_map(np.zeros_like(points), assigned, names))
    points[::2] = np.nan
    opened(cluster_map(points, assigned, names))


def test_the_map_is_the_same_bytes_and_small():
    points, assigned, names = spread(20_000, 60)
    names = [f"{name} with quite a few more words that take room \u6771" for name in names]
    assert cluster_map(points, assigned, names) == cluster_map(points, assigned, names)


@given(st.lists(st.tuples(st.floats(0, 400), st.floats(0, 300), st.floats(10, 150)), max_size=40))
def test_names_overlap_nothing_and_stay_within(names):
    anchors = [(x, y) for x, y, _ in names]
    sizes = [(width, 15.0) for _, _, width in names]
    boxes = [
        (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
        for place, (w, h) in zip(placed_names(anchors, sizes, 400, 300), sizes, strict=True)
        if place is not None
        for x, y in (place,)
    ]
    assert not any(overlap(a, b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert all(b[0] >= 0 and b[1] >= 0 and b[2] <= 400 and b[3] <= 300 for b in boxes)


def test_a_name_with_room_stands_at_its_anchor():
    assert placed_names([(100, 100), (100, 100)], [(50, 15)] * 2, 200, 200)[0] == (100, 100)


@pytest.mark.parametrize("text", ["", "word", "x" * 5000, "many words " * 500, "\u6771\u4eac\n\n"])
def test_texts_become_cards(text):
    card = text_card(text)
    opened(contact_sheet([(card, "key", PALETTE[0])], tile_px=card.width))


def test_a_card_shows_its_text():
    dark = np.asarray(text_card("many words " * 50).convert("L")) < 128
    assert dark.any(axis=1)[8:140].sum() > 60
    assert not dark[:, -3:].any()
