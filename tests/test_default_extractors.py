"""The two defaults that need no weights: deterministic, finite, and as good as documented."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from autolabel_core.models.extractors import descriptor, embed_checked, hashed, load_extractor
from benchmarks import datasets
from benchmarks.embedding_quality import accuracies

RNG = np.random.default_rng(0)


def images(count, seed=0):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 80, (count, 2))
    return [Image.fromarray(rng.integers(0, 256, (*s, 3), dtype=np.uint8)) for s in sizes]


def test_a_vector_is_the_same_bytes_in_any_batch():
    batch = images(7)
    extractor = descriptor.DescriptorExtractor("v1")
    together = extractor.embed(batch)
    assert np.array_equal(together, np.concatenate([extractor.embed([one]) for one in batch]))
    assert np.array_equal(together[::-1], extractor.embed(batch[::-1]))
    texts, extractor = ["a b c", "stock markets fell", ""], hashed.HashedExtractor("v1")
    together = extractor.embed(texts)
    assert np.array_equal(together, np.concatenate([extractor.embed([one]) for one in texts]))


def test_canonical_text_vector_is_stable_across_processes():
    code = (
        "from autolabel_core.models.extractors.hashed import text_vector as v; import numpy as np; "
        "x = v('Stock markets fell'); print(np.flatnonzero(x).sum(), round(float(x.max()), 6))"
    )
    run = [sys.executable, "-c", code]
    found = {subprocess.run(run, capture_output=True, text=True, check=True).stdout for _ in "ab"}
    vector = hashed.text_vector("Stock markets fell")
    assert found == {f"{np.flatnonzero(vector).sum()} {round(float(vector.max()), 6)}\n"}
    assert np.flatnonzero(vector)[:5].tolist() == [24, 31, 49, 83, 87]


@pytest.mark.parametrize("colour", ["black", "white", "red", (127, 127, 127), (1, 2, 3)])
@pytest.mark.parametrize("size", [(1, 1), (2, 300), (64, 64)])
def test_blank_images_have_a_finite_unit_vector(colour, size):
    vector = descriptor.describe(Image.new("RGB", size, colour))
    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)


def naive_gradients(plane, pool, bins, centring):
    """Loop over pixels and cells: what the vectorised histogram promises."""
    side = len(plane)
    histograms = np.zeros((len(pool), len(pool), bins))
    for y in range(side):
        for x in range(side):
            gx = plane[y, min(x + 1, side - 1)] - plane[y, max(x - 1, 0)]
            gy = plane[min(y + 1, side - 1), x] - plane[max(y - 1, 0), x]
            position = (np.arctan2(gy, gx) / (2 * np.pi) * bins) % bins
            first, share = int(position) % bins, position % 1
            weights = np.outer(pool[:, y], pool[:, x]) * np.hypot(gx, gy) / 2
            histograms[:, :, first] += weights * (1 - share)
            histograms[:, :, (first + 1) % bins] += weights * share
    roots = np.sqrt(histograms)
    return roots - centring * roots.mean()


def test_oriented_gradients_equal_the_naive_loop():
    plane = RNG.random((32, 32), dtype=np.float32)
    pool = descriptor.SHAPE_POOL
    found = descriptor._gradients(plane, pool, 16, 0.8)
    assert found == pytest.approx(naive_gradients(plane, pool, 16, 0.8), abs=2e-4)


def test_soft_bins_share_a_value_between_its_neighbours():
    found = descriptor._soft_bins(np.array([0, 0.25, 1, 7, -1], dtype=np.float32), 3)
    assert found.tolist() == [[1, 0, 0], [0.5, 0.5, 0], [0, 0, 1], [0, 0, 1], [1, 0, 0]]


def test_descriptor_tells_shape_and_colour_apart():
    def square(colour, left):
        image = Image.new("RGB", (48, 48), "white")
        image.paste(colour, (left, 12, left + 20, 32))
        return image

    red, moved, blue = (
        descriptor.describe(image)
        for image in (square("red", 14), square("red", 16), square("blue", 14))
    )
    assert red @ moved > red @ blue > 0.2


@pytest.mark.slow
def test_descriptor_labels_digits_as_well_as_documented():
    """Guards the documented figure: .959 over 10 draws; a third of the digits is enough here."""
    pictures, labels = datasets.digits()
    extractor = load_extractor("image_extractor", "v1", "descriptor", {})
    nearest, mean = accuracies(embed_checked(extractor, pictures[:600]), labels[:600], 10, draws=5)
    assert nearest > 0.95
    assert mean > 0.92


@given(st.text(max_size=200))
@settings(deadline=None)
def test_any_text_has_a_finite_unit_vector(text):
    vector = hashed.text_vector(text)
    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)


SAME_TEXTS = [
    pytest.param("The cat", "cat", id="stop words"),
    pytest.param("Straße ﬁn", "STRASSE FIN", id="case and ligatures"),
    pytest.param("win, 2004", "Win!", id="punctuation and numbers"),
]


@pytest.mark.parametrize(("one", "other"), SAME_TEXTS)
def test_what_does_not_matter_in_a_text(one, other):
    assert np.array_equal(hashed.text_vector(one), hashed.text_vector(other))


@pytest.mark.parametrize("text", ["", "the of and", "2004", "!!!", "🎉", "x", "\ud800"])
def test_texts_of_nothing_but_ballast_still_differ_from_each_other(text):
    assert hashed.text_vector(text) @ hashed.text_vector("football match") < 0.3


NEARER = [
    ("markets fall", "the market fell", "football match"),
    ("elections in Spain", "an election", "a new phone"),
    ("株式市場が下落", "株式市場の動き", "サッカーの試合"),
    ("चुनाव परिणाम", "चुनाव में जीत", "क्रिकेट मैच"),
]


@pytest.mark.parametrize(("text", "near", "far"), NEARER)
def test_word_beginnings_and_scripts_without_spaces_match(text, near, far):
    vector = hashed.text_vector(text)
    assert vector @ hashed.text_vector(near) > 0.15 + vector @ hashed.text_vector(far)


@pytest.mark.parametrize("text", ["x" * 10**6, "word " * 200_000], ids=["one word", "many words"])
def test_a_long_text_takes_no_longer_than_it_must(text):
    assert np.isfinite(hashed.text_vector(text)).all()


def test_distinct_words_beyond_the_limit_do_not_count(monkeypatch):
    monkeypatch.setattr(hashed, "MAX_DISTINCT_WORDS", 2)
    kept = hashed.text_vector("alpha alpha beta beta gamma")
    assert np.array_equal(kept, hashed.text_vector("alpha alpha beta beta"))


def test_signs_that_cancel_leave_a_unit_vector(monkeypatch):
    pair = np.array([3, 3]), np.array([1.0, -1.0])
    monkeypatch.setattr(hashed, "_word_vector", lambda word: pair)
    assert hashed.text_vector("word")[0] == 1.0
