"""YOLO as a detector: a real checkpoint, real images, and what is said where there is none."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from conftest import install, sweep_quietly
from PIL import Image
from support.detection_samples import NAME, declaration, detected, detections_of

from autolabel_core.foundation.errors import AutolabelError, MissingWeightsError
from autolabel_core.models.detectors import DetectorSettings, load_detector
from autolabel_core.models.registry import ModelCard
from autolabel_core.models.ultralytics_setup import quiet_ultralytics

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """An untrained YOLO of two classes, saved: it finds nonsense, always the same."""
    folder = tmp_path_factory.mktemp("yolo")
    ultralytics = quiet_ultralytics(folder)
    import torch
    import yaml

    torch.manual_seed(0)
    file = Path(ultralytics.__file__).parent / "cfg" / "models" / "11" / "yolo11.yaml"
    architecture = yaml.safe_load(file.read_text(encoding="utf-8")) | {"nc": 2, "scale": "n"}
    (folder / "yolo11n.yaml").write_text(yaml.safe_dump(architecture), encoding="utf-8")
    model = ultralytics.YOLO(str(folder / "yolo11n.yaml"))
    model.model.names = {0: "cat", 1: "dog"}
    model.save(folder / "tiny.pt")
    return folder / "tiny.pt"


@pytest.fixture(autouse=True)
def own_entry_points(tmp_path, monkeypatch):
    """The checkout's entry points, whatever was registered when it was installed."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = tmp_path / "site" / "autolabel_own-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: autolabel-own\nVersion: 1\n")
    lines = []
    for group, points in declared["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines))
    install(tmp_path / "site", monkeypatch)


def yolo(weights, **settings):
    given = DetectorSettings(weights, 0.0001, 0.7, 5, **settings)
    return load_detector("yolo_detector", "1.0.0", given, {})


def pictures(count=5):
    rng = np.random.default_rng(0)
    sizes = [(96, 64), (64, 96), (96, 64), (33, 47), (96, 64)]
    return [Image.fromarray(rng.integers(0, 256, (h, w, 3), np.uint8)) for w, h in sizes[:count]]


@pytest.mark.slow
def test_the_same_image_gives_the_same_boxes_whatever_it_is_shown_with(checkpoint):
    detector = yolo(checkpoint, batch_size=2)
    together = detector.detect(pictures())
    alone = [yolo(checkpoint).detect([picture])[0] for picture in pictures()]
    assert all(len(found) for found in together)
    for one, other in zip(together, alone, strict=True):
        assert np.allclose(one.xyxy_px, other.xyxy_px, atol=0.005)
        assert np.allclose(one.confidence, other.confidence, atol=5e-5)
        assert one.class_names == other.class_names
        assert set(one.class_names) <= {"cat", "dog"}


@pytest.mark.slow
def test_a_collection_is_detected_by_a_file_and_then_by_the_registry(checkpoint, workspace, home):
    folder = home.put(NAME, {})
    folder.mkdir(parents=True, exist_ok=True)
    for number, picture in enumerate(pictures(3)):
        picture.save(folder / f"{number}.png")
    declared = declaration(
        detector_name="yolo_detector",
        weights=str(checkpoint),
        confidence_threshold=0.0001,
        max_detections=3,
    )
    sweep_quietly(workspace({NAME: declared}), NAME)
    before = detected(home.workspace)
    assert before.detector.feature_uri.startswith("autolabel://yolo_detector@1.0.0/detections_tiny")
    assert [len(detections_of(home.workspace, f"{n}.png")) for n in range(3)] == [3, 3, 3]
    bytes_before = before.path("batch_000001").read_bytes()
    before.path("batch_000001").unlink()
    detected(home.workspace).refresh("batch_000001")
    assert before.path("batch_000001").read_bytes() == bytes_before

    declared["detection"]["weights"] = "registry:active"
    home.declare(NAME, declared)
    registry = home.workspace.registry
    card = ModelCard("weights.pt", "", None, {}, {}, ("cat", "dog"), "none", "2026-01-01")
    model = registry.add(NAME, "detector", checkpoint, card, "2.0.0")
    assert detected(home.workspace).detector.is_waiting
    registry.decide(model, "promoted", "me", "first")
    sweep_quietly(home.workspace, NAME)
    after = detected(home.workspace)
    assert after.detector.feature_uri.startswith("autolabel://yolo_detector@2.0.0/detections_")
    assert len(detections_of(home.workspace, "0.png")) == 3


@pytest.mark.slow
def test_what_is_no_checkpoint_is_an_error_with_the_cure(tmp_path):
    quiet_ultralytics(tmp_path)
    broken = tmp_path / "broken.pt"
    broken.write_bytes(b"not a checkpoint")
    with pytest.raises(MissingWeightsError, match=r"broken.pt cannot be read as weights of YOLO"):
        yolo(broken).detect(pictures(1))


@pytest.mark.slow
def test_weights_by_name_without_access_name_the_cure(tmp_path, monkeypatch):
    monkeypatch.setattr("autolabel_core.models.detectors.yolo.is_reachable", lambda endpoint: False)
    with pytest.raises(MissingWeightsError, match=r"weights: /path/to/yolo11n.pt"):
        yolo("yolo11n.pt", folder=tmp_path).detect(pictures(1))
    with pytest.raises(MissingWeightsError, match=r'Did you mean "yolo11x.pt"\?'):
        yolo("yolo11x9n.pt", folder=tmp_path).detect(pictures(1))


def test_a_path_that_leads_nowhere_is_an_error_with_the_cure(workspace):
    declared = declaration(detector_name="yolo_detector", weights="/nowhere/best.pt")
    ws = workspace({NAME: declared}, {NAME: {}})
    with pytest.raises(MissingWeightsError, match=r"there is no file `/nowhere/best.pt`"):
        ws.detector(ws.collection(NAME))


def test_a_text_extractor_cannot_embed_boxes(workspace):
    declared = declaration()
    declared["feature_extractor"]["feature_extractor_name"] = "angle_extractor"
    ws = workspace({NAME: declared}, {NAME: {}})
    with pytest.raises(AutolabelError, match="needs a feature extractor of images"):
        ws.extractor(ws.collection(NAME))
