"""Looking back shows what stood then, snapshots prove it, and `diff` lists what changed since."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest
from support.angle_samples import NAME, declaration, label
from support.detection_samples import declaration as of_boxes
from support.detection_samples import judge

from autolabel_core.declarations.rule import rule_of, with_rule
from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.labelling.give_labels import GivenLabel, give_labels
from autolabel_core.labelling.promotion import promote
from autolabel_core.labelling.promotion_candidates import candidates
from autolabel_core.labelling.revocation import RevocationFilter, revoke
from autolabel_core.ledger.backup import export
from autolabel_core.ledger.positions import keep_until, positions_at
from autolabel_core.operations.as_of import past
from autolabel_core.operations.collection_state import collection_state
from autolabel_core.operations.compare_moments import compare_moments
from autolabel_core.operations.project import Project
from autolabel_core.operations.snapshots import (
    find_moment,
    make_snapshot,
    read_snapshot,
    verify_snapshot,
)

OBJECTS = {f"k{i:02d}": 11 * i for i in range(30)}


def now():
    return datetime.now(UTC).isoformat(timespec="microseconds")


def everything(workspace, name=NAME):
    """Each document with all that its label rests on, and the state."""
    documents = Documents(workspace.open(name), clusters=False).find()
    return documents, collection_state(workspace, name)


def looked_back(workspace, moment, name=NAME):
    with past(workspace, find_moment(workspace, moment), [name]) as then:
        return everything(then.workspace, name), then.notes


@pytest.mark.parametrize("seed", range(4))
def test_looking_back_shows_what_stood_then(angles, home, bring_up_to_date, tmp_path, seed):
    rng = np.random.default_rng(seed)
    ws = angles(OBJECTS, {"k00": "east", "k10": "north"})
    stood = []
    for step in range(6):
        act = int(rng.integers(5))
        keys = [str(key) for key in rng.choice(sorted(OBJECTS), 3, replace=False)]
        if act == 0:
            home.declare(NAME, declaration(confidence_threshold=float(rng.uniform(0.6, 0.99))))
        elif act == 1:
            promote(ws.open(NAME), candidates(ws.open(NAME), 0.9)[:2], "carla")
        elif act == 2:
            home.put(NAME, {f"new{step}": int(rng.integers(360))})
        elif act == 3:
            revoke(ws.ledger, [NAME], RevocationFilter(annotator=f"p{step - 1}"), "carla")
        else:
            given = [GivenLabel(key, ["east", "west"][i % 2]) for i, key in enumerate(keys)]
            give_labels(ws.open(NAME), given, f"p{step}", "cli")
        ws = home.workspace
        bring_up_to_date(ws, NAME)
        stood.append((now(), everything(ws)))
    export(ws.ledger, tmp_path / "before.jsonl")
    for moment, wanted in stood:
        found, notes = looked_back(ws, moment)
        assert found == wanted
        assert notes == []
    export(ws.ledger, tmp_path / "after.jsonl")
    assert (tmp_path / "before.jsonl").read_text() == (tmp_path / "after.jsonl").read_text()
    assert everything(ws) == stood[-1][1]


def test_what_has_changed_or_gone_since_is_left_out_and_said(angles, home, bring_up_to_date):
    ws = angles({"a": 0, "b": 5, "c": 10, "d": 180}, {"a": "east", "d": "west"})
    moment = now()
    (ws.paths.buckets / NAME / "b").unlink()
    home.put(NAME, {"d": 90})
    bring_up_to_date(home.workspace, NAME)
    (documents, _), notes = looked_back(home.workspace, moment)
    assert [d["key"] for d in documents] == ["a", "c"]
    assert [d["label"] for d in documents] == ["east", "east"]
    (note,) = notes
    assert "2 objects have changed or gone since and are left out (b, d)" in note
    assert "People had labelled 1 of them" in note


def test_references_of_another_collection_are_those_of_then(home, bring_up_to_date):
    home.declare("curated", declaration())
    home.declare(NAME, declaration(reference="curated"))
    home.put("curated", {"e": 0, "n": 90})
    home.put(NAME, {"a": 5, "b": 80, "c": 20})
    bring_up_to_date(home.workspace, "curated")
    label(home.workspace, {"e": "east", "n": "north"}, collection="curated")
    for name in ("curated", NAME):
        bring_up_to_date(home.workspace, name)
    moment, stood = now(), everything(home.workspace)
    ws = home.workspace
    promote(ws.open(NAME), candidates(ws.open(NAME), 0.95), "me")
    label(home.workspace, {"n": "up"}, collection="curated")
    for name in ("curated", NAME):
        bring_up_to_date(home.workspace, name)
    assert everything(home.workspace)[1] != stood[1]
    found, notes = looked_back(home.workspace, moment)
    assert (found, notes) == (stood, [])


def test_boxes_are_those_of_then(blocks, home, bring_up_to_date):
    ws = blocks()
    judge(ws, "red.png", 0, "confirmed")
    bring_up_to_date(ws, "blocks")
    moment, stood = now(), everything(ws, "blocks")
    judge(home.workspace, "green.png", 0, "corrected", "ball")
    bring_up_to_date(home.workspace, "blocks")
    assert everything(home.workspace, "blocks")[1] != stood[1]
    found, notes = looked_back(home.workspace, moment, "blocks")
    assert (found, notes) == (stood, [])


def test_before_the_first_sweep_there_was_nothing(angles):
    moment = now()
    ws = angles({"a": 0}, {"a": "east"})
    (documents, state), _ = looked_back(ws, moment)
    assert documents == []
    assert state.references == {}


def test_a_moment_is_a_date_a_length_of_time_or_a_snapshot(angles):
    ws = angles({"a": 0}, {"a": "east"})
    assert find_moment(ws, "1w").positions["annotations"]["last"] == 0
    assert find_moment(ws, "2020-01-01").positions["arrivals"]["rows"] == 0
    assert find_moment(ws, "now").positions["annotations"]["rows"] == 1
    with pytest.raises(AutolabelError, match="lies ahead"):
        find_moment(ws, "2999-01-01")
    with pytest.raises(AutolabelError, match="no moment and no snapshot"):
        find_moment(ws, "yesterday")


def test_rows_count_up_to_the_first_later_one(ledger_of_moments):
    ledger, moments = ledger_of_moments
    for count, moment in enumerate(moments, start=1):
        found = positions_at(ledger.database, moment)["requests"]
        assert (found["rows"], found["last"], found["recorded_at"]) == (count, count, moment)
    keep_until(ledger.database, positions_at(ledger.database, moments[1]))
    assert len(ledger.requests("c")) == 2


@pytest.fixture
def ledger_of_moments(url):
    from autolabel_core.ledger import Ledger, Request

    moments = [f"2026-01-0{day}T00:00:00.000000+00:00" for day in (1, 2, 3)]
    clock = iter(moments)
    ledger = Ledger(url, lambda: next(clock))
    for number in range(3):
        ledger.append_requests([Request(f"r{number}", "c", "retrain", {})])
    return ledger, moments


@pytest.mark.parametrize("seed", range(2))
def test_a_snapshot_is_verified_after_later_changes(angles, home, bring_up_to_date, seed):
    ws = angles(OBJECTS, {"k00": "east", "k10": "north"})
    file = make_snapshot(ws, "first")
    assert verify_snapshot(ws, "first") == []
    label(ws, {"k05": "west", "k00": None})
    home.declare(NAME, declaration(confidence_threshold=0.5))
    home.put(NAME, {"later": 33})
    bring_up_to_date(home.workspace, NAME)
    ws = home.workspace
    assert verify_snapshot(ws, "first") == []
    assert json.loads(file.read_text())["collections"][NAME]["thresholds"] == {"(all)": 0.9}
    found = compare_moments(ws, "first", "now").differences[NAME]
    assert found.thresholds == {"(all)": (0.9, 0.5)}
    assert found.vocabulary == {"east": (1, None), "west": (None, 1)}
    assert found.rule == ["taxonomy"]
    references = {(c.key, c.label_before, c.label_after) for c in found.references.changes}
    assert references == {("k00", "east", None), ("k05", None, "west")}
    same = compare_moments(ws, "now", "now").differences[NAME]
    assert (same.labels.changes, same.thresholds, same.rule) == ([], {}, [])


def test_a_snapshot_that_was_edited_or_is_of_another_ledger_proves_nothing(angles, tmp_path):
    ws = angles(OBJECTS, {"k00": "east"})
    file = make_snapshot(ws, "first")
    with pytest.raises(AutolabelError, match="already"):
        make_snapshot(ws, "first")
    for name in ("now", "7d", "a/b", "", "verify"):
        with pytest.raises(AutolabelError, match="cannot be called"):
            make_snapshot(ws, name)
    with pytest.raises(NotFoundError, match='Did you mean "first"'):
        verify_snapshot(ws, "frist")
    text = file.read_text()
    file.write_text(text.replace('"documents": 30', '"documents": 31'))
    with pytest.raises(AutolabelError, match="was changed after it was written"):
        read_snapshot(file)
    file.write_text(text)
    keep_until(ws.ledger.database, {})
    (problem,) = verify_snapshot(ws, "first")
    assert "does not begin as the one of the snapshot" in problem


def test_a_lost_object_is_why_a_snapshot_cannot_be_verified(angles, home, bring_up_to_date):
    ws = angles(OBJECTS, {"k00": "east", "k10": "north"})
    make_snapshot(ws, "first")
    (ws.paths.buckets / NAME / "k00").unlink()
    bring_up_to_date(home.workspace, NAME)
    problems = verify_snapshot(home.workspace, "first")
    assert any("references" in problem for problem in problems)
    assert any("1 objects have changed or gone since" in problem for problem in problems)


RULES = {
    "plain": {},
    "boxes": of_boxes(gate={"min_images": 3}, training={"epochs": 2}),
    "certified": declaration(confidence_threshold={"target_precision": 0.9, "delta": 0.05}),
    "filtered": {
        **declaration(retriever="nearest", label_thresholds={"a b": 0.5}, score="vote"),
        "retrievers": [
            {
                "retriever_name": "nearest",
                "stages": [
                    {
                        "stage_id": "attribute_filter",
                        "parameters": {
                            "conditions": {
                                "AND": [{"field": "room", "operator": "exists", "value": True}]
                            }
                        },
                    },
                    {"stage_id": "feature_search", "parameters": {"searches": [{"top_k": 3}]}},
                ],
            }
        ],
    },
    "named": {"taxonomy": {"field_to_enrich": "side", "vocabulary": ["a", "b"], "zero_shot": {}}},
    "frames": {"frames": {"every_seconds": 2}, "taxonomy": {"field_to_enrich": "side"}},
    "files": {"references": {}, "reference_views": 4, "taxonomy": {"field_to_enrich": "side"}},
}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_survives_the_ledger(workspace, name):
    collection = workspace({name: RULES[name]}).collection(name)
    kept = json.loads(json.dumps(rule_of(collection)))
    bare = collection.model_copy(update={"taxonomy": None, "retrievers": (), "detection": None})
    assert with_rule(bare, kept) == collection


def test_the_handle_and_the_commands_look_back(angles, home, run, bring_up_to_date):
    ws = angles({"a": 0, "b": 10, "x": 180}, {"a": "east", "x": "west"})
    assert "keep it in git" in run("snapshot", "first")[1]
    label(ws, {"a": "south"})
    bring_up_to_date(home.workspace, NAME)

    def told(*arguments):
        status, out, error = run(*arguments, "--as-of", "first", "--json")
        assert (status, error) == (0, "")
        return json.loads(out)

    assert {d["key"]: d["label"] for d in told("documents", NAME)}["b"] == "east"
    assert told("status", NAME)["references"] == {"east": 1, "west": 1}
    assert told("explain", NAME, "b")["because"]["document"]["label"] == "east"
    assert told("query", f"SELECT label FROM {NAME}.documents WHERE key = 'b'") == [
        {"label": "east"}
    ]
    out = home.paths.home.parent / "out"
    assert told("export", NAME, "--format", "csv", "--out", str(out))["written"] == 3
    assert '"east"' in (out / "documents.csv").read_text()
    assert run("snapshot", "verify", "first")[0] == 0
    (home.paths.collections / "snapshots" / "junk.json").write_text("x")
    _, listed, left_out = run("snapshot", "list")
    assert "first" in listed
    assert "junk.json cannot be read as a snapshot" in left_out
    (home.paths.collections / "snapshots" / "junk.json").unlink()
    shown = run("diff", "first")[1]
    assert f"{NAME}: 2 labels or their sources differ, 1 are the same" in shown
    assert "b: east → south" in shown
    with Project(home.workspace).as_of("first") as then:
        assert then.collection(NAME).status()["references"] == {"east": 1, "west": 1}


def test_now_goes_by_what_the_yaml_says_now(angles, home, bring_up_to_date):
    angles({"a": 0, "b": 60}, {"a": "east"})
    home.declare(NAME, declaration(confidence_threshold=0.99))
    file = make_snapshot(home.workspace, "edited")
    thresholds = read_snapshot(file)["collections"][NAME]["thresholds"]
    assert thresholds == {"(all)": 0.99}
    bring_up_to_date(home.workspace, NAME)
    compared = compare_moments(home.workspace, "edited", "now").differences[NAME]
    assert (compared.thresholds, compared.rule) == ({}, [])
    assert verify_snapshot(home.workspace, "edited") == []
