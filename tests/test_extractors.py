"""Extractors: found by name, held to their contract, and the two defaults that need no weights."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.models.extractors import (
    Manifest,
    embed_checked,
    feature_slug,
    load_extractor,
    parse_feature_uri,
)

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
    for name, model in (("image_extractor", "descriptor"), ("text_extractor", "hashed")):
        with pytest.raises(AutolabelError, match="takes no parameters"):
            load_extractor(name, "v1", model, {"device": "cpu"})


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
        "import sys, numpy, autolabel_core.models.extractors as e; "
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
        (
            "image_extractor",
            "open_clip:",
            "`efficientnet_lite0`, `efficientnet_lite2`, `descriptor`",
        ),
        ("text_extractor", "bert", "`sentence_transformers:<name or path>`"),
        ("text_extractor", "sentence_transformers:", "`hashed`"),
    ],
)
def test_unknown_models_name_the_accepted_forms(name, model, form):
    with pytest.raises(AutolabelError, match=re.escape(form)):
        load_extractor(name, "v1", model, {})


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
            assert f"| `{point.name}` | `" in text
            # Extractors of an extra, or without a model of their own, have no choice to check.
            module = importlib.import_module(point.value.partition(":")[0])
            choice = getattr(module, "MODELS", None)
            for model in choice.installed if choice else ():
                found = load_extractor(point.name, "v1", model, {}).manifest
                row = re.search(
                    rf"\| `{point.name}` \| `{re.escape(model)}`(.*) \| {found.embedding_dim:,} \|",
                    text,
                )
                assert row, f"{point.name} {model}, {found.embedding_dim:,} numbers"
                assert model != choice.default or row[1].startswith(" (default")


def test_a_plane_goes_on_beyond_its_edges_as_it_ends_there():
    from autolabel_core.models.extractors.descriptor import _WITH_EDGES, SIDE_PX

    plane = np.random.default_rng(0).random((SIDE_PX, SIDE_PX), np.float32)
    around = plane[_WITH_EDGES[:, None], _WITH_EDGES]
    assert around.tobytes() == np.pad(plane, 1, mode="edge").tobytes()
