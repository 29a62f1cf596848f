"""The demo of photographs: what it tells is seeded, honest, and good with one label a scene."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from autolabel_app.demos.photographs import shipped, story
from autolabel_app.demos.photographs.labelled_frames import labelled_frames
from autolabel_app.demos.photographs.moving_camera import SIZE_PX, frames
from autolabel_app.demos.photographs.shipped import shipped_photographs
from autolabel_core.foundation.errors import NotFoundError
from autolabel_core.foundation.paths import Paths


def seen(photograph, *seeds):
    return [np.asarray(f) for f in frames(photograph, [np.random.default_rng(s) for s in seeds])]


@pytest.mark.parametrize("size", [(600, 400), (191, 384), (40, 900), (2, 2)])
def test_frames_are_seeded_differ_and_have_one_size(size):
    rough = np.random.default_rng(3).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    photograph = Image.fromarray(rough).resize(size)
    one, again, other = seen(photograph, 1, 1, 2)
    assert one.shape == (SIZE_PX[1], SIZE_PX[0], 3)
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_twenty_two_photographs_are_shipped_each_under_its_own_name():
    photographs = shipped_photographs()
    assert len(photographs) == 22
    assert len(set(photographs.values())) == 22
    assert list(photographs) == sorted(photographs)


def test_a_missing_package_names_the_pip_line(monkeypatch):
    monkeypatch.setattr(shipped, "PACKAGES", {"no_such_package": ("a.png",)})
    with pytest.raises(NotFoundError, match=r"no_such_package, which is missing: pip install 'dag"):
        shipped_photographs()


def test_the_sheet_has_a_row_for_each_scene(tmp_path):
    truth = {f"{n}.jpg": "cat" if n < 3 else "bus" for n in range(5)}
    for key in truth:
        Image.new("RGB", SIZE_PX, "navy").save(tmp_path / key)
    records = [
        {
            "key": key,
            "label": label,
            "label_source": source,
            "taxonomy_match": {"confidence": 0.5},
        }
        for key, label, source in zip(
            truth,
            ("cat", "bus", None, "bus", "bus"),
            ("human", "auto", None, "auto", "human"),
            strict=True,
        )
    ]
    sheet = labelled_frames(records, tmp_path, truth)
    assert sheet.height == 2 * (100 + 16 + 6) + 6
    colours = {colour for _, colour in sheet.getcolors(100_000)}
    assert {(31, 95, 191), (42, 125, 60), (198, 40, 40), (119, 119, 119)} <= colours


@pytest.mark.slow
def test_one_label_a_scene_labels_nine_frames_of_ten_rightly(tmp_path, monkeypatch):
    monkeypatch.setattr(story, "FRAMES", 10)
    monkeypatch.setattr(story, "SECOND_FRAMES", 3)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    home = tmp_path / "demo-photos"
    lines = []
    report = story.run_photograph_demo(
        Paths(home, home / "collections", f"sqlite:///{home / 'ledger.sqlite'}"), lines.append
    )
    assert report["objects"] == 22 * 13 and report["human_labels"] == 22
    assert report["precision_at_threshold"] > 0.93
    assert report["accuracy_after_corrections"] > report["accuracy"] > 0.8
    assert json.loads((home / "report.json").read_text("utf-8")) == report
    assert (home / story.SHEET).stat().st_size > 50_000
    assert "ONE frame of each scene" in "\n".join(lines)
