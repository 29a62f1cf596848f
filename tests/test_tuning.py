import pytest
from support.angle_samples import NAME, declaration

from autolabel_core.documents.documents import Documents
from autolabel_core.documents.threshold_tuning import (
    leave_one_out,
    propose_thresholds,
    try_thresholds,
)
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.labelling.audit import JudgedLabel, record_verdicts
from autolabel_core.matching.thresholds import Thresholds
from autolabel_core.tables.workspace import OpenCollection

ANGLES = {"a0": 0, "a1": 4, "a2": 50, "b0": 60, "b1": 61, "b2": 3}
SIDES = {key: key[0] for key in ANGLES}
FREE = {"u0": 1, "u1": 20, "u2": 40, "u3": 58, "u4": 120}


def naive_leave_one_out():
    """Score and rightness of each reference's nearest other."""
    import math

    found = {}
    for key, angle in ANGLES.items():
        others = {k: math.cos(math.radians(angle - a)) for k, a in ANGLES.items() if k != key}
        nearest = max(others, key=others.__getitem__)
        found[key] = (others[nearest], SIDES[nearest] == SIDES[key])
    return found


def test_each_reference_is_decided_by_the_others(angles):
    figures = leave_one_out(OpenCollection(ws := angles(ANGLES, SIDES), ws.collection(NAME)))
    expected = sorted(naive_leave_one_out().values())
    found = sorted(zip(figures.score.tolist(), figures.correct.tolist(), strict=True))
    assert [c for _, c in found] == [c for _, c in expected]
    assert [s for s, _ in found] == pytest.approx([s for s, _ in expected], abs=1e-6)


@pytest.mark.parametrize("precision", [0.3, 0.5, 0.8, 1.0])
def test_the_proposal_is_the_lowest_threshold_with_the_precision(angles, precision):
    ws = angles(ANGLES, SIDES)
    proposal = propose_thresholds(ws.open(NAME), precision).overall
    figures = naive_leave_one_out().values()
    good = []
    for threshold in sorted({score for score, _ in figures}):
        right = [correct for score, correct in figures if score >= threshold - 1e-9]
        if sum(right) / len(right) >= precision:
            good.append(threshold)
    assert proposal.reached == bool(good)
    if good:
        assert proposal.threshold == pytest.approx(min(good), abs=1e-6)


@pytest.mark.parametrize("tried", [-1.0, 0.5, 0.9, 0.97, 1.0])
def test_trying_a_threshold_counts_what_setting_it_does(angles, home, bring_up_to_date, tried):
    ws = angles({**ANGLES, **FREE}, SIDES)
    record_verdicts(ws.open(NAME), [JudgedLabel("u1", "a", "wrong", None, "")], "me")
    bring_up_to_date(ws, NAME)
    assert_counts(ws, home, bring_up_to_date, tried, declaration(confidence_threshold=tried))


@pytest.mark.parametrize("tried", [0.1, 0.99])
def test_the_floor_of_the_retriever_stays_in_force(angles, home, bring_up_to_date, tried):
    stage = {"stage_id": "feature_search", "parameters": {"searches": [{"min_score": 0.95}]}}
    retrievers = [{"retriever_name": "checked", "stages": [stage]}]
    declared = declaration(retriever="checked", confidence_threshold=0.2)
    ws = angles({**ANGLES, **FREE}, SIDES, declared, retrievers=retrievers)
    declared["taxonomy"]["confidence_threshold"] = tried
    assert_counts(ws, home, bring_up_to_date, tried, {**declared, "retrievers": retrievers})


def assert_counts(workspace, home, bring_up_to_date, tried, declared):
    before = labelled(workspace)
    change = try_thresholds(workspace.open(NAME), Thresholds(tried))
    home.declare(NAME, declared)
    bring_up_to_date(home.workspace, NAME)
    after = labelled(home.workspace)
    assert change.newly_labelled == len(after - before)
    assert change.newly_unlabelled == len(before - after)


def labelled(workspace):
    records = Documents(workspace.open(NAME)).find()
    return {record["key"] for record in records if record["label"] is not None}


def test_without_references_or_taxonomy_the_error_says_what_to_do(angles, workspace):
    ws = angles({"a": 0, "b": 1}, {"a": "left"})
    with pytest.raises(AutolabelError, match="has 1 references; at least two"):
        leave_one_out(ws.open(NAME))
    ws = workspace({NAME: {"feature_extractor": declaration()["feature_extractor"]}})
    with pytest.raises(AutolabelError, match="no `taxonomy`"):
        leave_one_out(ws.open(NAME))
    with pytest.raises(AutolabelError, match="no `taxonomy`"):
        try_thresholds(ws.open(NAME), Thresholds(0.5))
