from collections import Counter

import numpy as np
import pytest
from support.angle_samples import NAME

from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.statistics import wilson_interval
from autolabel_core.labelling.audit import JudgedLabel, audit_sample, record_verdicts
from autolabel_core.labelling.audit_summary import audit_summary
from autolabel_core.labelling.give_labels import GivenLabel, give_labels
from autolabel_core.tables.reference_set import ReferenceSet

OBJECTS = {"ref": 0, **{f"k{i}": i for i in range(1, 9)}, "far": 90}


@pytest.fixture
def audited(angles):
    return angles(OBJECTS, {"ref": "left"})


def draw(workspace, size, seed=0):
    drawn = audit_sample(workspace.open(NAME), size, np.random.default_rng(seed))
    return [record["key"] for record in drawn]


def record(workspace, *verdicts):
    judged = [
        JudgedLabel(key, said, verdict, correct, "") for key, said, verdict, correct in verdicts
    ]
    record_verdicts(workspace.open(NAME), judged, "auditor")


def summary(workspace):
    return audit_summary(workspace.open(NAME))


def labels_of(workspace):
    found = Documents(workspace.open(NAME)).find()
    return {r["key"]: (r["label"], r["label_source"]) for r in found}


def test_a_sample_holds_auto_labels_alone_and_none_twice(audited):
    drawn = draw(audited, 100)
    assert sorted(drawn) == [f"k{i}" for i in range(1, 9)]
    assert len(draw(audited, 3)) == 3
    assert draw(audited, 3) == draw(audited, 3)


def test_every_auto_label_is_drawn_as_often_as_any_other(audited):
    counts = Counter(key for seed in range(80) for key in draw(audited, 4, seed))
    assert len(counts) == 8
    assert all(25 <= count <= 55 for count in counts.values())


def test_what_was_audited_is_not_drawn_again_until_it_changes(audited, home, bring_up_to_date):
    record(audited, ("k1", "left", "right", None))
    assert "k1" not in draw(audited, 100)
    home.put(NAME, {"k1": 11})
    bring_up_to_date(audited, NAME)
    assert "k1" in draw(audited, 100)


def test_a_sample_outside_a_terminal_says_how_its_verdicts_are_recorded(audited, run, tmp_path):
    sample = ("audit", NAME, "--sample", "3", "--seed", "7")
    status, out, err = run(*sample)
    assert status == 0 and "To record verdicts" in err
    file = tmp_path / "sample.csv"
    assert "--sample 3 --seed 7 --out sample.csv" in err and "--csv sample.csv" in err
    run(*sample, "--out", str(file))
    rows = file.read_text(encoding="utf-8").splitlines()
    keys = [row.split(",")[0] for row in rows[1:]]
    assert len(keys) == 3 and all(key in out for key in keys)
    file.write_text("\n".join([rows[0], *(row[:-2] + ",right," for row in rows[1:])]))
    assert run("audit", NAME, "--csv", str(file))[0] == 0
    assert summary(audited)["audited"] == 3


def test_the_rate_is_that_of_the_latest_verdicts(audited, bring_up_to_date):
    assert summary(audited) == {"audited": 0, "wrong": 0, "rate": None, "low": 0.0, "high": 1.0}
    record(
        audited,
        ("k1", "left", "right", None),
        ("k2", "left", "wrong", None),
        ("k3", "left", "wrong", "right"),
        ("k4", "left", "right", None),
    )
    low, high = wilson_interval(2, 4)
    assert summary(audited) == {"audited": 4, "wrong": 2, "rate": 0.5, "low": low, "high": high}
    record(audited, ("k1", "left", "wrong", None))
    assert summary(audited)["wrong"] == 3
    assert summary(audited)["audited"] == 4


def test_wrong_labels_are_corrected_and_right_ones_become_no_references(audited, bring_up_to_date):
    record(
        audited,
        ("k1", "left", "right", None),
        ("k2", "left", "wrong", "middle"),
        ("k8", "left", "wrong", None),
    )
    bring_up_to_date(audited, NAME)
    found = labels_of(audited)
    assert found["k1"][1] == "auto"
    assert found["k2"] == ("middle", "human")
    assert found["k8"] == ("middle", "auto") or found["k8"] == (None, None)
    references = ReferenceSet(audited.open(NAME)).load().rows
    assert sorted(row["key"] for row in references) == ["k2", "ref"]


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (("k1", "left", "maybe", None), "expected right or wrong"),
        (("k1", "right", "wrong", None), "does not carry the auto-label 'right' (now 'left')"),
        (("ref", "left", "right", None), "does not carry"),
        (("far", "left", "right", None), "does not carry"),
        (("nobody", "left", "right", None), "does not carry"),
        (("k1", "left", "right", "up"), "yet `correct_label` is given"),
        (("k1", "left", "wrong", "left"), "is the same label"),
        (("k1", "left", "wrong", "\u200b"), "U+200B"),
        (("k2", "left", "right", None), "'k2' is judged twice"),
    ],
)
def test_one_unfit_verdict_records_nothing(audited, verdict, said):
    with pytest.raises(AutolabelError) as error:
        record(audited, ("k2", "left", "wrong", "up"), verdict)
    assert said in str(error.value)
    assert "Nothing was recorded." in str(error.value)
    assert summary(audited)["audited"] == 0
    assert len(audited.ledger.annotations(NAME)) == 1


def test_a_verdict_is_about_the_content_that_was_labelled(audited, home):
    home.put(NAME, {"k1": 50})
    (home.paths.buckets / NAME / "k2").unlink()
    for key in ("k1", "k2"):
        with pytest.raises(AutolabelError, match="has changed since the last sweep"):
            record(audited, (key, "left", "right", None))


def test_no_verdicts_record_nothing(audited):
    record(audited)
    assert summary(audited)["audited"] == 0


def test_a_corrected_label_may_be_withdrawn_and_stays_off(audited, bring_up_to_date):
    record(audited, ("k1", "left", "wrong", "up"))
    back = [GivenLabel("k1", None)]
    give_labels(audited.open(NAME), back, "auditor", "cli")
    bring_up_to_date(audited, NAME)
    assert labels_of(audited)["k1"] == (None, None)
