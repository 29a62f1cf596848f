"""Exports replace only what an export wrote, in one step, and say what is wrong."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pyarrow as pa
import pytest
from support.export_samples import (
    ROWS,
    document,
    png,
    read_back,
    table,
)

from autolabel_core.exports import write_export
from autolabel_core.exports.atomic_folder import MARKER
from autolabel_core.foundation.errors import AutolabelError


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
