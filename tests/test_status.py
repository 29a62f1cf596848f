import pytest
from support.angle_samples import NAME, declaration, label

from autolabel_core.documents.documents import Documents
from autolabel_core.labelling.audit import JudgedLabel, record_verdicts
from autolabel_core.labelling.promotion import promote
from autolabel_core.labelling.promotion_candidates import candidates
from autolabel_core.operations.advice import findings
from autolabel_core.operations.registration import register
from autolabel_core.operations.status import LOW_CONFIDENCE_BAND, collection_status


def status_of(workspace, name=NAME):
    return collection_status(workspace.open(name))


def failed(status):
    return {finding.name for finding in findings(status) if not finding.passed}


@pytest.fixture
def mixed(angles, bring_up_to_date):
    """People's, promoted, auto, withheld, unlabelled and unreadable documents."""
    objects = {f"k{i:02}": 9 * i for i in range(20)} | {"empty": b"", "near": 2}
    declared = declaration(confidence_threshold=0.9, label_thresholds={"b > c": 0.95})
    ws = angles(objects, {"k00": "a", "k05": "b > c", "k10": "b > d"}, declared)
    promote(ws.open(NAME), candidates(ws.open(NAME), 0.999), "me")
    record_verdicts(ws.open(NAME), [JudgedLabel("k09", "b > d", "wrong", None, "")], "me")
    bring_up_to_date(ws, NAME)
    return ws


def test_the_numbers_are_those_of_the_documents(mixed):
    records = Documents(mixed.open(NAME)).find()
    status = status_of(mixed)

    def count(condition):
        return sum(condition(record) for record in records)

    for source in ("human", "promoted", "auto"):
        assert status[source] == count(lambda r, s=source: r["label_source"] == s) > 0
    readable = [r for r in records if r["reason"] is None]
    machine = [r for r in readable if r["label_source"] not in ("human", "promoted")]
    assert status["objects"] == len(records)
    assert status["quarantined"] == len(records) - len(readable) == 1
    assert status["unlabelled"] == count(lambda r: r["label"] is None)
    assert status["review_queue"] == count(lambda r: r["label"] is None and r["reason"] is None)
    assert status["coverage"] == status["auto"] / len(machine)
    thresholds = {"b > c": 0.95}
    assert status["low_confidence"] == count(
        lambda r: (
            r["label_source"] == "auto"
            and r["taxonomy_match"]["confidence"]
            < thresholds.get(r["label"], 0.9) + LOW_CONFIDENCE_BAND
        )
    )


def test_labels_are_counted_with_and_without_their_ancestors(mixed):
    status = status_of(mixed)
    assert set(status["distribution"]) == {"a", "b > c", "b > d"}
    rolled = status["distribution_rolled_up"]
    assert rolled["b"] == status["distribution"]["b > c"] + status["distribution"]["b > d"]
    assert status["references"] == {"a": 2, "b > c": 1, "b > d": 1}


