from __future__ import annotations

import unicodedata

import pytest
from conftest import ANGLES

from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.foundation.ids import content_hash
from autolabel_core.labelling.give_labels import (
    GivenLabel,
    give_labels,
    labels_in_use,
    read_label_csv,
)
from autolabel_core.ledger import effective_annotations
from autolabel_core.storage.buckets import folder_bucket
from autolabel_core.tables.workspace import OpenCollection

FIELDS = """\
feature_extractor: {feature_extractor_name: angle_extractor, field_passthrough: [side, colour]}
taxonomy: {field_to_enrich: side, confidence_threshold: 0.9}
"""
OBJECTS = {"a.txt": 0, "b.txt": 10, 'in a/folder, with "comma".txt': 90}


@pytest.fixture
def angles(workspace):
    stores = workspace({"c": FIELDS}, {"c": OBJECTS})
    return stores, stores.collection("c")


def give(angles, *given, origin="cli"):
    return give_labels(OpenCollection(*angles), [GivenLabel(*g) for g in given], "me", origin)


def recorded(angles):
    return [(e.key, e.label) for e in angles[0].ledger.annotations("c")]


def csv_file(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "labels.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_a_label_is_a_fact_about_the_content_at_once(angles):
    give(angles, ("a.txt", " left ", {"colour": "red"}))
    (event,) = angles[0].ledger.annotations("c")
    assert (event.label, event.fields, event.annotator) == ("left", {"colour": "red"}, "me")
    assert event.content_hash == content_hash(b"0")


@pytest.mark.parametrize(("there", "typed"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_a_key_is_found_in_its_other_unicode_form(angles, home, there, typed):
    key = unicodedata.normalize(there, "café.txt")
    home.put("c", {key: 20})
    give(angles, (unicodedata.normalize(typed, key), "left"))
    assert recorded(angles) == [(key, "left")]


@pytest.mark.parametrize("swept", [False, True])
def test_the_content_that_lies_there_now_is_what_was_judged(angles, home, swept, bring_up_to_date):
    if swept:
        bring_up_to_date(angles[0], "c")
    home.put("c", {"a.txt": 45})
    give(angles, ("a.txt", "left"), ("b.txt", "right"))
    hashes = [e.content_hash for e in angles[0].ledger.annotations("c")]
    assert hashes == [content_hash(b"45"), content_hash(b"10")]


def test_a_withdrawal_is_an_event_too(angles):
    give(angles, ("a.txt", "left"))
    give(angles, ("a.txt", None))
    events = angles[0].ledger.annotations("c")
    assert [(e.action, e.label) for e in events] == [("label", "left"), ("withdraw", None)]
    assert effective_annotations(events, {events[0].document_id: events[0].content_hash}) == {}


REFUSED = {
    "unknown key": ([("a.txt", "x"), ("b.tx", "x")], "no object with the key 'b.tx'. Did you mean"),
    "nothing near": ([("zzz", "x")], "The collection has 3 objects"),
    "outside": ([("../c/a.txt", "x")], "no object with the key"),
    "hidden": ([(".hidden", "x")], "no object with the key"),
    "too long": ([("x" * 5000, "x")], "no object with the key"),
    "undecodable": ([("\udcff", "x")], "no object with the key"),
    "no label": ([("a.txt", "left"), ("b.txt", "  ")], "found only whitespace"),
    "two lines": ([("a.txt", "a\nb")], "U+000A"),
    "unknown field": ([("a.txt", "x", {"color": "red"})], "'color'; declared fields: colour"),
}


@pytest.mark.parametrize(("given", "said"), REFUSED.values(), ids=REFUSED)
def test_all_or_nothing(angles, given, said, bring_up_to_date):
    bring_up_to_date(angles[0], "c")
    with pytest.raises(AutolabelError) as caught:
        give(angles, *given)
    assert said in str(caught.value)
    assert str(caught.value).endswith("Nothing was recorded.")
    assert recorded(angles) == []


def test_many_problems_are_told_with_their_lines(angles):
    given = [GivenLabel(f"k{i}", "x", {}, f"line {i}") for i in range(50)]
    with pytest.raises(AutolabelError) as caught:
        give_labels(OpenCollection(*angles), given, "me", "csv")
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("line 0: no object with the key 'k0'")
    assert lines[-2:] == ["… and 30 more", "Nothing was recorded."]


def test_an_object_that_cannot_be_read_is_named(angles, home):
    line = '{"key": "m", "blobs": [{"data": "nowhere"}]}'
    home.put("c", {"m.jsonl": line})
    with pytest.raises(AutolabelError, match="The object 'm' cannot be read"):
        give(angles, ("m", "x"))


def test_a_missing_bucket_is_not_an_unknown_key(workspace):
    stores = workspace({"c": ANGLES + "source: {uri: gone}"})
    with pytest.raises(AutolabelError, match="gone does not exist"):
        give_labels(stores.open("c"), [GivenLabel("a", "x")], "me", "cli")


def test_another_spelling_of_a_name_is_warned_about_and_recorded(angles):
    assert give(angles, ("a.txt", "Running Shoes")).warnings == []
    (warning,) = give(angles, ("b.txt", "running shoe")).warnings
    assert warning.existing == "Running Shoes"
    assert recorded(angles)[-1] == ("b.txt", "running shoe")
    assert labels_in_use(OpenCollection(*angles)) == {"Running Shoes": 1, "running shoe": 1}


GOOD = 'key,label,colour\na.txt,left,red\n"in a/folder, with ""comma"".txt",right,\n'
WRITTEN = {
    "plain": (GOOD, "utf-8"),
    "byte-order mark": (GOOD, "utf-8-sig"),
    "windows lines": (GOOD.replace("\n", "\r\n"), "utf-8"),
    "old mac lines": (GOOD.replace("\n", "\r"), "utf-8"),
    "utf-16": (GOOD, "utf-16"),
    "no last line end": (GOOD.rstrip("\n"), "utf-8"),
    "blank lines": (GOOD.replace("\n", "\n\n"), "utf-8"),
    "spaces in the header": (GOOD.replace("key,label,colour", " key , label , colour "), "utf-8"),
    "the label field's name": (GOOD.replace("label", "side"), "utf-8"),
    "other order": (
        'colour,side,key\nred,left,a.txt\n,right,"in a/folder, with ""comma"".txt"',
        "utf-8",
    ),
}


@pytest.mark.parametrize(("text", "encoding"), WRITTEN.values(), ids=WRITTEN)
def test_a_csv_in_every_dress(angles, tmp_path, text, encoding):
    given = read_label_csv(csv_file(tmp_path, text, encoding), "side")
    assert [(g.key, g.label, g.fields) for g in given] == [
        ("a.txt", "left", {"colour": "red"}),
        ('in a/folder, with "comma".txt', "right", {}),
    ]
    give_labels(OpenCollection(*angles), given, "me", "csv")
    assert len(recorded(angles)) == 2


BAD = {
    "no key": ("name,label\na,b", "line 1: expected the columns `key,label`, found `name,label`"),
    "semicolons": ("key;label\na;b", "separate columns by commas"),
    "column twice": ("key,label,label\na,b,c", "the column `label` occurs twice"),
    "no rows": ("key,label\n", "expected a row for each label, found none"),
    "too many": ("key,label\na,b\na,b,c", "line 3: expected 2 columns, found 3"),
    "too few": ("key,label\na\nc,d", "line 2: expected 2 columns, found 1"),
    "two labels": ("key,label\na,x\nb,x\na,y", "line 4: 'a' is 'y' here, and 'x' in line 2"),
    "open quote": ('key,label\na,"x\nb,y', "not valid CSV: unexpected end of data"),
    "huge field": (f"key,label\na,{'x' * 200_000}", "line 2: not valid CSV: field larger"),
    "empty": ("", "0 bytes"),
    "binary": ("key,label\n\0\0\0", "NUL"),
}


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD)
def test_a_bad_csv_is_refused_with_its_line(tmp_path, text, said):
    with pytest.raises(AutolabelError) as caught:
        read_label_csv(csv_file(tmp_path, text), "label")
    assert said in str(caught.value)
    assert str(tmp_path / "labels.csv") in str(caught.value)


def test_no_csv_is_an_error(tmp_path):
    with pytest.raises(NotFoundError, match=r"absent\.csv cannot be read: No such file"):
        read_label_csv(tmp_path / "absent.csv", "label")


def test_the_line_is_that_of_the_file(angles, tmp_path):
    text = 'key,label\na.txt,"two\nlines"\nabsent,x\nb.txt,\n'
    given = read_label_csv(csv_file(tmp_path, text), "label")
    with pytest.raises(AutolabelError) as caught:
        give_labels(OpenCollection(*angles), given, "me", "csv")
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()[:2]] == [
        "line 3",
        "line 5",
    ]


def test_the_same_label_twice_for_one_key_is_no_contradiction(tmp_path):
    text = "key,label\na,x\na,x\n"
    assert len(read_label_csv(csv_file(tmp_path, text), "label")) == 2


@pytest.mark.slow
def test_a_hundred_thousand_rows_are_recorded(workspace, home, tmp_path, bring_up_to_date):
    """Objects stand in a manifest, so that the disk is not what is measured."""
    n = 100_000
    lines = (
        f'{{"key": "k{i:06d}", "blobs": [{{"type": "text", "data": "{i % 360}"}}]}}'
        for i in range(n)
    )
    stores = workspace({"c": ANGLES}, {"c": {"m.jsonl": "\n".join(lines)}})
    text = "key,label\n" + "".join(f"k{i:06d},c{i % 50}\n" for i in range(n))
    path = csv_file(tmp_path, text)
    given = read_label_csv(path, "side")
    give_labels(stores.open("c"), given, "me", "csv")
    assert len(stores.ledger.annotations("c")) == n


def test_a_csv_in_an_undeclared_encoding_is_not_guessed(tmp_path):
    file = csv_file(tmp_path, "key,label\na.txt,汽车\n", "gbk")
    with pytest.raises(AutolabelError, match=r"is not UTF-8: byte .* Save it as UTF-8"):
        read_label_csv(file, "side")


def test_labelling_what_a_sweep_has_read_lists_no_bucket(angles, bring_up_to_date, monkeypatch):
    bring_up_to_date(angles[0], "c")
    monkeypatch.setattr(folder_bucket, "walk", None)
    give(angles, ("a.txt", "left"))
    assert recorded(angles) == [("a.txt", "left")]


def test_a_file_that_changed_since_the_sweep_is_read_anew(angles, home, bring_up_to_date):
    bring_up_to_date(angles[0], "c")
    home.put("c", {"a.txt": 77})
    give(angles, ("a.txt", "left"))
    (event,) = angles[0].ledger.annotations("c")
    assert event.content_hash == content_hash(b"77")
