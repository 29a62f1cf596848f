"""Extractors as packages: deployed side by side where the owner allows it, and nothing escapes."""

import stat
import zipfile

import pytest
from conftest import sweep_quietly
from PIL import Image

from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.models import extractor_packages
from autolabel_core.models.deployed_extractors import SETTING, deploy, deployed
from autolabel_core.models.extractor_packages import read_package
from autolabel_core.models.extractors import embed_checked, load_extractor

MANIFEST = """\
feature_extractor_name = "tiles"
version = "1.0.0"
description = "Mean colours"
dependencies = ["numpy"]
features = [
    {"feature_type": "json", "feature_name": "detections"},
    {
        "feature_type": "embedding",
        "feature_name": "mean_colour",
        "embedding_dim": 4,
        "distance_metric": "cosine",
    },
]
input_mappings = {"image": "image"}
tier = 1
"""
STEPS = """\
from .colours import mean_colour


class Tiles:
    def _process_batch(self, batch):
        batch["detections"] = [[] for _ in batch["data"]]
        batch["mean_colour"] = [mean_colour(image) for image in batch["data"].tolist()]
        return batch


def build_steps(extractor_request=None, base_steps=None, **kwargs):
    return {"steps": [*(base_steps or []), Tiles()], "prepare": lambda frame: frame}
"""
COLOURS = """\
import numpy as np


def mean_colour(image):
    return [*np.asarray(image, np.float32).mean(axis=(0, 1)).tolist(), 1.0]
"""
COLLECTION = """\
feature_extractor: {feature_extractor_name: tiles, version: 1.0.0}
taxonomy: {field_to_enrich: kind, confidence_threshold: 0.9}
"""


@pytest.fixture
def tiles(tmp_path):
    folder = tmp_path / "tiles"
    folder.mkdir()
    (folder / "manifest.py").write_text(MANIFEST)
    (folder / "pipeline.py").write_text(STEPS)
    (folder / "colours.py").write_text(COLOURS)
    return folder


@pytest.fixture
def allowed(home, monkeypatch):
    for name, value in {**home.paths.environment, SETTING: "allow"}.items():
        monkeypatch.setenv(name, value)
    return home


def test_a_deployed_extractor_labels_a_collection(allowed, tiles, run, tmp_path):
    packed = tmp_path / "tiles.zip"
    assert run("extractors", "package", str(tiles), "--out", str(packed))[0] == 0
    status, said, _ = run("extractors", "deploy", str(packed))
    assert status == 0 and "Deployed tiles_1_0_0" in said
    assert "tiles_1_0_0" in run("extractors", "list")[1]
    allowed.declare("blocks", COLLECTION)
    folder = allowed.paths.buckets / "blocks"
    folder.mkdir(parents=True)
    for name, colour in {"a": "#f00000", "b": "#0000f0", "c": "#f80000"}.items():
        Image.new("RGB", (30, 30), colour).save(folder / f"{name}.png")
    sweep_quietly(allowed.workspace, "blocks")
    assert run("label", "blocks", "a.png", "warm")[0] == 0
    assert run("label", "blocks", "b.png", "cold")[0] == 0
    sweep_quietly(allowed.workspace, "blocks")
    found = {r["key"]: r["label"] for r in Documents(allowed.workspace.open("blocks")).find([])}
    assert found == {"a.png": "warm", "b.png": "cold", "c.png": "warm"}


def test_versions_stand_side_by_side_and_never_change(allowed, tiles):
    deploy(tiles)
    assert deploy(tiles).name == "tiles_1_0_0"
    (tiles / "colours.py").write_text(COLOURS.replace("1.0]", "900.0]"))
    with pytest.raises(AutolabelError, match="deployed with other files"):
        deploy(tiles)
    (tiles / "manifest.py").write_text(MANIFEST.replace("1.0.0", "2.0.0"))
    deploy(tiles)
    assert [package.name for package in deployed()] == ["tiles_1_0_0", "tiles_2_0_0"]
    picture = [Image.new("RGB", (8, 8), "red")]
    first, second = (
        embed_checked(load_extractor("tiles", version, None, {}), picture)[0]
        for version in ("1.0.0", "2.0.0")
    )
    assert first[0] > 0.9 > 0.5 > second[0]


def test_nothing_is_deployed_or_run_unless_the_owner_allows_it(allowed, tiles, monkeypatch):
    deploy(tiles)
    monkeypatch.delenv(SETTING)
    for attempt in (lambda: deploy(tiles), lambda: load_extractor("tiles", "1.0.0", None, {})):
        with pytest.raises(AutolabelError, match=f"{SETTING}=allow"):
            attempt()


def zipped(path, *entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for info, content in (("t/manifest.py", MANIFEST), ("t/pipeline.py", STEPS), *entries):
            packed.writestr(info, content)
    return path


def link():
    info = zipfile.ZipInfo("t/link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (("../../escaped.py", "x"), "lies outside"),
        (("/tmp/escaped.py", "x"), "lies outside"),
        (("t\\..\\..\\escaped.py", "x"), "lies outside"),
        ((link(), "/etc/passwd"), "link"),
        (("t/zeros", bytes(30_000_000)), "far more than it is"),
        (("T/Pipeline.py", "x"), "twice"),
    ],
)
def test_a_zip_that_would_escape_or_burst_is_refused_whole(allowed, tmp_path, entry, said):
    with pytest.raises(AutolabelError, match=said):
        deploy(zipped(tmp_path / "bad.zip", entry))
    assert list((allowed.paths.home / "extractors").iterdir()) == []
    assert not list(tmp_path.rglob("escaped.py"))


def test_sizes_that_a_zip_conceals_are_counted(allowed, tmp_path, monkeypatch):
    monkeypatch.setattr(extractor_packages, "MAX_BYTES", len(MANIFEST) + 10)
    monkeypatch.setattr(extractor_packages, "MAX_FILES", 2)
    with pytest.raises(AutolabelError, match=r"holds more than \d+ bytes|far more"):
        deploy(zipped(tmp_path / "long.zip"))
    with pytest.raises(AutolabelError, match="3 files, more than 2"):
        deploy(zipped(tmp_path / "many.zip", ("t/a.py", "")))
    (tmp_path / "no.zip").write_bytes(b"PK nothing")
    with pytest.raises(AutolabelError, match="no zip"):
        deploy(tmp_path / "no.zip")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("import os\nversion = os.getcwd()\n", "no plain value"),
        (MANIFEST.replace("feature_name", "name"), "The key is `feature_name`"),
        (MANIFEST.replace('"tiles"', '"../tiles"'), "expected letters"),
        ("version = (", "no Python"),
    ],
)
def test_a_manifest_is_read_without_running_it(tiles, written, said):
    (tiles / "manifest.py").write_text(written)
    with pytest.raises(AutolabelError, match=said):
        read_package(tiles)


def test_the_same_folder_gives_the_same_zip(tiles, tmp_path):
    for name in ("one.zip", "two.zip"):
        (tiles / "colours.py").touch()
        read_package(tiles).pack(tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_a_pipeline_that_cannot_be_imported_says_why(allowed, tiles):
    (tiles / "pipeline.py").write_text("from engine.io import parallel_io\n")
    deploy(tiles)
    with pytest.raises(AutolabelError, match="No module named 'engine'"):
        load_extractor("tiles", "1.0.0", None, {})
