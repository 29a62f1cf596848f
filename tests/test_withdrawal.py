from __future__ import annotations

import json

import pytest

from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.label_names import MISSING_VALUES
from autolabel_core.labelling.give_labels import GivenLabel, give_labels

FIELDS = """\
feature_extractor: {feature_extractor_name: angle_extractor, field_passthrough: [side]}
taxonomy: {field_to_enrich: side, confidence_threshold: 0.9}
"""
OBJECTS = {"a.txt": 0, "b.txt": 90, "c.txt": 180}


@pytest.fixture
def stores(workspace, monkeypatch):
    monkeypatch.setenv("AUTOLABEL_ANNOTATOR", "ann")
    return workspace({"c": FIELDS}, {"c": OBJECTS})


def give(stores, who, **labels):
    given = [GivenLabel(f"{key}.txt", label) for key, label in labels.items()]
    return give_labels(stores.open("c"), given, who, "cli")


def labels_now(stores, bring_up_to_date):
    bring_up_to_date(stores, "c")
    found = Documents(stores.open("c")).find()
    return {r["key"][0]: (r["label"], r["label_source"]) for r in found}


def test_the_label_of_another_person_stands_when_one_withdraws(stores, bring_up_to_date):
    give(stores, "alice", a="left")
    give(stores, "bob", a="right")
    report = give(stores, "bob", a=None)
    assert report.notes == ["'a.txt' keeps the label of somebody else: 'left' by alice."]
    assert labels_now(stores, bring_up_to_date)["a"] == ("left", "human")


def test_nobody_withdraws_the_label_of_another_by_accident(stores):
    give(stores, "alice", a="left", b="right")
    give(stores, "bob", b="left")
    with pytest.raises(AutolabelError) as caught:
        give(stores, "bob", b=None, a=None)
    assert "'a.txt' has no label by bob: 'left' by alice stands" in str(caught.value)
    assert "`--annotator alice`" in str(caught.value)
    assert len(stores.ledger.annotations("c")) == 3


def test_withdrawing_again_changes_nothing(stores):
    give(stores, "alice", a="left")
    assert give(stores, "alice", a=None).withdrawn == 1
    report = give(stores, "alice", a=None, b=None)
    assert (report.withdrawn, report.without_label) == (0, ("a.txt", "b.txt"))
    assert len(stores.ledger.annotations("c")) == 2


@pytest.mark.parametrize("word", ["null", "NULL", " Null "])
def test_the_label_null_takes_a_label_away(stores, bring_up_to_date, word):
    give(stores, "alice", a="left")
    assert give(stores, "alice", a=word).withdrawn == 1
    assert labels_now(stores, bring_up_to_date)["a"] == (None, None)


@pytest.mark.parametrize("word", ["None", "nan", "NaN", "<NA>"])
def test_what_programs_write_for_nothing_is_never_a_class(stores, word):
    with pytest.raises(AutolabelError, match=f"found '{word}', which is how programs write"):
        give(stores, "alice", a=word)
    assert stores.ledger.annotations("c") == []


@pytest.mark.parametrize("word", [*sorted(MISSING_VALUES), None, ""])
def test_a_missing_value_in_the_metadata_ends_the_imported_label(
    stores, home, bring_up_to_date, word
):
    home.put("c", {"a.txt.json": '{"side": "left"}'})
    assert labels_now(stores, bring_up_to_date)["a"] == ("left", "human")
    home.put("c", {"a.txt.json": json.dumps({"side": word})})
    assert labels_now(stores, bring_up_to_date)["a"] == (None, None)
    assert [(e.action, e.origin) for e in stores.ledger.annotations("c")] == [
        ("label", "metadata"),
        ("withdraw", "metadata"),
    ]


def test_a_label_that_left_the_metadata_ends_and_a_persons_own_stays(
    stores, home, bring_up_to_date
):
    for key in "ab":
        home.put("c", {f"{key}.txt.json": '{"side": "left"}'})
    labels_now(stores, bring_up_to_date)
    give(stores, "alice", b="right")
    folder = home.put("c", {"a.txt.json": '{"other": 1}'})
    (folder / "b.txt.json").unlink()
    found = labels_now(stores, bring_up_to_date)
    assert (found["a"], found["b"]) == ((None, None), ("right", "human"))
    home.put("c", {"a.txt.json": '{"side": "left"}'})
    assert labels_now(stores, bring_up_to_date)["a"] == ("left", "human")


