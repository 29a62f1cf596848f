"""The words of `detection:` and what is wrong with other words."""

from __future__ import annotations

import pytest

from autolabel_core.declarations import load_collections
from autolabel_core.foundation.errors import DeclarationError

WRONG = {
    "unknown key": ("detection:\n  weigths: a.pt", 2, "detection.weigths", "mean `weights`?"),
    "another version of the registry": (
        "detection:\n  weights: registry:2.0.0",
        2,
        "detection.weights (found `registry:2.0.0`)",
        "expected `registry:active`",
    ),
    "version for no URI": ("detection: {version: 1/2}", 1, "detection.version", "use letters"),
    "confidence in percent": (
        "detection: {confidence_threshold: 25}",
        1,
        "detection.confidence_threshold (found `25`)",
        "expected at most 1",
    ),
    "negative overlap": ("detection: {iou: -0.1}", 1, "detection.iou", "expected at least 0"),
    "tiles of one pixel": (
        "detection:\n  tiles: {size_px: 1}",
        2,
        "detection.tiles.size_px",
        "expected at least 32",
    ),
    "tiles that only overlap": (
        "detection:\n  tiles: {overlap: 1.0}",
        2,
        "detection.tiles.overlap",
        "expected at most 0.9",
    ),
    "no classes": ("detection: {classes: []}", 1, "detection.classes", "expected at least 1"),
    "a class twice": (
        "detection: {classes: [car, car]}",
        1,
        "detection.classes",
        "`car` occurs twice; remove one",
    ),
    "no detection at all": ("detection: {max_detections: 0}", 1, "max_detections", "at least 1"),
    "a field that is a column": (
        "detection: {}\nfeature_extractor: {field_passthrough: [detected_class]}",
        2,
        "feature_extractor.field_passthrough",
        "`detected_class` is a column of its own",
    ),
}


@pytest.mark.parametrize("text, line, key, cure", WRONG.values(), ids=WRONG)
def test_an_error_names_line_key_value_and_cure(tmp_path, text, line, key, cure):
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(DeclarationError) as raised:
        load_collections(tmp_path)
    message = str(raised.value)
    assert f"c.yaml:{line}: " in message
    assert key in message
    assert cure in message


def test_the_words_of_the_field_are_accepted(tmp_path):
    (tmp_path / "c.yaml").write_text(
        "detection: {feature_extractor_name: yolo_detector, version: 2.0.0, model: yolov8m.pt, "
        "conf: 0.3, iou: 0.5, max_det: 10}",
        encoding="utf-8",
    )
    found = load_collections(tmp_path)["c"].detection
    assert (found.detector_name, found.version, found.weights) == (
        "yolo_detector",
        "2.0.0",
        "yolov8m.pt",
    )
    assert (found.confidence_threshold, found.iou_threshold, found.max_detections) == (0.3, 0.5, 10)


def test_columns_of_detection_are_ordinary_fields_elsewhere(tmp_path):
    (tmp_path / "c.yaml").write_text("feature_extractor: {field_passthrough: [kind]}")
    assert load_collections(tmp_path)["c"].label_field == "kind"
