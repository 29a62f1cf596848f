"""Training with ultralytics for real, at its smallest: killed, resumed, and refused clearly."""

from __future__ import annotations

import errno
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from autolabel_app.demos.detection_scenes import draw_scenes
from autolabel_core.declarations.training import Training
from autolabel_core.foundation.atomic_files import SUFFIX
from autolabel_core.foundation.errors import AutolabelError, MissingWeightsError
from autolabel_core.training.detectors import own_checkpoints
from autolabel_core.training.detectors.own_checkpoints import (
    is_ours,
    keep_checkpoint,
    set_aside_others,
)
from autolabel_core.training.detectors.yolo_training import TrainingRun, base_file, train

ROOT = Path(__file__).resolve().parent.parent
SIDE = 64


@pytest.fixture(scope="module")
def data_yaml(tmp_path_factory):
    """Eight scenes of digits as ultralytics reads them, four for training and four to validate."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    folder = tmp_path_factory.mktemp("data")
    scenes = draw_scenes(8, (digits.images / 16, digits.target), seed=0)
    for number, scene in enumerate(scenes):
        part = "train" if number < 4 else "val"
        for kind in ("images", "labels"):
            (folder / kind / part).mkdir(parents=True, exist_ok=True)
        scene.image().save(folder / "images" / part / f"{number}.png")
        lines = []
        for name, box in scene.boxes:
            x1, y1, x2, y2 = np.array(box) / scene.pixels.shape[0]
            lines.append(f"{name} {(x1 + x2) / 2} {(y1 + y2) / 2} {x2 - x1} {y2 - y1}\n")
        (folder / "labels" / part / f"{number}.txt").write_text("".join(lines))
    names = "".join(f"  {i}: digit_{i}\n" for i in range(10))
    file = folder / "data.yaml"
    file.write_text(f"path: {folder}\ntrain: images/train\nval: images/val\nnames:\n{names}")
    return file


@pytest.fixture
def run(data_yaml, tmp_path):
    def make(epochs=1, base="yolo11n.yaml", data=data_yaml, **parameters):
        declared = Training(epochs=epochs, imgsz=SIDE, batch=4, **parameters)
        return TrainingRun(tmp_path / "run", data, base, declared, "cpu")

    return make


def test_the_small_recipe_is_the_default_and_arguments_win(run):
    small = run(arguments={"fliplr": 0.5}).arguments
    assert (small["optimizer"], small["nbs"], small["fliplr"]) == ("AdamW", 4, 0.5)
    assert "optimizer" not in run(recipe="ultralytics").arguments
    assert {"plots": False, "amp": False, "device": "cpu"}.items() <= small.items()


def test_a_base_that_is_not_there_names_the_cure(tmp_path):
    assert base_file("yolo11n.yaml", tmp_path) == "yolo11n.yaml"
    (tmp_path / "yolo11n.pt").write_bytes(b"fetched before")
    assert base_file("yolo11n.pt", tmp_path) == str(tmp_path / "yolo11n.pt")
    with pytest.raises(MissingWeightsError, match=r"no file.*Give the path"):
        base_file(str(tmp_path / "gone.pt"), tmp_path)


class Planted:
    """A pickle that makes a file when it is loaded."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return Path.touch, (self.file,)


def test_only_what_was_written_here_is_ours(tmp_path, caplog):
    made, kept = tmp_path / "made", tmp_path / "last.pt"
    made.write_bytes(b"one")
    keep_checkpoint(made, kept)
    assert is_ours(kept) and not set_aside_others([kept, tmp_path / "absent"])
    earlier = kept.read_bytes()
    made.write_bytes(b"two")
    keep_checkpoint(made, kept)
    assert is_ours(kept)
    kept.write_bytes(earlier)
    assert not is_ours(kept)
    assert set_aside_others([kept]) and not kept.exists()
    assert (tmp_path / "last.pt.not-ours").read_bytes() == b"one"
    assert "is not as a training here wrote it" in caplog.text