def test_what_a_person_withdrew_is_not_imported_again(stores, home, bring_up_to_date):
    home.put("c", {"a.txt.json": '{"side": "left"}'})
    labels_now(stores, bring_up_to_date)
    assert give(stores, "alice", a=None).withdrawn == 1
    home.put("c", {"a.txt.json": '{"side": "left", "note": 1}'})
    assert labels_now(stores, bring_up_to_date)["a"] == (None, None)


def test_labels_are_withdrawn_by_keys_csv_and_filter_all_or_nothing(
    stores, run, tmp_path, bring_up_to_date
):
    give(stores, "ann", a="left", b="left", c="right")
    bring_up_to_date(stores, "c")
    status, _, err = run("label", "c", "--withdraw", "a.txt", "absent")
    assert (status, "no object with the key 'absent'" in err) == (1, True)
    assert len(stores.ledger.annotations("c")) == 3
    status, out, _ = run("label", "c", "--withdraw", "a.txt", "b.txt")
    assert (status, out.startswith("2 withdrawals recorded")) == (0, True)
    give(stores, "ann", a="left", b="left")
    file = tmp_path / "keys.csv"
    file.write_text("label,key\nx,a.txt\ny,b.txt\n,a.txt\n")
    assert "2 withdrawals" in run("label", "c", "--withdraw", "--csv", str(file))[1]
    give(stores, "ann", a="left")
    give(stores, "bob", b="left")
    bring_up_to_date(stores, "c")
    _, out, err = run("label", "c", "--withdraw", "--filter", "label:eq:left")
    assert "1 withdrawal recorded" in out
    assert "1 of 2 documents have labels by others alone, which stay: b.txt" in err


def test_a_csv_may_label_and_withdraw(stores, run, tmp_path):
    give(stores, "ann", a="left")
    file = tmp_path / "labels.csv"
    file.write_text("key,label\na.txt,null\nb.txt,right\n")
    assert "1 label and 1 withdrawal recorded" in run("label", "c", "--csv", str(file))[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [("name\na", "expected a column `key`"), ("key\n", "0 rows"), ("", "0 bytes")],
)
def test_a_csv_without_keys_withdraws_nothing(stores, run, tmp_path, text, said):
    file = tmp_path / "keys.csv"
    file.write_text(text)
    status, _, err = run("label", "c", "--withdraw", "--csv", str(file))
    assert (status, said in err) == (1, True)


@pytest.mark.parametrize("swept", [False, True])
def test_a_label_on_a_quarantined_object_is_recorded_and_said(
    stores, home, run, bring_up_to_date, swept
):
    home.put("c", {"empty.txt": ""})
    (home.paths.home / "buckets" / "c" / "empty.txt").write_bytes(b"")
    if swept:
        bring_up_to_date(stores, "c")
    status, out, err = run("label", "c", "empty.txt", "left")
    assert (status, out.startswith("1 label recorded")) == (0, True)
    assert "'empty.txt' is quarantined (is empty (0 bytes))" in err
    assert len(stores.ledger.annotations("c")) == 1


def test_two_people_who_disagree_are_shown_and_counted(stores, run, bring_up_to_date):
    give(stores, "alice", a="left", b="left")
    give(stores, "bob", a="right", b="left")
    before = run("annotations", "list", "c", "--conflicts")[1]
    bring_up_to_date(stores, "c")
    shown = "a.txt: 'left' (alice) against 'right' (bob)\n"
    assert run("annotations", "list", "c", "--conflicts")[1] == shown == before
    (pair,) = json.loads(run("annotations", "list", "c", "--conflicts", "--json")[1])
    assert (pair["first"]["annotator"], pair["second"]["label"]) == ("alice", "right")
    assert json.loads(run("status", "c", "--json")[1])["disagreements"] == 1
    assert "People label 1 documents differently" in run("status", "c")[1]
    give(stores, "alice", a="right")
    bring_up_to_date(stores, "c")
    assert run("annotations", "list", "c", "--conflicts")[1] == "No two people disagree.\n"


def test_a_correction_of_what_the_object_says_is_no_disagreement(
    stores, home, run, bring_up_to_date
):
    home.put("c", {"a.txt.json": '{"side": "left"}'})
    bring_up_to_date(stores, "c")
    give(stores, "alice", a="right")
    assert run("annotations", "list", "c", "--conflicts")[1] == "No two people disagree.\n"
