"""A declared target precision: nothing is labelled until people's verdicts certify a threshold."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from sqlalchemy import insert
from support.angle_samples import NAME, declaration, label

from autolabel_app.cli import root
from autolabel_assets.checks import build_checks
from autolabel_core.documents.documents import Documents
from autolabel_core.documents.explain import explain
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.labelling.audit import JudgedLabel, record_verdicts
from autolabel_core.labelling.certificate_drift import end_drifted_certificates
from autolabel_core.labelling.certificate_report import certificate_records
from autolabel_core.labelling.certification import (
    OWN_CERTIFICATE,
    draws_to_judge,
    give_corrections,
)
from autolabel_core.ledger.schema import AUDITS
from autolabel_core.operations.advice import findings
from autolabel_core.operations.status import collection_status
from autolabel_core.tables.applied_taxonomy import AppliedTaxonomy
from autolabel_core.tables.certificates import certified_thresholds
from autolabel_core.tables.reference_set import ReferenceSet

TARGET = {"target_precision": 0.9, "delta": 0.2}
DOCUMENTS = 400
LEFT, RIGHT = 0.0, 90.0
REFERENCES = {**{f"l{i}": LEFT + i for i in range(4)}, **{f"r{i}": RIGHT - i for i in range(4)}}


def angle(i):
    """Most documents lie near one of the two labels, some between them."""
    return float(np.random.default_rng(i).normal(LEFT if i % 2 else RIGHT, 20.0))


OBJECTS = {**REFERENCES, **{f"d{i:03d}": angle(i) for i in range(DOCUMENTS)}}


def truth(key):
    """What a person says: not what the nearest reference says, between the two."""
    return "left" if OBJECTS[key] < 40 else "right"


@pytest.fixture
def opened(angles):
    """Make the collection, labelled and swept, with a target precision."""

    def make(**target):
        references = {key: "left" if key[0] == "l" else "right" for key in REFERENCES}
        taxonomy = {"confidence_threshold": {**TARGET, **target}, "score": "nearest"}
        return angles(OBJECTS, references, declared=declaration(**taxonomy))

    return make


def judged(draw):
    right = truth(draw["key"]) == draw["label"]
    correct = None if right else truth(draw["key"])
    return JudgedLabel(draw["key"], draw["label"], "right" if right else "wrong", correct, "")


def judge(workspace, most, at_once=10):
    """Answer what is asked, truly; returns the keys."""
    asked = []
    while len(asked) < most:
        draws = draws_to_judge(workspace.open(NAME), at_once)
        if not draws:
            break
        record_verdicts(workspace.open(NAME), [judged(draw) for draw in draws], "ann")
        asked += [draw["key"] for draw in draws]
    return asked


def state(workspace):
    (record,) = certificate_records(workspace.open(NAME))
    return record


def labels_of(workspace):
    found = Documents(workspace.open(NAME)).find()
    return {r["key"]: r["label"] for r in found if r["label_source"] == "auto"}


def test_nothing_is_labelled_until_verdicts_certify_it(opened, bring_up_to_date):
    ws = opened()
    assert labels_of(ws) == {}
    assert state(ws)["state"] == "not drawn"
    decision = explain(ws.open(NAME), "d001")["decision"]
    assert (decision["outcome"], decision["threshold"]) == ("uncertified", None)
    found = Documents(ws.open(NAME)).find()
    suggested = {r["suggested_label"] for r in found if r["label"] is None}
    assert suggested == {"left", "right"}
    judge(ws, 20, at_once=20)
    assert state(ws)["state"] in ("uncertified", "certified")
    judge(ws, 100)
    record = state(ws)
    assert record["state"] == "certified", record
    bring_up_to_date(ws, NAME)
    given = labels_of(ws)
    confidence = {
        r["key"]: r["taxonomy_match"]["confidence"] for r in Documents(ws.open(NAME)).find()
    }
    assert record["documents"] - record["wrong"] <= len(given) <= record["documents"]
    assert all(confidence[key] >= record["threshold"] - 1e-6 for key in given)
    assert np.mean([truth(key) == label for key, label in given.items()]) >= 0.9


def test_it_says_how_long_the_missing_verdicts_take_once_some_were_given_one_by_one(opened):
    ws = opened()
    draws_to_judge(ws.open(NAME), 1)
    assert "minutes" not in state(ws)["text"]
    given = {"collection": NAME, "key": "k", "content_hash": "0", "auto_label": "left"}
    given |= {"verdict": "right", "corrected_label": None, "auditor": "ann"}
    rows = [
        {**given, "document_id": f"doc_{n}", "recorded_at": f"2026-01-01T00:00:{n:02d}Z"}
        for n in range(0, 60, 3)
    ]
    with ws.ledger.database.writing() as connection:
        connection.execute(insert(AUDITS), rows)
    record = state(ws)
    minutes = f"{record['needed'] * 3 / 60:.1f}"
    assert f"more verdicts, about {minutes} minutes ({minutes} to {minutes})" in record["text"]


def test_the_rule_is_certified_as_it_was_drawn_and_drawing_again_draws_the_same(opened):
    ws = opened()
    first = draws_to_judge(ws.open(NAME), 30)
    assert draws_to_judge(ws.open(NAME), 30) == first
    assert len(ws.ledger.certifications(NAME)) == 1
    (drawn,) = ws.ledger.certifications(NAME)
    assert ws.ledger.append_certifications([drawn]) == 0
    keys = [draw["key"] for draw in drawn.payload["draws"]]
    assert len(keys) == len(set(keys))
    assert not set(keys) & set(REFERENCES)


def test_corrections_are_kept_back_until_somebody_asks_for_them(opened, bring_up_to_date):
    ws = opened()
    for draw in draws_to_judge(ws.open(NAME), 2):
        other = "right" if draw["label"] == "left" else "left"
        verdict = JudgedLabel(draw["key"], draw["label"], "wrong", other, "")
        record_verdicts(ws.open(NAME), [verdict], "ann")
    asked = judge(ws, 150)
    wrong = [v for v in ws.ledger.audits(NAME) if v.verdict == "wrong"]
    assert len(wrong) >= 2
    version = AppliedTaxonomy(ws.open(NAME)).rule_version
    bring_up_to_date(ws, NAME)
    assert AppliedTaxonomy(ws.open(NAME)).rule_version == version
    assert set(ReferenceSet(ws.open(NAME)).annotations) == {
        ws.collection(NAME).document_id(key) for key in REFERENCES
    }
    assert not {v.key for v in wrong} & set(labels_of(ws))
    assert give_corrections(ws.open(NAME), "ann") == len(wrong)
    assert give_corrections(ws.open(NAME), "ann") == 0
    bring_up_to_date(ws, NAME)
    assert AppliedTaxonomy(ws.open(NAME)).rule_version != version
    assert state(ws)["state"] == "void"
    assert set(labels_of(ws)) == set()
    assert len(asked) >= 20


def test_another_reference_voids_and_what_was_judged_is_not_asked_again(opened, bring_up_to_date):
    ws = opened()
    before = set(judge(ws, 100))
    bring_up_to_date(ws, NAME)
    assert labels_of(ws)
    label(ws, {"d000": truth("d000")})
    with pytest.raises(AutolabelError, match=r"not up to date.*autolabel sweep angles"):
        draws_to_judge(ws.open(NAME), 10)
    bring_up_to_date(ws, NAME)
    record = state(ws)
    assert record["state"] == "void"
    assert "references, encoder or rule have changed" in record["text"]
    assert labels_of(ws) == {}
    again = draws_to_judge(ws.open(NAME), DOCUMENTS)
    assert not before & {draw["key"] for draw in again}
    assert state(ws)["verdicts"] > 0
    assert len(ws.ledger.certifications(NAME)) == 2


def test_another_target_is_another_certificate(opened, home):
    ws = opened()
    judge(ws, 100)
    home.declare(NAME, declaration(confidence_threshold={**TARGET, "delta": 0.1}, score="nearest"))
    assert state(home.workspace)["state"] == "not drawn"
    home.declare(NAME, declaration(confidence_threshold=TARGET, score="nearest"))
    assert state(home.workspace)["state"] == "certified"


def test_each_label_for_itself_and_rare_ones_together(opened, bring_up_to_date):
    ws = opened(per_label=True)
    judge(ws, 30)
    records = certificate_records(ws.open(NAME))
    assert [record["labels"] for record in records] == [["left"], ["right"]]
    assert all(record["population"] >= OWN_CERTIFICATE for record in records)
    judge(ws, 300)
    found = AppliedTaxonomy(ws.open(NAME)).certificates
    thresholds = certified_thresholds(found)
    assert thresholds.common is None
    certified = {one.drawn.payload["labels"][0] for one in found if one.certified}
    assert set(thresholds.per_label) == certified != set()
    bring_up_to_date(ws, NAME)
    assert set(labels_of(ws).values()) == certified


def test_without_a_target_it_says_how_to_declare_one(angles):
    ws = angles({"l0": 0, "d0": 1}, {"l0": "left"})
    with pytest.raises(AutolabelError, match=r"target_precision: 0\.95, delta: 0\.1"):
        draws_to_judge(ws.open(NAME), 10)
    assert certificate_records(ws.open(NAME)) == []


def test_without_references_it_says_what_is_missing(angles):
    ws = angles(OBJECTS, {}, declared=declaration(confidence_threshold=TARGET))
    with pytest.raises(AutolabelError, match="autolabel status angles"):
        draws_to_judge(ws.open(NAME), 10)


def test_what_was_overwritten_or_removed_is_not_asked_and_stops_nobody(opened, home):
    ws = opened()
    first = [draw["key"] for draw in draws_to_judge(ws.open(NAME), 4)]
    home.put(NAME, {first[0]: 12.25})
    (home.paths.buckets / NAME / first[1]).unlink()
    assert [d["key"] for d in draws_to_judge(ws.open(NAME), 2)] == first[2:4]
    judge(ws, 150)
    assert state(ws)["verdicts"] >= 50
    assert state(ws)["state"] in ("uncertified", "certified")


def test_newcomers_that_are_less_sure_end_a_certificate(opened, home, bring_up_to_date):
    ws = opened()
    judge(ws, 100)
    bring_up_to_date(ws, NAME)
    assert state(ws)["state"] == "certified"
    home.put(NAME, {f"new{i}": angle(1000 + i) for i in range(60)})
    bring_up_to_date(ws, NAME)
    assert end_drifted_certificates(ws.open(NAME)) == 0
    assert state(ws)["state"] == "certified"
    home.put(NAME, {f"odd{i}": 45.0 + i / 10 for i in range(60)})
    bring_up_to_date(ws, NAME)
    assert end_drifted_certificates(ws.open(NAME)) == 1
    assert end_drifted_certificates(ws.open(NAME)) == 0
    bring_up_to_date(ws, NAME)
    record = state(ws)
    assert record["state"] == "void"
    assert "documents that came later are less sure" in record["text"]
    assert labels_of(ws) == {}
    again = draws_to_judge(ws.open(NAME), DOCUMENTS)
    assert any(draw["key"].startswith("odd") for draw in again)
    assert state(ws)["state"] in ("uncertified", "certified")


def test_dagster_checks_what_is_certified(opened):
    ws = opened()
    (built,) = build_checks(ws.collection(NAME))
    assert "labels_certified" in {spec.name for spec in built.check_specs}
    judge(ws, 100)
    found = {f.name: f for f in findings(collection_status(ws.open(NAME)))}
    assert found["labels_certified"].passed
    assert found["labels_certified"].text.startswith("Certified: at least 90.0%")


def test_the_commands_ask_record_and_say_what_is_certified(opened, home, monkeypatch, tmp_path):
    ws = opened()
    for name, value in (("HOME", home.paths.home), ("COLLECTIONS", home.paths.collections)):
        monkeypatch.setenv(f"AUTOLABEL_{name}", str(value))

    def run(*arguments):
        result = CliRunner().invoke(root, [str(a) for a in arguments])
        assert result.exit_code == 0, result.output
        return result.output

    asked = json.loads(run("audit", NAME, "--certify", "--sample", 5, "--json"))
    assert len(asked) == 5
    assert set(asked[0]) >= {"key", "label", "confidence"}
    sample = tmp_path / "sample.csv"
    shown = run("audit", NAME, "--certify", "--out", sample, "--sample", 60)
    assert "60 labels in" in shown
    assert "uncertified: about" in shown
    draws = draws_to_judge(ws.open(NAME), 60)
    lines = ["key,label,verdict,correct_label"]
    lines += [",".join(text or "" for text in judged(draw)[:4]) for draw in draws]
    sample.write_text("\n".join(lines))
    assert "certif" in run("audit", NAME, "--certify", "--csv", sample)
    judge(ws, 60)
    assert "certified: at least 90.0%" in run("status", NAME)
    assert "In use: certified" in run("threshold", NAME, "--precision", 0.9)
    assert "label_thresholds:" not in run("threshold", NAME)
    records = json.loads(run("status", NAME, "--json"))["certificates"]
    assert records[0]["state"] == "certified"
    wrong = JudgedLabel(draws[0]["key"], draws[0]["label"], "wrong", "other", "")
    record_verdicts(ws.open(NAME), [wrong], "ann")
    assert "corrections are labels now" in run("audit", NAME, "--give-corrections")
    assert "no corrections" in run("audit", NAME, "--give-corrections")
