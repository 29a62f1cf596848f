"""Labels of whole images that were given elsewhere: right, or refused with the names."""

import json

import pytest
from click.testing import CliRunner
from conftest import ANGLES

from autolabel_app.cli import root
from autolabel_core.exports import write_export
from autolabel_core.exports.label_exports_table import AnnotationExports
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.labelling.import_formats.image_labels import LABEL_FORMATS, read_labels
from autolabel_core.labelling.label_sources import (
    folder_hint,
    folders_like_classes,
    labels_for_keys,
    labels_from_folders,
)

OBJECTS = {"cat/1.txt": 0, "cat/2.txt": 5, "dog/1.txt": 90, "dog/3.txt": 80}


@pytest.fixture
def angles(home, toy_extractors, monkeypatch):
    home.declare("c", ANGLES)
    home.put("c", OBJECTS)
    monkeypatch.setenv("AUTOLABEL_HOME", str(home.paths.home))
    monkeypatch.setenv("AUTOLABEL_COLLECTIONS", str(home.paths.collections))
    return home


def coco(*labels):
    images = [{"id": n, "file_name": name} for n, (name, _) in enumerate(labels)]
    classes = sorted({label for _, label in labels})
    return {
        "images": images,
        "categories": [{"id": n, "name": name} for n, name in enumerate(classes)],
        "annotations": [
            {"image_id": n, "category_id": classes.index(label)}
            for n, (_, label) in enumerate(labels)
        ],
    }


def task(name, *choices):
    results = [
        {"type": "choices", "from_name": "kind", "to_name": "image", "value": {"choices": [c]}}
        for c in choices
    ]
    return {"data": {"image": name}, "annotations": [{"result": results}]}


FILES = {
    "coco": coco(("cat/1.txt", "cat"), ("3.txt", "dog")),
    "label_studio": [task("cat/1.txt", "cat"), task("/data/upload/1/0a1b2c3d-3.txt", "dog")],
    "fiftyone": {"classes": ["cat", "dog"], "labels": {"cat/1.txt": 0, "3.txt": 1, "2.txt": None}},
}


@pytest.mark.parametrize("fmt", FILES)
def test_a_file_of_another_tool_gives_labels_by_key(angles, tmp_path, fmt):
    (tmp_path / "in.json").write_text(json.dumps(FILES[fmt]))
    parsed, found = read_labels(tmp_path / "in.json")
    assert found == fmt
    given = labels_for_keys(angles.workspace.open("c"), parsed.labels)
    assert {g.key: g.label for g in given} == {"cat/1.txt": "cat", "dog/3.txt": "dog"}
    assert len(parsed.notes) == (fmt == "fiftyone")


def test_samples_of_fiftyone_are_read(angles, tmp_path):
    samples = [
        {"filepath": "data/cat/1.txt", "ground_truth": {"_cls": "Classification", "label": "cat"}},
        {"filepath": "data/dog/3.txt"},
    ]
    (tmp_path / "samples.json").write_text(json.dumps({"samples": samples}))
    parsed, _ = read_labels(tmp_path)
    assert [(label.image.path, label.label) for label in parsed.labels] == [
        ("data/cat/1.txt", "cat")
    ]
    assert "is not classified" in parsed.notes[0]


