from __future__ import annotations

import csv
import errno
import importlib.util
import io
import json
import os
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from autolabel_core.errors import AutolabelError, UnreadableItemError
from autolabel_core.exports import FORMATS, write_export
from autolabel_core.exports.folder import MARKER
from autolabel_core.exports.naming import (
    MAX_NAME_BYTES,
    file_stem,
    file_suffix,
    safe_name,
    unique_names,
)

SCHEMA = pa.schema(
    [
        ("document_id", pa.string()),
        ("key", pa.string()),
        ("label", pa.string()),
        ("label_source", pa.string()),
        ("matched", pa.bool_()),
        ("confidence", pa.float64()),
        ("source_document_id", pa.string()),
        ("content_hash", pa.string()),
        ("media_type", pa.string()),
        ("object_category", pa.string()),
    ]
)
MATCH = ("matched", "confidence", "source_document_id")
NASTY = [
    "Shoes > Running > Red",
    "a/b",
    "..",
    "../../etc",
    ".hidden",
    "ünï 👟",
    "a\nb",
    "q\"u,o'te",
    "x" * 300,
    "Cat",
    "cat",
    "CAT",
    "con",
    "50%",
    "50%25",
    " space ",
    "documents.csv",
    "metadata.csv",
]


def document(number, label=None, source=None, **more):
    return {
        "document_id": f"doc_{number:04}",
        "key": f"in/photo {number}.png",
        "label": label,
        "label_source": source,
        "matched": source == "auto",
        "confidence": number / 16,
        "source_document_id": "doc_0000" if source == "auto" else None,
        "content_hash": f"hash{number}",
        "media_type": "image/png",
        "object_category": None if number % 2 else f"category, {number}",
    } | more


