from __future__ import annotations

import base64
import importlib
import io
import sys
import warnings

import numpy as np
import pytest
from PIL import Image

from autolabel_core.foundation.charts import (
    MAX_PNG_BYTES,
    SOURCE_COLOURS,
    as_markdown,
    confidence_histogram,
    contact_sheet,
)
from autolabel_core.foundation.charts.fonts import caption_lines, drawable, elided, font


def opened(png):
    assert png.startswith(b"\x89PNG")
    assert len(png) < MAX_PNG_BYTES
    return Image.open(io.BytesIO(png)).convert("RGB")


def has_colour(picture, colour, at_least=20):
    wanted = np.array(Image.new("RGB", (1, 1), colour))[0, 0].astype(int)
    far = np.abs(np.asarray(picture).astype(int) - wanted).max(axis=2)
    return np.count_nonzero(far <= 24) >= at_least


def plain(size=(60, 40), colour="white"):
    return Image.new("RGB", size, colour)


def noise(side_px, seed):
    pixels = np.random.default_rng(seed).integers(0, 255, (side_px, side_px, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def test_every_label_source_has_its_frame_colour():
    tiles = [(plain(), str(source), colour) for source, colour in SOURCE_COLOURS.items()]
    sheet = opened(contact_sheet(tiles))
    assert all(has_colour(sheet, colour) for colour in SOURCE_COLOURS.values())


def test_the_columns_set_the_shape_of_the_sheet():
    tiles = [(plain(), "", "red")] * 6
    wide, tall = (opened(contact_sheet(tiles, columns=n)).size for n in (6, 1))
    assert wide[0] > 5 * tall[0] - 60
    assert tall[1] > 5 * wide[1] - 60


def test_a_sheet_without_tiles_says_so():
    assert opened(contact_sheet([])).size[0] >= 100


def test_a_sheet_of_noise_still_fits():
    tiles = [(noise(120, seed), f"noise {seed}", "red") for seed in range(30)]
    assert has_colour(opened(contact_sheet(tiles)), "red", at_least=30 * 300)


def test_where_no_reduction_is_enough_fewer_tiles_are_shown(monkeypatch):
    module = importlib.import_module("autolabel_core.foundation.charts.contact_sheet")
    monkeypatch.setattr(module, "MAX_PNG_BYTES", 3_000)
    tiles = [(noise(64, seed), "鞋" * 50, "red") for seed in range(6)]
    png = contact_sheet(tiles)
    assert len(png) < 3_000
    assert has_colour(opened(png), "red", at_least=300)


@pytest.mark.slow
def test_hundreds_of_large_tiles_fit():
    opened(contact_sheet([(noise(64, seed), "a b", "red") for seed in range(500)], tile_px=300))


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I", "F", "I;16", "HSV"]
)
def test_every_kind_of_picture_is_shown(mode):
    if mode in {"1", "L", "P", "HSV", "RGB", "LA", "RGBA", "CMYK"}:
        picture = Image.linear_gradient("L").resize((30, 20)).convert("RGB").convert(mode)
    else:
        values = np.linspace(0, 60_000, 600).reshape(20, 30)
        kinds = {"I": np.int32, "F": np.float32, "I;16": np.uint16}
        picture = Image.fromarray(values.astype(kinds[mode]))
    sheet = opened(contact_sheet([(picture, mode, "blue")], tile_px=96))
    assert len(np.unique(np.asarray(sheet).reshape(-1, 3), axis=0)) > 2


def test_what_is_transparent_is_shown_on_white():
    clear = Image.new("RGBA", (96, 96), (0, 0, 0, 0))
    assert not has_colour(opened(contact_sheet([(clear, "", "red")])), "black", at_least=1)


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 1), (8, 8)])
def test_odd_shapes_are_fitted(size):
    opened(contact_sheet([(plain(size, "green"), "", "red")]))


def test_small_pictures_grow_without_blur():
    checks = Image.fromarray(np.indices((8, 8)).sum(axis=0).astype(np.uint8) % 2 * 255)
    sheet = np.asarray(opened(contact_sheet([(checks, "", "red")], tile_px=96)).convert("L"))
    middle = sheet[20:90, 20:90]
    assert np.count_nonzero((middle > 40) & (middle < 215)) == 0


@pytest.mark.parametrize(
    "caption",
    [
        "",
        "\n",
        "a" * 500,
        "Shoes > Running > Red Trail Runners of 2026",
        "é\u0301鞋👟\u202e\x00\t",
        "a\nb\nc",
    ],
)
def test_every_caption_fits_its_width(caption):
    lines = caption_lines(caption, 96)
    assert len(lines) <= 3
    assert all(font().getlength(line) <= 96 for line in lines)
    opened(contact_sheet([(plain(), caption, "red")]))


def test_captions_keep_what_fits_and_mark_what_does_not():
    assert caption_lines("cat\n0.87", 96) == ["cat", "0.87"]
    assert caption_lines("Red Running Shoes\n0.87", 96) == ["Red Running", "Shoes", "0.87"]
    assert elided("Supercalifragilistic", 96).endswith("…")
    assert drawable("é 鞋 x") == "é □ x"


CASES = {
    "many": (np.random.default_rng(0).beta(5, 3, 2000), 0.45, None),
    "none": ([], 0.3, None),
    "one": ([0.3], 0.3, {}),
    "missing": ([0.2, float("nan"), float("inf"), None], 0.3, None),
    "all below": ([0.1, 0.2], 0.9, None),
    "outside 0 to 1": ([-0.4, 1.7], 2.5, None),
    "narrow": (np.random.default_rng(0).normal(0.92, 0.01, 500), 0.93, None),
    "per label": ([0.1, 0.5, 0.9], 0.3, {f"$x_{i}$ 鞋 " + "long " * i: i / 10 for i in range(9)}),
}


@pytest.mark.parametrize(("confidences", "threshold", "per_label"), CASES.values(), ids=CASES)
def test_the_spread_is_drawn_with_its_threshold(confidences, threshold, per_label):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = opened(confidence_histogram(confidences, threshold, per_label))
    assert has_colour(picture, "#c0392b", at_least=200)


def test_matched_and_unmatched_have_their_colours():
    both = opened(confidence_histogram([0.1] * 5 + [0.9] * 5, 0.5))
    below = opened(confidence_histogram([0.1] * 5 + [0.2] * 5, 0.5))
    assert has_colour(both, "#2f6fb2", at_least=3000)
    assert has_colour(both, "#b9bec5", at_least=3000)
    assert not has_colour(below, "#2f6fb2", at_least=3000)


def test_pictures_are_the_same_bytes_on_a_rerun():
    tiles = [(noise(50, seed), "a b", "red") for seed in range(5)]
    assert contact_sheet(tiles) == contact_sheet(tiles)
    assert confidence_histogram(*CASES["many"]) == confidence_histogram(*CASES["many"])


def test_the_global_state_of_pyplot_is_left_alone():
    confidence_histogram([0.5], 0.3)
    assert "matplotlib.pyplot" not in sys.modules


def test_markdown_carries_the_picture():
    text = as_markdown(b"png", "spread ] of\nconfidences")
    assert (
        text
        == f"![spread  ofconfidences](data:image/png;base64,{base64.b64encode(b'png').decode()})"
    )