def test_folders_of_classes_and_hugging_face_are_read(angles, tmp_path):
    for name in ("train/cat/1.txt", "test/dog/3.txt", "README.txt"):
        (tmp_path / "plain" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "plain" / name).write_text("x")
    parsed, found = read_labels(tmp_path / "plain")
    assert (found, len(parsed.notes)) == ("image_folder", 1)
    given = labels_for_keys(angles.workspace.open("c"), parsed.labels)
    assert {g.key: g.label for g in given} == {"cat/1.txt": "cat", "dog/3.txt": "dog"}
    (tmp_path / "hub/train").mkdir(parents=True)
    (tmp_path / "hub/README.md").write_text(
        "---\ndataset_info:\n  features:\n  - name: label\n    dtype:\n      class_label:\n"
        "        names: {'0': no, '1': yes}\n---\n"
    )
    rows = [{"file_name": "cat/1.txt", "label": 0}, {"file_name": "3.txt", "label": "dog"}]
    (tmp_path / "hub/train/metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    parsed, found = read_labels(tmp_path / "hub")
    given = labels_for_keys(angles.workspace.open("c"), parsed.labels)
    assert {g.key: g.label for g in given} == {"cat/1.txt": "no", "dog/3.txt": "dog"}


REFUSED = {
    "two labels": (coco(("cat/1.txt", "a"), ("cat/1.txt", "b")), "lead to the one key 'cat/1.txt'"),
    "several choices": ([task("cat/1.txt", "a", "b")], "is 'a' and 'b'; a document has one"),
    "two keys": (coco(("1.txt", "a")), "'1.txt' fits 'cat/1.txt' and 'dog/1.txt'"),
    "no key": (coco(("bird/1.txt", "a")), "In another folder there is 'cat/1.txt' or 'dog/1.txt'"),
    "a truth value": ({"classes": ["a", "b"], "labels": {"cat/1.txt": True}}, "the label is True"),
    "a list": ({"classes": ["a"], "labels": {"cat/1.txt": [0]}}, "has several labels"),
    "a class out of range": ({"classes": ["a"], "labels": {"cat/1.txt": 1}}, "the class 1 of 1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_labels_that_are_not_plain_are_refused_with_the_names(angles, tmp_path, case):
    content, says = REFUSED[case]
    (tmp_path / "in.json").write_text(json.dumps(content))
    with pytest.raises(AutolabelError, match=says):
        labels_for_keys(angles.workspace.open("c"), read_labels(tmp_path / "in.json")[0].labels)


ROWS_REFUSED = {
    "a list": ("metadata.jsonl", '{"file_name": "cat/1.txt", "label": ["a", "b"]}', "label is"),
    "no object": ("metadata.jsonl", '["cat/1.txt", "a"]', "line 1: expected an object"),
    "a column twice": ("metadata.csv", "file_name,label,label\ncat/1.txt,a,b\n", "occurs twice"),
    "a long row": ("metadata.csv", "file_name,label\ncat/1.txt,a,b\n", "line 2: expected 2 col"),
}


@pytest.mark.parametrize("case", ROWS_REFUSED)
def test_rows_that_are_not_plain_are_refused(tmp_path, case):
    name, text, says = ROWS_REFUSED[case]
    (tmp_path / name).write_text(text)
    with pytest.raises(AutolabelError, match=says):
        read_labels(tmp_path)


@pytest.mark.parametrize("missing", ["", "null", "NaN", "None"])
def test_what_has_no_label_elsewhere_is_left_out_and_takes_no_label_away(angles, tmp_path, missing):
    run(angles, "cat/1.txt", "tiger")
    (tmp_path / "l.csv").write_text(f"image,class\ncat/1.txt,{missing}\n3.txt,dog\n")
    labels = run(angles, "--csv", str(tmp_path / "l.csv"), "--columns", "image,class")
    assert labels == {"cat/1.txt": "tiger", "dog/3.txt": "dog"}
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub/metadata.csv").write_text(f"file_name,label\ncat/1.txt,{missing}\n")
    assert run(angles, "--file", str(tmp_path / "hub")) == labels
    assert "'cat/1.txt'" in read_labels(tmp_path / "hub")[0].notes[0]
    if missing:
        given = {"classes": None, "labels": {"cat/1.txt": missing}}
        (tmp_path / "in.json").write_text(json.dumps(given))
        assert run(angles, "--file", str(tmp_path / "in.json")) == labels


def test_a_folder_called_null_is_no_withdrawal(home, toy_extractors, monkeypatch):
    home.declare("c", ANGLES)
    home.put("c", {"null/1.txt": 0, "dog/1.txt": 90})
    monkeypatch.setenv("AUTOLABEL_HOME", str(home.paths.home))
    monkeypatch.setenv("AUTOLABEL_COLLECTIONS", str(home.paths.collections))
    run(home, "null/1.txt", "cat")
    collection = home.workspace.open("c")
    given, notes = labels_from_folders(collection)
    assert [g.key for g in given] == ["dog/1.txt"] and len(notes) == 1
    assert run(home, "--from-folders") == {"null/1.txt": "cat", "dog/1.txt": "dog"}


def test_a_choice_about_a_region_is_no_label_of_the_image(angles, tmp_path):
    region = {"id": "r", "type": "rectangle", "value": {"x": 1, "y": 1, "width": 2, "height": 2}}
    about = {"id": "r", "type": "choices", "value": {**region["value"], "choices": ["blurred"]}}
    content = [{"data": {"image": "cat/1.txt"}, "annotations": [{"result": [region, about]}]}]
    (tmp_path / "in.json").write_text(json.dumps(content))
    parsed, _ = read_labels(tmp_path / "in.json")
    assert parsed.labels == [] and "nothing is chosen" in parsed.notes[0]


def run(home, *arguments):
    result = CliRunner().invoke(root, ["label", "c", *arguments])
    assert result.exit_code == 0, result.exception
    return {e.key: e.label for e in home.workspace.ledger.annotations("c")}


def test_the_folders_of_keys_are_labels_and_people_keep_theirs(angles):
    run(angles, "cat/1.txt", "tiger")
    labels = run(angles, "--from-folders")
    assert labels == {
        "cat/1.txt": "tiger",
        "cat/2.txt": "cat",
        "dog/1.txt": "dog",
        "dog/3.txt": "dog",
    }
    given, notes = labels_from_folders(angles.workspace.open("c"))
    assert given == [] and notes == ["4 documents that have a label of a person already keep it."]


def test_a_csv_with_other_columns_is_told_which_are_meant(angles, tmp_path):
    (tmp_path / "l.csv").write_text("image,class,score\ncat/1.txt,cat,1\n3.txt,dog,2\n")
    refused = CliRunner().invoke(root, ["label", "c", "--csv", str(tmp_path / "l.csv")])
    assert refused.exit_code == 1 and "--columns KEY_COLUMN,LABEL_COLUMN" in str(refused.exception)
    labels = run(angles, "--csv", str(tmp_path / "l.csv"), "--columns", "image,class")
    assert labels == {"cat/1.txt": "cat", "dog/3.txt": "dog"}


def test_folders_look_like_classes_where_there_are_several_and_nothing_lies_loose(angles):
    assert folders_like_classes(OBJECTS) == {"cat": 2, "dog": 2}
    assert folders_like_classes(
        ["train/cat/1.png", "val/dog/1.png", "val/dog/2.png", "val/cat/3.png"]
    )
    assert folders_like_classes([*OBJECTS, "loose.txt"]) == {}
    assert folders_like_classes(["a/1", "a/2"]) == {} == folders_like_classes(["a/1", "b/2"])
    assert folders_like_classes(["a/b/1", "a/b/2", "c/d/1", "c/d/2"]) == {}


def test_a_sweep_says_that_folders_may_be_labels(angles, bring_up_to_date):
    bring_up_to_date(angles.workspace, "c")
    hint = folder_hint(angles.workspace.open("c"))
    assert "the keys lie in 2 folders (cat, dog)" in hint and "label c --from-folders" in hint
    run(angles, "cat/1.txt", "tiger")
    assert folder_hint(angles.workspace.open("c")) is None


@pytest.mark.parametrize("fmt", ["image_folder", "huggingface"])
def test_our_own_folders_give_every_label_back(angles, bring_up_to_date, tmp_path, fmt):
    run(angles, "--from-folders")
    bring_up_to_date(angles.workspace, "c")
    exports = AnnotationExports(angles.workspace.open("c"))
    write_export(fmt, exports.documents(), tmp_path / "out", exports.read_object())
    parsed, found = read_labels(tmp_path / "out")
    given = labels_for_keys(angles.workspace.open("c"), parsed.labels)
    assert found == fmt
    assert {g.key: g.label for g in given} == {key: key.split("/")[0] for key in OBJECTS}
    assert set(LABEL_FORMATS) >= {fmt}
