"""Networks through ONNX Runtime: torch's vectors, cached once, the same bytes in any batch."""

from __future__ import annotations

import errno
import logging
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autolabel_core.foundation import atomic_files
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.paths import model_cache
from autolabel_core.models.onnx_runtime import NetworkSource, encode_batches, load_network
from autolabel_core.models.onnx_runtime.export import least_cosine
from autolabel_core.models.onnx_runtime.onnx_network import OnnxNetwork
from autolabel_core.models.onnx_runtime.torch_network import TorchNetwork

RNG = np.random.default_rng(0)


def small_network():
    import torch

    torch.manual_seed(0)
    layers = [torch.nn.Conv2d(3, 16, 3, stride=2), torch.nn.ReLU6(), torch.nn.AdaptiveAvgPool2d(1)]
    return torch.nn.Sequential(*layers, torch.nn.Flatten(), torch.nn.Linear(16, 24)).eval()


def pictures(count, seed=0):
    return np.random.default_rng(seed).standard_normal((count, 3, 20, 20)).astype(np.float32)


SMALL = NetworkSource("small", "1", small_network, lambda: (pictures(4),))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOLABEL_MODEL_CACHE", str(tmp_path / "networks"))
    return tmp_path / "networks"


def model_of(cache: Path) -> Path:
    (file,) = cache.glob("*.onnx")
    return file


def counting(source, loads):
    def load():
        loads.append(source.name)
        return source.load()

    return replace(source, load=load)


def torch_rows(source, *inputs):
    import torch

    with torch.inference_mode():
        return source.load()(*map(torch.from_numpy, inputs)).numpy()


def test_the_vectors_are_those_of_torch(cache):
    network = load_network(SMALL, "cpu")
    assert isinstance(network, OnnxNetwork)
    batch = pictures(9, seed=1)
    assert network.run(batch) == pytest.approx(torch_rows(SMALL, batch), abs=1e-5)


def test_a_network_is_exported_once(cache):
    loads = []
    for _ in range(3):
        load_network(counting(SMALL, loads), "cpu")
    assert loads == ["small"]


@pytest.mark.parametrize("change", [{"weights": "2"}, {"packages": ("timm",)}, {"name": "other"}])
def test_other_weights_or_versions_are_another_file(cache, change):
    load_network(SMALL, "cpu")
    loads = []
    load_network(counting(replace(SMALL, **change), loads), "cpu")
    assert len(loads) == 1
    assert len(list(cache.glob("*.onnx"))) == 2


