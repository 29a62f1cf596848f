from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.angle_samples import NAME, declaration, label

from autolabel_core.declarations.automation import Relabel
from autolabel_core.documents.corrections import count_corrections, is_correction
from autolabel_core.ledger.requests import RETRAIN
from autolabel_core.operations.automation import (
    LONGEST_REST_SECONDS,
    Outcome,
    Waiting,
    may_ask,
    relabel_is_due,
    request_retraining,
    rest_seconds,
    waiting,
)
from autolabel_core.operations.registration import register
from autolabel_core.operations.staleness_plan import TABLES, plan, tables_of
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.taxonomy_labels import TaxonomyLabels
from autolabel_core.tables.workspace import OpenCollection

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
RULE = Relabel(after_labels=3, after_minutes=5)
SIX = {f"k{i}": 10 * i for i in range(6)}


@pytest.fixture(autouse=True)
def without_index(monkeypatch):
    """Leave out the table that imports Chroma (seconds)."""
    kept = tuple(table for table in TABLES if table.name != "reindexed_vectors")
    monkeypatch.setattr("autolabel_core.operations.staleness_plan.TABLES", kept)


def minutes(n):
    return NOW - timedelta(minutes=n)


def upload_run(ws, name=NAME):
    """Do what the run that `new_objects` asks for does."""
    collection = ws.open(name)
    register(collection)
    wanted = plan(collection, uploads_only=True)
    for table in tables_of(collection.declaration):
        if table.name in wanted.assets:
            opened = table(collection)
            for batch in wanted.batches if table.partitioned else ["all"]:
                opened.refresh(batch)
    return wanted


DUE = {
    "nothing waits": (Waiting(0, None, False), 60, False),
    "too few, too fresh": (Waiting(2, minutes(4).isoformat(), False), 1, False),
    "enough": (Waiting(3, minutes(0).isoformat(), False), 0, True),
    "one, long enough": (Waiting(1, minutes(5).isoformat(), False), 0, True),
    "a reference is gone, just seen": (Waiting(1, None, False), 0, False),
    "a reference is gone for long": (Waiting(1, None, False), 5, True),
    "labelled by other references": (Waiting(0, None, True), 0, True),
    "the clock went back": (Waiting(1, minutes(-60).isoformat(), False), -60, True),
}


@pytest.mark.parametrize(("found", "seen_ago", "due"), DUE.values(), ids=DUE)
def test_thresholds(found, seen_ago, due):
    assert relabel_is_due(found, RULE, minutes(seen_ago), NOW) is due


@given(
    st.lists(st.tuples(st.sampled_from("xy"), st.booleans()), max_size=6),
    st.floats(0, 2000),
)
def test_rests_grow_with_runs_in_vain_and_end(runs, passed):
    outcomes = [Outcome(wanted, 1000.0, good) for wanted, good in runs]
    in_vain = 0
    for wanted, good in runs:
        if good and wanted != "x":
            break
        in_vain += 1
    expected = in_vain < 2 or passed >= min(15.0 * 2 ** (in_vain - 2), 600.0)
    assert may_ask("x", outcomes, 1000.0 + passed) is expected
    assert may_ask("x", outcomes, 1000.0 + LONGEST_REST_SECONDS)
    assert may_ask("x", outcomes, 999.0), "a clock that went back does not wait"
    assert not may_ask("x", [Outcome("y", None, False), *outcomes], 1e9)


def test_rests():
    assert [rest_seconds(n) for n in (0, 1, 2, 3, 4, 99)] == [0, 0, 15, 30, 60, 600]


def test_labels_below_the_threshold_leave_uploads_alone(angles, home):
    ws = angles(SIX, {"k0": "left"}, batch_size=2)
    before = ReferenceSet(ws.open(NAME)).load().version
    label(ws, {"k5": "right"})
    home.put(NAME, {"new": 50})
    assert upload_run(ws).batches == ("batch_000004",)
    assert ReferenceSet(ws.open(NAME)).load().version == before
    found = waiting(OpenCollection(home.workspace, ws.collection(NAME)))
    assert (found.documents, found.at_once) == (1, False)
    assert found.oldest is not None