def table(rows):
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def png(key):
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), (len(key) % 256, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def text(key):
    return f"\ufefftext of {key}\nsecond line".encode()


ROWS = [
    document(3, "cat", "human"),
    document(1, "dog", "auto"),
    document(2),
    document(4, "cat", "promoted"),
    document(5, "", "human"),
    document(6, "cat", "auto", confidence=None),
]
NASTY_ROWS = [document(n, label, "human") for n, label in enumerate(NASTY)]


def read_back(fmt, out):
    """What an export holds, as documents; the folder formats know five of the columns."""
    if fmt == "csv":
        types = pa_csv.ConvertOptions(
            column_types=SCHEMA, strings_can_be_null=True, quoted_strings_can_be_null=False
        )
        parsing = pa_csv.ParseOptions(newlines_in_values=True)
        return pa_csv.read_csv(out / "documents.csv", None, parsing, types)
    if fmt == "parquet":
        return pq.read_table(out / "documents.parquet")
    if fmt == "jsonl":
        lines = (out / "documents.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
        rows = [json.loads(line) for line in lines]
        return table([row | row["taxonomy_match"] for row in rows])
    index = out / ("documents.csv" if fmt == "image_folder" else "data/train/metadata.csv")
    with index.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


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


@pytest.mark.parametrize("fmt", ["image_folder", "huggingface"])
@pytest.mark.parametrize("rows", [ROWS, NASTY_ROWS], ids=["plain", "nasty"])
def test_a_folder_holds_every_labelled_file_and_leads_back_to_its_key(fmt, rows, tmp_path):
    out = tmp_path / "out"
    report = write_export(fmt, table(rows), out, png)
    root = out if fmt == "image_folder" else out / "data/train"
    index = read_back(fmt, out)
    labelled = sorted((r for r in rows if r["label"] is not None), key=lambda r: r["key"])
    assert next(iter(index[0])) == "file_name"
    assert [row["key"] for row in index] == [row["key"] for row in labelled]
    assert [row["label"] for row in index] == [row["label"] for row in labelled]
    assert [row["label_source"] for row in index] == [row["label_source"] for row in labelled]
    confidences = ["" if r["confidence"] is None else r["confidence"] for r in labelled]
    assert [row["confidence"] and float(row["confidence"]) for row in index] == confidences
    for row in index:
        path = root / row["file_name"]
        assert path.read_bytes() == png(row["key"])
        assert path.resolve().is_relative_to(root.resolve())
        assert path.suffix == ".png"
        assert len(Path(row["file_name"]).parts) == 2
    folded = {row["file_name"].casefold() for row in index}
    assert len(folded) == len(index) == report.written
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
    written = (tmp_path / "data/train.jsonl").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in written.splitlines()]
    assert [(line["text"], line["label"], line["key"]) for line in lines] == [
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
    assert config["data_files"] == [{"split": "train", "path": "data/train/**"}]
    assert "5 documents in 3 classes" in body


def test_images_and_texts_together_are_two_configurations(tmp_path):
    rows = [document(1, "a", "human"), document(2, "b", "human", media_type="text/plain")]
    report = write_export("huggingface", table(rows), tmp_path, png)
    assert [c["config_name"] for c in front_matter(tmp_path)[0]["configs"]] == ["images", "texts"]
    assert report.written + len(report.unreadable) == 2


@pytest.mark.skipif(not importlib.util.find_spec("datasets"), reason="datasets is not installed")
def test_hugging_face_datasets_reads_the_folder(tmp_path):
    import datasets

    write_export("huggingface", table(NASTY_ROWS), tmp_path / "out", png)
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert sorted(loaded["train"]["label"]) == sorted(NASTY)


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


def test_an_earlier_export_is_replaced_whole(tmp_path):
    out = tmp_path / "out"
    write_export("image_folder", table(ROWS), out, png)
    (out / ".DS_Store").write_bytes(b"litter of a desktop")
    write_export("csv", table(ROWS), out)
    assert sorted(p.name for p in out.iterdir()) == [MARKER, "documents.csv"]
    assert json.loads((out / MARKER).read_text())["format"] == "csv"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("spoil", ["foreign", "added", "fake marker", "file"])
def test_what_no_export_wrote_is_never_removed(spoil, tmp_path):
    out = tmp_path / "out"
    if spoil == "file":
        out.write_text("mine")
    elif spoil == "added":
        write_export("csv", table(ROWS), out)
        (out / "notes.txt").write_text("mine")
    else:
        out.mkdir()
        (out / "notes.txt").write_text("mine")
        (out / MARKER).write_text("[]" if spoil == "fake marker" else "{}")
    with pytest.raises(AutolabelError, match="Choose another folder"):
        write_export("csv", table(ROWS), out)
    kept = out if spoil == "file" else out / "notes.txt"
    assert kept.read_text() == "mine"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def full_disk(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("there_before", [True, False])
def test_a_full_disk_leaves_what_was_there(there_before, tmp_path, monkeypatch):
    out = tmp_path / "deep" / "out"
    if there_before:
        write_export("csv", table(ROWS), out)
    before = {p.name: p.read_bytes() for p in out.iterdir()} if there_before else None
    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(AutolabelError, match="full disk"):
        write_export("image_folder", table(ROWS), out, png)
    assert [p.name for p in out.parent.iterdir()] == (["out"] if there_before else [])
    if there_before:
        assert {p.name: p.read_bytes() for p in out.iterdir()} == before


@pytest.mark.parametrize("error", [RuntimeError, OSError(errno.EIO, "a broken disk")])
def test_any_other_error_is_passed_on_and_leaves_nothing(error, tmp_path):
    def failing(_):
        raise error

    with pytest.raises(type(error) if isinstance(error, OSError) else error):
        write_export("image_folder", table(ROWS), tmp_path / "out", failing)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("there_before", [True, False])
def test_where_the_last_rename_fails_all_is_as_before(there_before, tmp_path, monkeypatch):
    out = tmp_path / "out"
    if there_before:
        write_export("csv", table(ROWS), out)
    rename = Path.rename

    def failing(self, target):
        if self.suffix == ".partial":
            raise PermissionError(errno.EACCES, "not now")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(PermissionError):
        write_export("parquet", table(ROWS), out)
    assert (out / "documents.csv").is_file() is there_before
    assert [p.name for p in tmp_path.iterdir()] == ["out"] * there_before


def test_a_link_to_a_folder_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    write_export("csv", table(ROWS), tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real/documents.csv").is_file()


WRONG = [
    ("an unknown format", {"fmt": "parquett"}, 'Did you mean "parquet"'),
    ("an unknown source", {"label_sources": ["humans"]}, 'Did you mean "human"'),
    ("a missing column", {"documents": table(ROWS).drop_columns(["key"])}, "missing: key"),
    ("no reader", {"fmt": "image_folder", "read_object": None}, "csv, parquet or jsonl"),
    (
        "a column in the way",
        {
            "fmt": "jsonl",
            "documents": table(ROWS).append_column("taxonomy_match", pa.nulls(6, pa.string())),
        },
        "another target",
    ),
]


@pytest.mark.parametrize(("given", "message"), [r[1:] for r in WRONG], ids=[r[0] for r in WRONG])
def test_a_mistake_is_named_and_nothing_is_written(given, message, tmp_path):
    asked = {"fmt": "csv", "documents": table(ROWS), "read_object": png} | given
    with pytest.raises(AutolabelError, match=message):
        write_export(out=tmp_path / "out", **asked)
    assert list(tmp_path.iterdir()) == []


def test_an_unreachable_bucket_does_not_replace_an_export_by_nothing(tmp_path):
    out = tmp_path / "out"
    write_export("image_folder", table(ROWS), out, png)

    def unreachable(key):
        raise FileNotFoundError(f"No {key}.")

    with pytest.raises(AutolabelError, match="None of the 5 labelled objects"):
        write_export("image_folder", table(ROWS), out, unreachable)
    assert len(read_back("image_folder", out)) == 5


@pytest.mark.parametrize("fmt", ["image_folder", "huggingface"])
def test_nothing_labelled_is_an_empty_export(fmt, tmp_path):
    report = write_export(fmt, table([document(1)]), tmp_path, png)
    assert (report.written, report.skipped) == (0, {"unlabelled": 1})
    assert read_back(fmt, tmp_path) == []


@given(st.text(min_size=1, max_size=30))
def test_a_safe_name_is_one_segment_that_reads_back(name):
    safe = safe_name(name)
    assert safe
    assert not set(safe) & set('/\\:*?"<>|\n\r\x00')
    assert not safe.startswith((".", "__"))
    assert not safe.endswith((".", " "))
    assert unquote(safe) == name


@given(st.lists(st.text("aA.é%/~", max_size=4) | st.text(max_size=400), max_size=12))
def test_names_are_never_given_twice(texts):
    names = unique_names([safe_name(text) for text in texts], ["same tail"] * len(texts), ["a"])
    assert len({name.casefold() for name in names} | {"a"}) == len(names) + 1
    assert all(len(name.encode()) <= MAX_NAME_BYTES for name in names)


@pytest.mark.parametrize(
    ("key", "stem"),
    [
        ("a/b/c.png", "a__b__c"),
        ("/a//b.png", "a__b"),
        ("../../etc/passwd", "%2E%2E__%2E%2E__etc__passwd"),
        (".hidden", "%2Ehidden"),
        ("2026.01.02", "2026.01.02"),
        ("/", "%2F"),
    ],
)
def test_a_key_becomes_a_readable_stem(key, stem):
    assert file_stem(key) == stem


@pytest.mark.parametrize(
    ("key", "media_type", "suffix"),
    [
        ("a.JPG", "image/jpeg", ".JPG"),
        ("a.png", "image/jpeg", ".jpg"),
        ("a", "image/webp", ".webp"),
        ("a.md", "text/markdown", ".txt"),
        ("a.pdf", "application/pdf", ".pdf"),
        ("a.p/d:f", "application/pdf", ".bin"),
    ],
)
def test_the_suffix_tells_what_the_file_is(key, media_type, suffix):
    assert file_suffix(key, media_type) == suffix