DAMAGES = {
    "cut short": lambda file: file.write_bytes(file.read_bytes()[:-100]),
    "emptied": lambda file: file.write_bytes(b""),
    "gone": lambda file: file.unlink(),
    "foreign": lambda file: file.write_bytes(b"something else"),
    "card gone": lambda file: file.with_suffix(".json").unlink(),
    "card damaged": lambda file: file.with_suffix(".json").write_text('{"key"', "utf-8"),
    "card of another": lambda file: file.with_suffix(".json").write_text(
        '{"key": "x", "versions": {}, "sha256": "y"}', "utf-8"
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_cache_is_made_anew(cache, damage):
    expected = load_network(SMALL, "cpu").run(pictures(2))
    DAMAGES[damage](model_of(cache))
    loads = []
    assert np.array_equal(load_network(counting(SMALL, loads), "cpu").run(pictures(2)), expected)
    assert len(loads) == 1
    load_network(counting(SMALL, loads), "cpu")
    assert len(loads) == 1


def test_a_network_that_gives_other_vectors_is_run_by_torch_and_said(cache, caplog):
    import torch

    class Drifting(torch.nn.Module):
        """Exported, it is what it was while it was traced."""

        def forward(self, pixels):
            flat = pixels.flatten(1)
            return flat.flip(1) if torch.onnx.is_in_onnx_export() else flat

    loads = []
    source = counting(NetworkSource("drifting", "1", Drifting, lambda: (pictures(4),)), loads)
    with caplog.at_level(logging.WARNING, "autolabel"):
        network = load_network(source, "cpu")
        assert isinstance(network, TorchNetwork)
        load_network(source, "cpu")
    assert "drifting is run by torch" in caplog.text
    assert "ONNX Runtime gives other vectors: least cosine" in caplog.text
    assert network.run(pictures(2)) == pytest.approx(pictures(2).reshape(2, -1))
    assert len(loads) == 3, "exported once; loaded by torch twice"


def test_a_network_that_cannot_be_exported_is_run_by_torch_and_said(cache, caplog):
    import torch

    class Odd(torch.nn.Module):
        def forward(self, pixels):
            return torch.linalg.eigvals(pixels[:, 0]).real

    network = load_network(NetworkSource("odd", "1", Odd, lambda: (pictures(2),)), "cpu")
    assert isinstance(network, TorchNetwork)
    assert "odd is run by torch, which is slower than ONNX Runtime: it cannot be" in caplog.text
    assert network.run(pictures(3)).shape == (3, 20)


def test_a_full_disk_is_an_error_that_names_another_folder(cache, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic_files.os, "fsync", full)
    with pytest.raises(AutolabelError, match=r"disk is full.*AUTOLABEL_MODEL_CACHE=/path"):
        load_network(SMALL, "cpu")
    monkeypatch.undo()
    assert not list(cache.glob(".*.part"))


def test_a_read_only_cache_is_said_and_stops_nothing(cache, monkeypatch, caplog):
    def refuse(handle):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(atomic_files.os, "fsync", refuse)
    assert load_network(SMALL, "cpu").run(pictures(1)).shape == (1, 24)
    assert "exported anew by each process" in caplog.text


def test_several_processes_and_threads_export_once(cache):
    loads = []
    threads = [
        threading.Thread(target=load_network, args=(counting(SMALL, loads), "cpu"))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1


@pytest.mark.parametrize("size", [1, 8, 32])
@pytest.mark.parametrize("threads", [1, 2])
def test_rows_are_the_same_bytes_in_any_batch_and_for_any_threads(cache, size, threads):
    network = load_network(SMALL, "cpu")
    batch = pictures(40)
    alone = np.concatenate([network.run(batch[i : i + 1]) for i in range(40)])
    assert np.array_equal(encode_batches(network.run, batch, size, threads), alone)


def test_an_exception_in_a_batch_is_raised_to_the_caller():
    def encode(batch):
        if 7 in batch:
            raise ValueError("seven")
        return np.zeros((len(batch), 2), np.float32)

    with pytest.raises(ValueError, match="seven"):
        encode_batches(encode, list(range(20)), 2, 2)
    assert encode_batches(encode, [1, 2, 3], 2, 2).shape == (3, 2)


def test_inputs_of_varying_length_and_of_whole_numbers(cache):
    import torch

    class Words(torch.nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.table = torch.nn.Embedding(50, 8)

        def forward(self, ids, mask):
            weights = mask.unsqueeze(-1).float()
            return (self.table(ids) * weights).sum(1) / weights.sum(1)

    def probe(rows=3, length=6):
        rng = np.random.default_rng(length)
        return rng.integers(0, 50, (rows, length)), np.ones((rows, length), np.int64)

    source = NetworkSource("words", "1", Words, probe, {"ids": (1,), "mask": (1,)})
    network = load_network(source, "cpu")
    assert isinstance(network, OnnxNetwork)
    for shape in ((1, 1), (5, 17)):
        expected = torch_rows(source, *probe(*shape))
        assert network.run(*probe(*shape)) == pytest.approx(expected, abs=1e-6)


def test_a_cached_network_is_run_without_torch(cache):
    load_network(SMALL, "cpu")
    program = """
import importlib, sys
import numpy as np
from autolabel_core.models.onnx_runtime import NetworkSource, load_network
module = importlib.import_module("autolabel_core.models.weights")
module.may_have_gpu = lambda: False
def absent():
    raise AssertionError("loaded")
source = NetworkSource("small", "1", absent, absent)
print(load_network(source).run(np.zeros((2, 3, 20, 20), np.float32)).shape)
print("torch" in sys.modules)
"""
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root
    )
    assert done.stdout.split("\n")[:2] == ["(2, 24)", "False"]


def test_least_cosine_is_the_worst_row_and_fails_on_other_shapes():
    rows = RNG.standard_normal((5, 7)).astype(np.float32)
    turned = rows.copy()
    turned[3] = -turned[3]
    assert least_cosine(rows, 2 * rows) == pytest.approx(1)
    assert least_cosine(rows, turned) == pytest.approx(-1)
    assert least_cosine(rows, rows[:4]) == -1
    assert least_cosine(rows, np.full_like(rows, np.nan)) == -1


def test_a_batch_too_large_for_the_device_is_halved(monkeypatch):
    network = TorchNetwork(SMALL, "cpu")
    whole = network._network
    sizes = []

    def crowded(pixels):
        sizes.append(len(pixels))
        if len(pixels) > 3:
            raise RuntimeError("CUDA out of memory. Tried to allocate")
        return whole(pixels)

    monkeypatch.setattr(network, "_network", crowded)
    assert network.run(pictures(9)) == pytest.approx(torch_rows(SMALL, pictures(9)), abs=1e-5)
    assert max(sizes[1:]) < 9


def test_where_exported_networks_are_kept(tmp_path):
    assert model_cache({"AUTOLABEL_MODEL_CACHE": "/m"}) == Path("/m")
    assert model_cache({"XDG_CACHE_HOME": "/c"}) == Path("/c/autolabel/networks")
    assert model_cache({}) == Path.home() / ".cache/autolabel/networks"