def test_an_upload_run_leaves_nothing_of_uploads(angles, home):
    ws = angles(SIX, {"k0": "left"}, batch_size=4)
    home.put(NAME, {"new": 50, "k1": 100})
    assert upload_run(ws).batches == ("batch_000001", "batch_000002")
    assert not plan(ws.open(NAME), uploads_only=True)
    assert not waiting(ws.open(NAME))


def test_a_batch_that_arrives_while_the_others_are_relabelled_is_found(angles, home):
    """The trap: new references are written, and a batch labelled by the old ones comes after."""
    ws = angles(SIX, {"k0": "left"}, batch_size=4)
    collection = ws.open(NAME)
    label(ws, {"k5": "right", "k3": "left"})
    ReferenceSet(collection).refresh("all")
    TaxonomyLabels(collection).refresh("batch_000001")
    found = waiting(OpenCollection(home.workspace, collection.declaration))
    assert found.at_once
    assert "batch_000002" in plan(OpenCollection(home.workspace, collection.declaration)).batches
    TaxonomyLabels(OpenCollection(home.workspace, collection.declaration)).refresh("batch_000002")
    assert not waiting(OpenCollection(home.workspace, collection.declaration))


def test_a_batch_without_labels_yet_is_not_labelled_by_other_references(angles, home):
    ws = angles(SIX, {"k0": "left"}, batch_size=3)
    home.put(NAME, {"new": 50})
    register(ws.open(NAME))
    assert not waiting(OpenCollection(home.workspace, ws.collection(NAME))).at_once


CHANGES = {
    "another threshold": {"taxonomy": {"field_to_enrich": "side", "confidence_threshold": 0.5}},
    "another version": {
        "feature_extractor": {
            "feature_extractor_name": "angle_extractor",
            "version": "v2",
            "field_passthrough": ["side", "room"],
        }
    },
}


@pytest.mark.parametrize("changed", CHANGES.values(), ids=CHANGES)
def test_a_changed_declaration_waits_for_no_threshold(angles, home, changed):
    angles(SIX, {"k0": "left"})
    home.declare(NAME, {**declaration(), **changed})
    ws = home.workspace
    upload_run(ws)
    assert waiting(OpenCollection(home.workspace, ws.collection(NAME))).at_once


def test_references_that_go_wait_too(angles, home):
    ws = angles(SIX, {"k0": "left", "k5": "right"})
    folder = home.put(NAME, {"k5": 7})
    (folder / "k0").unlink()
    upload_run(ws)
    assert waiting(OpenCollection(home.workspace, ws.collection(NAME))) == Waiting(2, None, False)


def test_the_separate_approach_follows_its_references_at_once(workspace, home, bring_up_to_date):
    ws = workspace(
        {"refs": declaration(), NAME: declaration(reference="refs")},
        {"refs": {"r": 0}, NAME: SIX},
    )
    for name in ("refs", NAME):
        bring_up_to_date(ws, name)
    label(ws, {"r": "left"}, "refs")
    assert waiting(OpenCollection(home.workspace, ws.collection("refs"))).documents == 1
    assert not waiting(OpenCollection(home.workspace, ws.collection(NAME)))
    bring_up_to_date(home.workspace, "refs")
    assert waiting(OpenCollection(home.workspace, ws.collection(NAME))).at_once


def test_a_correction_is_another_label_than_the_one_that_stood(angles):
    ws = angles(SIX, {"k0": "left"})
    label(ws, {"k1": "left", "k2": "right", "k5": "right", "k0": "right"})
    label(ws, {"k2": "up"})
    events = ws.ledger.annotations(NAME)
    corrected = [(e.key, e.label) for e in events if is_correction(e)]
    assert corrected == [("k2", "right"), ("k2", "up")]
    assert count_corrections(events) == 1


def test_training_is_asked_for_once_at_each_crossing(angles):
    ws = angles(SIX, {"k0": "left"}, automation={"retrain": {"after_corrections": 2}})
    collection = ws.open(NAME)
    label(ws, {"k1": "right"})
    assert not request_retraining(collection)
    label(ws, {"k2": "right"})
    assert [request_retraining(collection) for _ in range(3)] == [True, False, False]
    (asked,) = ws.ledger.requests(NAME, RETRAIN)
    assert asked.payload == {"corrections": 2, "since_last": 2}
