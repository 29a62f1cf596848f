"""Every format holds what it promises, reads back equal, and is the same bytes again."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pyarrow as pa
import pytest
import yaml
from support.export_samples import (
    MATCH,
    NASTY_ROWS,
    ROWS,
    SCHEMA,
    document,
    png,
    read_back,
    table,
    text,
)

from autolabel_core.exports import FORMATS, write_export
from autolabel_core.foundation.errors import UnreadableItemError


@pytest.mark.parametrize("fmt", ["csv", "parquet", "jsonl"])
@pytest.mark.parametrize("rows", [ROWS, NASTY_ROWS, []], ids=["plain", "nasty", "none"])
def test_a_table_holds_every_document_and_reads_back_equal(fmt, rows, tmp_path):
    report = write_export(fmt, table(rows), tmp_path / "out")
    expected = table(sorted(rows, key=lambda row: row["key"]))
    assert read_back(fmt, tmp_path / "out").to_pylist() == expected.to_pylist()
    assert report.written == len(rows)
    assert report.skipped == {}


def test_each_line_nests_the_match(tmp_path):
    write_export("jsonl", table([document(1, "dog", "auto", confidence=float("nan"))]), tmp_path)
    line = json.loads((tmp_path / "documents.jsonl").read_text())
    match = {"matched": True, "confidence": None, "source_document_id": "doc_0000"}
    assert line["taxonomy_match"] == match
    assert not set(MATCH) & set(line)


def test_lines_are_those_of_json_itself(tmp_path):
    """The writer goes column by column; here each row is put together and given to json."""
    rows = [
        *NASTY_ROWS,
        document(1, "100 %", "auto", confidence=float("inf")),
        document(2, None, None),
    ]
    extra = pa.array([f"{i} % 'of' \\ \u2028" for i in range(len(rows))])
    documents = table(rows).append_column('odd %s "name"', extra)
    write_export("jsonl", documents, tmp_path)
    expected = []
    for row in sorted(documents.to_pylist(), key=lambda row: row["key"]):
        finite = row["confidence"] is not None and math.isfinite(row["confidence"])
        row["confidence"] = row["confidence"] if finite else None
        nested = {}
        for name, value in row.items():
            if name in MATCH:
                nested["taxonomy_match"] = {part: row[part] for part in MATCH}
            else:
                nested[name] = value
        expected.append(json.dumps(nested, ensure_ascii=False) + "\n")
    assert (tmp_path / "documents.jsonl").read_text(encoding="utf-8") == "".join(expected)


@pytest.mark.parametrize("fmt", ["image_folder", "huggingface"])
@pytest.mark.parametrize("rows", [ROWS, NASTY_ROWS], ids=["plain", "nasty"])
def test_a_folder_holds_every_labelled_file_and_leads_back_to_its_key(fmt, rows, tmp_path):
    out = tmp_path / "out"
    report = write_export(fmt, table(rows), out, png)
    index = read_back(fmt, out)
    assert next(iter(index[0])) == ("file_name" if fmt == "image_folder" else "image")
    labelled = sorted((r for r in rows if r["label"] is not None), key=lambda r: r["key"])
    assert [row["key"] for row in index] == [row["key"] for row in labelled]
    assert [row["label"] for row in index] == [row["label"] for row in labelled]
    assert [row["label_source"] for row in index] == [row["label_source"] for row in labelled]
    values = [row["confidence"] for row in index]
    confidences = [None if value in ("", None) else float(value) for value in values]
    assert confidences == [r["confidence"] for r in labelled]
    for row in index:
        if fmt == "huggingface":
            assert row["image"]["bytes"] == png(row["key"])
            continue
        path = out / row["file_name"]
        assert path.read_bytes() == png(row["key"])
        assert path.resolve().is_relative_to(out.resolve())
        assert path.suffix == ".png"
        assert len(Path(row["file_name"]).parts) == 2
    names = {row.get("file_name", row["key"]).casefold() for row in index}
    assert len(names) == len(index) == report.written
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out"]


def test_each_class_is_one_folder(tmp_path):
    write_export("image_folder", table(ROWS), tmp_path, png)
    assert sorted(p.name for p in (tmp_path / "cat").iterdir()) == [
        "in__photo 3.png",
        "in__photo 4.png",
        "in__photo 6.png",
    ]
    assert (tmp_path / "dog/in__photo 1.png").is_file()


def test_texts_become_txt_files(tmp_path):
    rows = [document(1, "invoice", "human", media_type="text/markdown", key="a/b.md")]
    write_export("image_folder", table(rows), tmp_path, text)
    assert (tmp_path / "invoice/a__b.txt").read_bytes() == text("a/b.md")


def test_texts_become_lines_for_hugging_face(tmp_path):
    rows = [
        document(2, "invoice", "human", media_type="text/plain", key="b"),
        document(1, "receipt", "auto", media_type="text/plain", key="a"),
        document(3, "receipt", "auto", media_type="text/plain", key="c"),
    ]
    report = write_export(
        "huggingface", table(rows), tmp_path, lambda key: b"\xff" if key == "c" else text(key)
    )
    files = (tmp_path / "data").glob("*.jsonl")
    written = "".join(file.read_text(encoding="utf-8") for file in files)
    lines = [json.loads(line) for line in written.splitlines()]
    assert sorted((line["text"], line["label"], line["key"]) for line in lines) == [
        ("text of a\nsecond line", "receipt", "a"),
        ("text of b\nsecond line", "invoice", "b"),
    ]
    assert report.unreadable == (("c", "c is not text in UTF-8."),)
    assert not (tmp_path / "data/train").exists()


def front_matter(out):
    _, matter, body = (out / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(matter), body


def test_the_dataset_card_names_the_classes_and_where_the_files_are(tmp_path):
    write_export("huggingface", table(ROWS), tmp_path, png)
    card, body = front_matter(tmp_path)
    assert card["class_names"] == ["", "cat", "dog"]
    assert card["class_counts"] == {"cat": 3, "": 1, "dog": 1}
    assert card["label_sources"] == {"auto": 2, "human": 2, "promoted": 1}
    (config,) = card["configs"]
    for files in config["data_files"]:
        assert files["path"] == f"data/{files['split']}.parquet"
        assert (tmp_path / files["path"]).is_file()
    assert "5 documents in 3 classes" in body


def test_images_and_texts_together_are_two_configurations(tmp_path):
    rows = [document(1, "a", "human"), document(2, "b", "human", media_type="text/plain")]
    report = write_export("huggingface", table(rows), tmp_path, png)
    assert [c["config_name"] for c in front_matter(tmp_path)[0]["configs"]] == ["images", "texts"]
    assert report.written + len(report.unreadable) == 2


@pytest.mark.parametrize(("media_type", "column"), [("image/png", "image"), ("text/plain", "text")])
def test_hugging_face_datasets_reads_the_folder(tmp_path, monkeypatch, media_type, column):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    rows = [{**row, "media_type": media_type} for row in [*NASTY_ROWS, *ROWS]]
    read = png if column == "image" else text
    write_export("huggingface", table(rows), tmp_path / "out", read)
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert set(loaded) <= {"train", "validation", "test"} and len(loaded) > 1
    read_labels = {}
    for split in loaded.values():
        names = split.features["label"].names
        assert isinstance(split.features["label"], datasets.ClassLabel)
        assert names == sorted({row["label"] for row in rows if row["label"] is not None})
        read_labels |= {row["key"]: names[row["label"]] for row in split}
        assert all(row[column] for row in split)
    labelled = [row for row in rows if row["label"] is not None]
    assert read_labels == {row["key"]: row["label"] for row in labelled}


def test_the_report_says_what_went_in_and_what_did_not(tmp_path):
    def broken(key):
        if "3" in key:
            raise UnreadableItemError("Expected a picture, found half of one.")
        return b"" if "4" in key else png(key)

    report = write_export("image_folder", table(ROWS), tmp_path, broken)
    assert report.written == 3
    assert report.per_label == {"": 1, "cat": 1, "dog": 1}
    assert report.per_source == {"auto": 2, "human": 1}
    assert report.skipped == {"unlabelled": 1, "unreadable": 2}
    assert report.unreadable == (
        ("in/photo 3.png", "Expected a picture, found half of one."),
        ("in/photo 4.png", "in/photo 4.png is empty."),
    )
    assert len(read_back("image_folder", tmp_path)) == 3


def test_a_table_reports_the_unlabelled_too(tmp_path):
    report = write_export("csv", table(ROWS), tmp_path)
    assert report.per_label == {"cat": 3, "": 1, "dog": 1, "unlabelled": 1}
    assert report.per_source == {"auto": 2, "human": 2, "promoted": 1, "unlabelled": 1}


@pytest.mark.parametrize("fmt", FORMATS)
def test_only_the_label_sources_asked_for_go_in(fmt, tmp_path):
    report = write_export(fmt, table(ROWS), tmp_path, png, label_sources={"human", "promoted"})
    assert report.per_source == {"human": 2, "promoted": 1}
    assert report.skipped == {"other label source": 2, "unlabelled": 1}


@pytest.mark.parametrize("fmt", FORMATS)
def test_the_same_documents_in_another_order_give_the_same_bytes(fmt, tmp_path):
    split = pa.concat_tables([table(ROWS[3:]), table(ROWS[:3])])
    shuffled = split.select(list(reversed(SCHEMA.names)))
    for name, documents in (("one", table(ROWS)), ("two", shuffled)):
        write_export(fmt, documents, tmp_path / name, png)
    first, second = (
        {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}
        for out in (tmp_path / "one", tmp_path / "two")
    )
    assert first == second
