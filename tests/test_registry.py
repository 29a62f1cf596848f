"""The model registry: versions, cards, checksums, and who decided what."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolabel_core.foundation.errors import AutolabelError, MissingWeightsError, NotFoundError
from autolabel_core.ledger import GateResult, Ledger, ModelVersion
from autolabel_core.models.registry import AGPL, GATE, ModelCard, Registry, active_version
from autolabel_core.models.registry.card import environment
from autolabel_core.models.registry.folder import next_version


def card(**changed):
    given = {
        "weights_name": "weights.pt",
        "data_hash": "d1",
        "parent": None,
        "parameters": {"epochs": 3},
        "metrics": {"map50": 0.5},
        "classes": ("seven", "one"),
        "licence": AGPL,
        "created_at": "2026-01-31T00:00:00+00:00",
    }
    return ModelCard(**{**given, **changed})


@pytest.fixture
def registry(tmp_path):
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    return Registry(tmp_path / "models", tmp_path / "locks", ledger)


@pytest.fixture
def add(registry, tmp_path):
    def make(content=b"weights", version=None, kind="detector", **changed):
        source = tmp_path / "trained.pt"
        source.write_bytes(content)
        return registry.add("c", kind, source, card(**changed), version)

    return make


def result(version, decision, number=0):
    return GateResult(f"{number}", "c", "detector", version, None, decision, GATE)


def test_versions_are_counted_and_kept_with_their_cards(registry, add, tmp_path):
    assert [add().version, add(b"other").version] == ["1.0.0", "2.0.0"]
    assert add(version="2.1.0").version == "2.1.0"
    assert add(kind="projection_head").version == "1.0.0"
    found = registry.find("c", "detector", "2.0.0")
    assert registry.weights(found).read_bytes() == b"other"
    assert registry.card(found) == card()
    kept = tmp_path / "models" / "c" / "detector" / "2.0.0" / "card.json"
    assert ModelCard.from_json(json.loads(kept.read_text())) == card()
    assert [model.version for model in registry.versions("c", "detector")] == [
        *("1.0.0", "2.0.0", "2.1.0")
    ]


@pytest.mark.parametrize(
    ("known", "following"),
    [([], "1.0.0"), (["1.0.0"], "2.0.0"), (["9.1.3", "10.0.0", "2.0.0"], "11.0.0")],
)
def test_the_next_version_is_the_next_major(known, following):
    assert next_version(known) == following


def test_a_version_never_changes(registry, add):
    add(b"first")
    with pytest.raises(AutolabelError, match=r"1\.0\.0 is there already.*next is 2\.0\.0"):
        add(b"second", version="1.0.0")
    assert registry.weights(registry.find("c", "detector", "1.0.0")).read_bytes() == b"first"
    with pytest.raises(AutolabelError, match=r"'v2'; expected three numbers"):
        add(version="v2")


def test_what_a_crash_left_behind_is_replaced(registry, add, tmp_path):
    orphan = tmp_path / "models" / "c" / "detector" / "1.0.0"
    orphan.mkdir(parents=True)
    (orphan / "half.pt").write_bytes(b"half")
    assert registry.weights(add(b"whole")).read_bytes() == b"whole"
    assert sorted(p.name for p in orphan.iterdir()) == ["card.json", "weights.pt"]


def test_missing_and_damaged_weights_name_the_cure(registry, add):
    model = add()
    file = registry.weights(model)
    file.write_bytes(b"Weights")
    os.utime(file, ns=(1, 1))
    with pytest.raises(MissingWeightsError, match=r"is damaged.*models rollback c.*train c"):
        registry.weights(model)
    with pytest.raises(MissingWeightsError, match="is damaged"):
        registry.decide(model, "promoted", "ann", "it is the best")
    file.unlink()
    with pytest.raises(MissingWeightsError, match="is missing"):
        registry.weights(model)
    assert registry.active("c", "detector") is None


def test_an_unknown_version_is_named_with_the_known(registry, add):
    add()
    with pytest.raises(NotFoundError, match=r"no detector `1\.0\.1`.*There are: 1\.0\.0"):
        registry.find("c", "detector", "1.0.1")


def test_promote_hold_and_roll_back_are_recorded_with_who_and_why(registry, add):
    first, second = add(), add(b"2")
    assert registry.active("c", "detector") is None
    registry.decide(first, "promoted", GATE, "the first above the floor", {"map50": 0.4})
    registry.decide(second, "held", GATE, "worse")
    assert registry.active("c", "detector").version == "1.0.0"
    override = registry.decide(second, "promoted", "ann", "the gold set is too easy")
    assert (override.against, registry.active("c", "detector").version) == ("1.0.0", "2.0.0")
    taken_out = registry.roll_back("c", "detector", "bob", "misses at night")
    assert (taken_out.version, registry.active("c", "detector").version) == ("2.0.0", "1.0.0")
    said = [
        (r.version, r.decision, r.decided_by, r.payload["reason"])
        for r in registry.decisions("c", "detector")
    ]
    assert said == [
        ("1.0.0", "promoted", "gate", "the first above the floor"),
        ("2.0.0", "held", "gate", "worse"),
        ("2.0.0", "promoted", "ann", "the gold set is too easy"),
        ("2.0.0", "held", "bob", "misses at night"),
    ]
    registry.roll_back("c", "detector", "bob", "and this one too")
    with pytest.raises(NotFoundError, match="no detector in service"):
        registry.roll_back("c", "detector", "bob", "once more")


@pytest.mark.parametrize(("who", "why"), [("", "because"), ("ann", " ")])
def test_a_decision_without_who_or_why_is_refused(registry, add, who, why):
    model = add()
    with pytest.raises(AutolabelError, match="who decided and why"):
        registry.decide(model, "promoted", who, why)
    assert registry.decisions("c", "detector") == []


def test_a_promotion_is_told_once(registry, add):
    registry.decide(add(), "promoted", GATE, "good")
    registry.decide(add(), "held", GATE, "bad")
    told = [e for e in registry._ledger.events_after(0) if e.event_type == "weights.promoted"]
    assert [e.subject for e in told] == ["detector 1.0.0"]
    assert told[0].payload["decided_by"] == GATE


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["promoted", "held"]))))
def test_the_active_version_is_the_last_promotion_that_still_holds(decisions):
    last = dict(decisions)
    standing = [v for v, d in decisions if d == "promoted" and last[v] == "promoted"]
    expected = standing[-1] if standing else None
    assert active_version([result(v, d) for v, d in decisions]) == expected


def test_a_card_of_another_version_is_refused():
    with pytest.raises(AutolabelError, match="newer autolabel"):
        ModelCard.from_json({**card().as_json(), "new_field": 1})
    with pytest.raises(AutolabelError, match="newer autolabel"):
        ModelCard.from_json({"weights_name": "w.pt"})


def test_the_environment_names_what_training_depends_on():
    assert {"python", "device", "torch", "ultralytics"} <= set(environment("cpu"))


def test_versions_and_decisions_on_both_databases(url):
    ledger = Ledger(url, now=lambda: "now")
    model = ModelVersion("c", "detector", "1.0.0", "f" * 64, card().as_json())
    assert ledger.append_model_version(model)
    assert not ledger.append_model_version(model)
    (kept,) = ledger.model_versions("c", "detector")
    assert ModelCard.from_json(kept.card) == card()
    assert ledger.append_gate_result(result("1.0.0", "held"))
    assert not ledger.append_gate_result(result("1.0.0", "promoted"))
    assert [r.decision for r in ledger.gate_results("c")] == ["held"]
    assert ledger.gate_results("other") == ledger.model_versions("other") == []