def test_a_kill_while_a_checkpoint_is_replaced_leaves_one_of_ours(tmp_path, monkeypatch):
    made, kept = tmp_path / "made", tmp_path / "last.pt"
    made.write_bytes(b"one")
    keep_checkpoint(made, kept)
    made.write_bytes(b"two")

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(
        own_checkpoints.shutil, "copyfile", lambda s, t: Path(t).write_bytes(b"two")
    )
    real = Path.replace
    monkeypatch.setattr(Path, "replace", lambda s, t: killed() if Path(t) == kept else real(s, t))
    with pytest.raises(KeyboardInterrupt):
        keep_checkpoint(made, kept)
    assert kept.read_bytes() == b"one" and is_ours(kept)


@pytest.mark.slow
@pytest.mark.parametrize(
    "names", [("last.pt",), ("best.pt", "finished"), ("ultralytics/weights/best.pt",)]
)
def test_a_planted_checkpoint_is_never_loaded(run, tmp_path, names):
    wanted, told = run(), []
    for name in names:
        file = wanted.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(pickle.dumps(Planted(tmp_path / "ran")))
    made = train(wanted, tmp_path / "cache", lambda done, total: told.append(done))
    assert made.weights.stat().st_size > 1_000_000 and told == [1]
    assert not (tmp_path / "ran").exists()


@pytest.mark.slow
def test_weights_come_of_it_and_are_not_made_twice(run, tmp_path, capfd):
    seen = []
    made = train(run(), tmp_path / "cache", lambda done, total: seen.append((done, total)))
    assert made.weights.stat().st_size > 1_000_000
    assert {"val_map50", "val_map50_95", "best_epoch"} <= set(made.metrics)
    assert seen == [(1, 1)]
    assert train(run(), tmp_path / "cache", pytest.fail).metrics == made.metrics
    said = capfd.readouterr()
    assert said.out == ""
    assert "ownload" not in said.err


@pytest.mark.slow
def test_what_was_killed_goes_on_where_it_stopped(run, tmp_path):
    wanted = run(epochs=8)
    script = (
        "import sys; from pathlib import Path\n"
        "from autolabel_core.declarations.training import Training\n"
        "from autolabel_core.training.detectors.yolo_training import TrainingRun, train\n"
        f"run = TrainingRun(Path({str(wanted.folder)!r}), Path({str(wanted.data_yaml)!r}),\n"
        f"    'yolo11n.yaml', Training(epochs=8, imgsz={SIDE}, batch=4), 'cpu')\n"
        f"train(run, Path({str(tmp_path / 'cache')!r}), lambda done, total: None)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-c", script], env=environment)
    deadline = time.monotonic() + 120
    while not (wanted.folder / "last.pt").exists():
        assert process.poll() is None, "training ended before it could be killed"
        assert time.monotonic() < deadline, "no epoch in two minutes"
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (wanted.folder / "finished").exists()
    (wanted.folder / "ultralytics" / "weights" / "last.pt").write_bytes(b"half")
    seen = []
    made = train(wanted, tmp_path / "cache", lambda done, total: seen.append((done, total)))
    assert seen[0][0] > 1
    assert seen[-1] == (8, 8)
    assert made.metrics["best_epoch"] <= 8


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "said"), [(b"no weights", "failed"), (b"", "failed")], ids=["damaged", "empty"]
)
def test_a_damaged_base_is_an_error_and_not_a_trace(run, tmp_path, content, said):
    file = tmp_path / "base.pt"
    file.write_bytes(content)
    with pytest.raises(AutolabelError, match=said):
        train(run(base=str(file)), tmp_path / "cache", lambda done, total: None)


@pytest.mark.slow
def test_a_full_disk_is_said_and_the_epochs_before_are_kept(run, tmp_path, monkeypatch):
    wanted = run(epochs=3)
    real = shutil.copyfile

    def full(source, target):
        if (wanted.folder / "last.pt").exists() and Path(target).name == f".last.pt{SUFFIX}":
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(source, target)

    monkeypatch.setattr(own_checkpoints.shutil, "copyfile", full)
    with pytest.raises(AutolabelError, match=r"disk is full.*The last whole epoch is kept"):
        train(wanted, tmp_path / "cache", lambda done, total: None)
    monkeypatch.undo()
    seen = []
    train(wanted, tmp_path / "cache", lambda done, total: seen.append(done))
    assert seen == [2, 3]
