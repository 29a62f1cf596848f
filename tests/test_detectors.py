"""Detectors: held to their contract, cleaned the same way each time, large images in tiles."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from test_written_manifests import DETECTIONS, EMBEDDING, installed

from autolabel_core.declarations import Detection
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.models.detectors import (
    DeclaredDetector,
    Detections,
    DetectorManifest,
    DetectorSettings,
    Weights,
    load_detector,
)
from autolabel_core.models.detectors.detections import cleaned
from autolabel_core.models.detectors.tiles import merged, tiles_px
from autolabel_core.models.extractors import Manifest

SETTINGS = DetectorSettings()


def found(*rows):
    """Detections from (x1, y1, x2, y2, confidence, class)."""
    boxes = np.array([row[:4] for row in rows], np.float64).reshape(-1, 4)
    return Detections(boxes, np.array([r[4] for r in rows], float), tuple(r[5] for r in rows))


class Given:
    """A detector that returns what it was given."""

    def __init__(self, answer=None, manifest=None):
        self.answer, self.manifest = answer, manifest or DetectorManifest("given", "1.0.0")

    def detect(self, images):
        return self.answer


def declared(monkeypatch, detector, **keys):
    installed(monkeypatch, given=lambda version, settings: detector)
    return DeclaredDetector(
        Detection(detector_name="given", **keys), Weights(None, "", "1.0.0"), SETTINGS.folder
    )


BROKEN = {
    "no list": (None, "NoneType, expected a list of 2 Detections"),
    "too few": ([Detections()], "a list of 1, expected a list of 2"),
    "something else": ([Detections(), []], "list for image 1, expected"),
    "a box of three numbers": (
        [Detections(), Detections(np.zeros((1, 3)), np.ones(1), ("a",))],
        "expected (1, 4) and (1,)",
    ),
    "not finite": (
        [Detections(), found((0, 0, np.nan, 1, 0.5, "a"))],
        "a number that is not finite for image 1",
    ),
    "a confidence in percent": (
        [found((0, 0, 1, 1, 50, "a")), Detections()],
        "a confidence outside 0 to 1 for image 0",
    ),
}


@pytest.mark.parametrize("answer, said", BROKEN.values(), ids=BROKEN)
def test_what_breaks_the_contract_is_named(monkeypatch, answer, said):
    detector = declared(monkeypatch, Given(answer))
    with pytest.raises(AutolabelError) as raised:
        detector.detect([Image.new("RGB", (8, 8))] * 2)
    assert str(raised.value).startswith("The detector `given` returned")
    assert said in str(raised.value)


def test_boxes_are_cleaned_and_in_an_order_that_is_always_the_same():
    rows = [
        (0, 0, 4, 4, 0.5, "b"),
        (0, 0, 4, 4, 0.5, "a"),
        (-3, -3, 5, 5, 0.9, "a"),
        (7.4, 0, 9, 9, 0.8, "a"),
        (20, 20, 30, 30, 0.8, "a"),
        (2, 0, 4, 4, 0.5, "a"),
        (0, 0, 4, 4, 0.2, "a"),
        (0, 0, 4, 4, 0.7, "c"),
    ]
    expected = [
        ("a", 0.9, [0, 0, 5, 5]),
        ("a", 0.5, [0, 0, 4, 4]),
        ("a", 0.5, [2, 0, 4, 4]),
        ("b", 0.5, [0, 0, 4, 4]),
    ]
    for order in (rows, rows[::-1]):
        kept = cleaned(found(*order), (8, 8), 0.25, {"a", "b"}, 10)
        names = zip(kept.class_names, kept.confidence.tolist(), kept.xyxy_px.tolist(), strict=True)
        assert list(names) == expected
    assert len(cleaned(found(*rows), (8, 8), 0.25, None, 2)) == 2


@given(st.integers(1, 400), st.integers(1, 400), st.integers(32, 200), st.floats(0, 0.9))
def test_tiles_cover_every_pixel_and_overlap_enough(width, height, size, overlap):
    tiles = tiles_px(width, height, size, overlap)
    seen = np.zeros((height, width), bool)
    for left, top, right, bottom in tiles:
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        assert (right - left, bottom - top) == (min(size, width), min(size, height))
        seen[top:bottom, left:right] = True
    assert seen.all()
    lefts = sorted({tile[0] for tile in tiles})
    if len(lefts) > 1:
        assert max(np.diff(lefts)) <= max(1, size * (1 - overlap)) + 1


def test_an_object_that_two_squares_saw_is_one_and_neighbours_stay_two():
    parts = np.array([0, 1, 0, 0, 1])
    rows = found(
        (0, 0, 10, 10, 0.9, "a"),
        (5, 0, 10, 10, 0.95, "a"),
        (5, 0, 10, 10, 0.8, "b"),
        (1, 1, 9, 9, 0.7, "a"),
        (40, 0, 50, 10, 0.6, "a"),
    )
    kept = merged(rows, parts, 0.7)
    assert list(
        zip(kept.class_names, kept.confidence.tolist(), kept.xyxy_px.tolist(), strict=True)
    ) == [
        ("a", 0.95, [0, 0, 10, 10]),
        ("b", 0.8, [5, 0, 10, 10]),
        ("a", 0.7, [1, 1, 9, 9]),
        ("a", 0.6, [40, 0, 50, 10]),
    ]


def test_tiles_find_what_the_whole_finds(blocks):
    from support.detection_samples import NAME, declaration, detections_of
    from support.toy_detectors import scene

    large = scene(
        (10, 10, 20, 20, (200, 0, 0)),
        (60, 30, 76, 46, (0, 220, 0)),
        (0, 70, 150, 90, (0, 0, 240)),
        size=(160, 100),
    )
    ws = blocks({"large.png": large}, declaration(tiles={"size_px": 64, "overlap": 0.25}))
    rows = detections_of(ws, "large.png", NAME)
    assert {r["detected_class"]: r["xyxy_px"] for r in rows} == {
        "red": [10, 10, 20, 20],
        "green": [60, 30, 76, 46],
        "blue": [0, 70, 150, 90],
    }
    assert len(rows) == 3


WRITTEN = {
    "feature_extractor_name": "given",
    "version": "1.0.0",
    "features": [DETECTIONS, EMBEDDING],
    "input_mappings": {"image": "image"},
}
WRONG_MANIFESTS = {
    "no boxes": ({**WRITTEN, "features": [EMBEDDING]}, "has 0 features of the type `json`"),
    "two inputs": ({**WRITTEN, "input_mappings": {"image": "a", "text": "b"}}, "`image` alone"),
    "another version": ({**WRITTEN, "version": "2.0.0"}, "`version` is '2.0.0', expected '1.0.0'"),
    "another name": ({**WRITTEN, "feature_extractor_name": "x"}, "expected 'given'"),
    "nothing": (None, "is a NoneType, expected autolabel_core.DetectorManifest"),
    "a name for no URI": (
        {**WRITTEN, "features": [{**DETECTIONS, "feature_name": "a/b"}]},
        "a/b",
    ),
}


@pytest.mark.parametrize("manifest, said", WRONG_MANIFESTS.values(), ids=WRONG_MANIFESTS)
def test_a_wrong_manifest_is_named(monkeypatch, manifest, said):
    detector = Given()
    detector.manifest = manifest
    installed(monkeypatch, given=lambda version, settings: detector)
    with pytest.raises(AutolabelError) as raised:
        load_detector("given", "1.0.0", SETTINGS, {})
    assert said in str(raised.value)


class Encoder:
    """An image extractor of some dimension."""

    min_side_px = 32

    def __init__(self, dim):
        self.manifest = Manifest("encoder", "v1", "clip", "image", dim)


def test_the_written_dimension_must_be_the_extractors(monkeypatch):
    detector = declared(monkeypatch, Given(manifest=WRITTEN))
    crops = detector.crops(Encoder(512)).manifest
    assert crops.feature_uri == "autolabel://given@1.0.0/detection_embedding_encoder_v1_clip"
    assert crops.answers_to("mixpeek://given@1.0.0/detection_embedding")
    assert crops.answers_to("autolabel://encoder@v1/clip")
    assert not crops.answers_to("autolabel://given@2.0.0/detection_embedding")
    assert not crops.answers_to("autolabel://encoder@v2/clip")
    assert crops.encoder_uri == "autolabel://encoder@v1/clip"
    with pytest.raises(AutolabelError, match="promises vectors of 512 dimensions"):
        detector.crops(Encoder(3))


def test_the_detector_of_the_documents_works(monkeypatch):
    text = (Path(__file__).parents[1] / "docs" / "extractors.md").read_text(encoding="utf-8")
    code = re.search(r"## Your own detector.*?```python\n(.*?)```", text, re.DOTALL)[1]
    names = {}
    exec(code, names)
    installed(monkeypatch, bright=names["bright"])
    detector = DeclaredDetector(
        Detection(detector_name="bright"), Weights(None, "", "1.0.0"), SETTINGS.folder
    )
    image = Image.new("RGB", (20, 10))
    image.paste((255, 255, 255), (5, 2, 9, 8))
    one, nothing = detector.detect([image, Image.new("RGB", (8, 8))])
    assert one.xyxy_px.tolist() == [[5, 2, 9, 8]]
    assert len(nothing) == 0