def test_quantiles_are_of_what_people_left(mixed):
    records = Documents(mixed.open(NAME)).find()
    left = sorted(
        r["taxonomy_match"]["confidence"]
        for r in records
        if r["label_source"] in (None, "auto") and r["reason"] is None
    )
    found = status_of(mixed)["confidence"]
    assert left[0] <= found["q05"] <= found["q50"] <= found["q95"] <= left[-1]
    assert found["q50"] == pytest.approx((left[(len(left) - 1) // 2] + left[len(left) // 2]) / 2)


def test_stale_and_pending_are_shown(angles, home, bring_up_to_date):
    ws = angles({"a": 0, "b": 5}, {"a": "left", "b": "left"})
    bring_up_to_date(ws, NAME, index=True)
    assert status_of(ws)["pending"] == {"assets": [], "batches": []}
    home.put(NAME, {"a": 7})
    register(ws.open(NAME))
    assert status_of(ws)["pending"]["batches"] == ["batch_000001"]
    bring_up_to_date(ws, NAME)
    assert status_of(ws)["stale_annotations"] == 1


def test_a_labelled_document_that_cannot_be_embedded_is_no_machines_task(
    workspace, bring_up_to_date
):
    colours = declaration()
    colours["feature_extractor"]["feature_extractor_name"] = "colour_extractor"
    ws = workspace({NAME: colours}, {NAME: {"r.png": (200, 0, 0), "s.png": (201, 0, 0)}})
    bucket = ws.paths.buckets / NAME
    (bucket / "cut.png").write_bytes((bucket / "r.png").read_bytes()[:45])
    bring_up_to_date(ws, NAME)
    label(ws, {"cut.png": "red", "r.png": "red"})
    bring_up_to_date(ws, NAME)
    found = status_of(ws)
    assert (found["quarantined"], found["human"], found["coverage"]) == (1, 2, 1.0)


def test_an_empty_collection_has_a_status(workspace):
    found = status_of(workspace({NAME: declaration()}, {NAME: {}}))
    assert (found["objects"], found["coverage"], found["confidence"]) == (0, 0.0, {})
    assert failed(found) == {"references_per_label"}
    texts = {f.name: f.text for f in findings(found)}
    assert f"`autolabel sweep {NAME}`" in texts["references_per_label"]
    assert "Label 10" not in texts["references_per_label"], "there is nothing to label yet"


@pytest.mark.parametrize(("kind", "other"), [("image", "text"), ("text", "image")])
def test_where_nothing_can_be_read_the_other_extractor_is_named(kind, other):
    def advice(quarantined):
        numbers = {**HEALTHY, "input": kind, "quarantined": quarantined}
        return {f.name: f.text for f in findings(numbers)}["unreadable_share"]

    assert f"`feature_extractor_name: {other}_extractor`" in advice(HEALTHY["objects"])
    assert "_extractor`" not in advice(HEALTHY["objects"] - 1)


HEALTHY = {
    "score": {"declared": "nearest"},
    "collection": "x",
    "feature_uri": "autolabel://image_extractor@v1/efficientnet_lite0_descriptor",
    "objects": 100,
    "quarantined": 0,
    "auto": 70,
    "coverage": 0.8,
    "review_queue": 10,
    "threshold": 0.5,
    "references": {"a": 12, "b": 20},
    "confidence": {"q05": 0.4, "q50": 0.7, "q95": 0.9},
    "leave_one_out": {"agreement": 0.95, "low": 0.8, "high": 1.0},
    "false_positive_rate": {"audited": 50, "wrong": 1, "rate": 0.02, "low": 0.0, "high": 0.1},
    "certificates": [],
    "gold": [],
    "clusters": [],
    "endpoints": [],
    "labels_from_names": False,
    "unclear_moves": [],
    "disagreements": 0,
    "distinguishability": None,
    "label_thresholds": {},
    "input": "image",
}


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ({}, set()),
        ({"quarantined": 5}, set()),
        ({"quarantined": 6}, {"unreadable_share"}),
        ({"references": {}}, {"references_per_label"}),
        ({"references": {"a": 9, "b": 12}}, {"references_per_label"}),
        ({"references": {"a": 10, "b": 50}}, set()),
        ({"references": {"a": 10, "b": 51}}, {"references_balanced"}),
        ({"references": {"a": 10}}, set()),
        ({"leave_one_out": {"agreement": 0.8, "low": 0.7, "high": 0.9}}, set()),
        ({"leave_one_out": {"agreement": 0.79, "low": 0.7, "high": 0.9}}, {"references_agree"}),
        ({"leave_one_out": {"agreement": None, "low": None, "high": None}}, set()),
        ({"auto": 0, "coverage": 0.0}, {"something_labelled", "threshold_near_data"}),
        ({"auto": 0, "review_queue": 0}, set()),
        ({"auto": 0, "confidence": {}}, set()),
        ({"coverage": 0.39}, {"threshold_near_data"}),
        ({"coverage": 1.0, "threshold": 0.3}, {"threshold_near_data"}),
        ({"coverage": 1.0, "threshold": 0.39}, set()),
        (
            {"false_positive_rate": {"audited": 9, "wrong": 1, "rate": 0.11, "low": 0, "high": 1}},
            {"false_positive_rate"},
        ),
        (
            {"false_positive_rate": {"audited": 0, "wrong": 0, "rate": None, "low": 0, "high": 1}},
            {"false_positive_rate"},
        ),
        (
            {
                "auto": 0,
                "review_queue": 0,
                "false_positive_rate": {
                    **{"audited": 0, "wrong": 0},
                    **{"rate": None, "low": 0, "high": 1},
                },
            },
            set(),
        ),
        ({"coverage": 1.0, "threshold": 0.3, "label_thresholds": {"a": 0.38}}, set()),
        (
            {"coverage": 1.0, "threshold": 0.3, "label_thresholds": {"a": 0.34}},
            {"threshold_near_data"},
        ),
    ],
)
def test_each_finding_has_its_bound(numbers, expected):
    assert failed({**HEALTHY, **numbers}) == expected


@pytest.mark.parametrize(("kind", "encoder"), [("image", "open_clip"), ("text", "sentence_tr")])
def test_the_stronger_encoder_is_one_for_what_is_embedded(kind, encoder):
    poor = {"agreement": 0.5, "low": 0.4, "high": 0.6}
    texts = {f.name: f.text for f in findings({**HEALTHY, "leave_one_out": poor, "input": kind})}
    assert f"({encoder}" in texts["references_agree"]


def test_where_the_descriptor_is_declared_the_default_is_the_stronger_encoder():
    poor = {"agreement": 0.5, "low": 0.4, "high": 0.6}
    plain = {"feature_uri": "autolabel://image_extractor@v1/descriptor", "leave_one_out": poor}
    texts = {f.name: f.text for f in findings({**HEALTHY, **plain})}
    assert "(`model: efficientnet_lite0+descriptor`)" in texts["references_agree"]


def test_thresholds_of_single_labels_are_named():
    own = {"a": 0.41, "b": 0.62}
    texts = {f.name: f.text for f in findings({**HEALTHY, "label_thresholds": own})}
    assert "With the thresholds (a 0.41, b 0.62; others 0.5), 80.0%" in texts["threshold_near_data"]


def test_findings_name_numbers_and_cures():
    texts = {f.name: f.text for f in findings({**HEALTHY, "references": {"a": 2, "b": 30}})}
    assert "a (2)" in texts["references_per_label"]
    assert "b has 30 references, a has 2" in texts["references_balanced"]
    assert "Label more of a." in texts["references_balanced"]
