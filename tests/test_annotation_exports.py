import csv
import json

import pyarrow.parquet as pq
from support.angle_samples import NAME, declaration, label

from autolabel_core.exports.label_exports_table import AnnotationExports


def exports(workspace):
    return AnnotationExports(workspace.open(NAME))


def test_every_document_is_exported_with_the_source_of_its_label(angles):
    ws = angles({"a": 0, "b": 5, "c": 90, "d": b""}, {"a": "left"}, batch_size=2)
    folder = exports(ws).path().parent
    rows = list(csv.DictReader((folder / "csv/documents.csv").open(encoding="utf-8")))
    assert {row["key"]: row["label_source"] for row in rows} == {
        "a": "human",
        "b": "auto",
        "c": "",
        "d": "",
    }
    lines = [json.loads(line) for line in (folder / "jsonl/documents.jsonl").open(encoding="utf-8")]
    table = pq.read_table(folder / "parquet/documents.parquet")
    assert len(lines) == table.num_rows == 4


def test_the_same_labels_give_the_same_bytes(angles, bring_up_to_date):
    ws = angles({"a": 0, "b": 5, "c": 90}, {"a": "left"})
    folder = exports(ws).path().parent
    before = {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    exports(ws).path().unlink()
    bring_up_to_date(ws, NAME)
    assert {
        p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    } == before


def test_a_new_label_reaches_the_exports(angles, bring_up_to_date):
    ws = angles({"a": 0, "b": 5}, {"a": "left"})
    label(ws, {"a": "right"})
    bring_up_to_date(ws, NAME)
    rows = csv.DictReader((exports(ws).path().parent / "csv/documents.csv").open(encoding="utf-8"))
    assert {row["key"]: row["label"] for row in rows} == {"a": "right", "b": "right"}


def test_a_format_that_is_declared_no_more_is_removed(angles, home, bring_up_to_date):
    ws = angles({"a": 0})
    home.declare(NAME, {**declaration(), "exports": {"formats": ["jsonl"]}})
    bring_up_to_date(home.workspace, NAME)
    folder = exports(ws).path().parent
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {"jsonl"}
    assert exports(home.workspace).report()["formats"] == [
        {"format": "jsonl", "documents": 1, "skipped": 0}
    ]


def test_images_are_exported_in_folders_by_label(workspace, home, bring_up_to_date):
    colours = declaration()
    colours["feature_extractor"]["feature_extractor_name"] = "colour_extractor"
    colours["exports"] = {"formats": ["image_folder"]}
    objects = {"r0.png": (200, 0, 0), "r1.png": (210, 0, 0), "b.png": (0, 0, 200)}
    ws = workspace({NAME: colours}, {NAME: objects})
    bring_up_to_date(ws, NAME)
    label(ws, {"r0.png": "red"})
    bring_up_to_date(ws, NAME)
    folder = exports(ws).path().parent / "image_folder"
    found = {str(p.relative_to(folder)) for p in folder.rglob("*.png")}
    assert found == {"red/r0.png", "red/r1.png"}


def test_a_field_declared_since_the_last_sweep_is_empty_and_stops_nothing(angles, home):
    angles({"a": 0, "b": 5}, {"a": "left"}, batch_size=1)
    declared = declaration()
    declared["feature_extractor"]["field_passthrough"] = ["side", "room", "floor"]
    home.declare(NAME, {**declared, "batch_size": 1})
    assert exports(home.workspace).documents().num_rows == 2


def test_there_is_nothing_to_export_before_the_first_sweep(workspace):
    ws = workspace({NAME: declaration()})
    assert exports(ws).stale() == []
    assert exports(ws).documents().num_rows == 0
