"""What systems leave in buckets is ignored and counted; tables of labels are no documents."""

from __future__ import annotations

import pytest
from test_raw_objects import COLOURS, RED, swept

from autolabel_core.operations.registration import register
from autolabel_core.storage.buckets.incidental_files import shown_names

LEFT_BEHIND = {
    "Thumbs.db": b"\xd0\xcf\x11\xe0",
    "a/desktop.ini": "[.ShellClassInfo]",
    "__MACOSX/a.png": b"x",
    "~$letter.docx": b"x",
    "b.png.crdownload": b"x",
    "labels.csv": "key,label\na.png,red\n",
    "a/labels.tsv": "\ufefffilename\tclass\n",
}


def test_they_are_ignored_and_counted(workspace):
    ws = workspace({"colours": COLOURS}, {"colours": {**LEFT_BEHIND, "a.png": RED}})
    registration = register(ws.open("colours"))
    assert registration.objects == 1
    assert set(registration.ignored) == set(LEFT_BEHIND)
    assert [*swept(ws)] == ["a.png"]


def test_a_csv_that_is_no_table_of_labels_is_an_object(workspace):
    contents = {"labels.csv": "some text without columns", "prices.csv": "key,label\n"}
    ws = workspace({"colours": COLOURS}, {"colours": contents})
    assert register(ws.open("colours")).objects == 2


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (["a/Thumbs.db"], "1 file (1 Thumbs.db)"),
        (["Thumbs.db", "a/Thumbs.db", "labels.csv"], "3 files (2 Thumbs.db, 1 labels.csv)"),
        (list("abcde"), "5 files (1 a, 1 b, 1 c, 2 other names)"),
    ],
)
def test_they_are_named_in_a_few_words(keys, words):
    assert shown_names(keys) == words
