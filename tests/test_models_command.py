"""`autolabel models` at the command line, on a registry of files that stand for weights."""

from __future__ import annotations

import json

import pytest
from test_registry import card

from autolabel_core.models.registry import GATE


@pytest.fixture
def registered(workspace, tmp_path):
    """Two versions, the first in service."""
    opened = workspace({"c": "detection: {weights: 'registry:active'}\n"})
    source = tmp_path / "trained.pt"
    made = []
    for content in (b"first", b"second"):
        source.write_bytes(content)
        made.append(opened.registry.add("c", "detector", source, card()))
    opened.registry.decide(made[0], "promoted", GATE, "above the floor", {"map50": 0.5})
    opened.registry.decide(made[1], "held", GATE, "mAP50 is lower by 0.100", {"map50": 0.4})
    return opened


def listed(run):
    return json.loads(run("models", "list", "c", "--json")[1])


def in_service(run):
    return [row["version"] for row in listed(run) if row["in service"]]


def test_versions_are_listed_with_the_last_decision(run, registered):
    rows = listed(run)
    assert [(r["version"], r["in service"], r["decision"], r["mAP50"]) for r in rows] == [
        ("1.0.0", True, "promoted", 0.5),
        ("2.0.0", False, "held", 0.4),
    ]
    assert "mAP50 is lower" in run("models", "list")[1]


def test_show_prints_the_card_and_the_decisions(run, registered):
    shown = json.loads(run("models", "show", "c", "2.0.0")[1])
    assert shown["card"]["classes"] == ["seven", "one"]
    assert shown["decisions"][0]["reason"] == "mAP50 is lower by 0.100"
    assert json.loads(run("models", "show", "c")[1])["version"] == "1.0.0"


def test_a_person_decides_otherwise_and_it_is_recorded(run, registered):
    assert run("models", "promote", "c", "2.0.0", "--reason", "gold is old", "--by", "ann")[0] == 0
    assert in_service(run) == ["2.0.0"]
    assert "1.0.0 serves" in run("models", "rollback", "c", "--reason", "misses", "--by", "bob")[1]
    assert in_service(run) == ["1.0.0"]
    said = run("models", "hold", "c", "1.0.0", "--reason", "worse", "--by", "bob")[1]
    assert "None is in service" in said
    assert [(r["mAP50"], r["reason"], r["gate"]) for r in listed(run)] == [
        (0.5, "worse", "above the floor"),
        (0.4, "misses", "mAP50 is lower by 0.100"),
    ]
    refused = run("models", "hold", "c", "1.0.0", "--reason", "x", "--by", "gate")
    assert refused[0] != 0 and "give your name" in refused[2]
    decisions = registered.registry.decisions("c", "detector")
    assert [d.decided_by for d in decisions] == ["gate", "gate", "ann", "bob", "bob"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("promote", "c", "3.0.0", "--reason", "x"), "There are: 1.0.0, 2.0.0"),
        (("promote", "c", "2.0.0"), "Missing option '--reason'"),
        (("promote", "c", "2.0.0", "--reason", " "), "who decided and why"),
        (("rollback", "c", "--reason", "x", "--kind", "head"), "no head in service"),
        (("list", "d"), "No collection `d`"),
        (("add", "c", __file__), "holds no YOLO detector"),
        (("export", "c", "--out", "x.torchscript"), "cannot be exported"),
        (("export", "c", "--out", "x", "--imgsz", "100"), "multiple of 32, such as 96 or 128"),
    ],
)
def test_what_cannot_be_done_is_said(run, registered, arguments, said):
    status, _, error = run("models", *arguments)
    assert (status != 0, said in error) == (True, True), error


@pytest.mark.slow
def test_real_weights_are_added_and_exported(run, registered, tmp_path):
    from autolabel_core.models.ultralytics_setup import quiet_ultralytics

    file = tmp_path / "elsewhere.pt"
    model = quiet_ultralytics(tmp_path / "cache").YOLO("yolo11n.yaml", task="detect")
    model.model.args = {"data": "somewhere/secret/data.yaml"}
    model.save(str(file))
    status, said, error = run("models", "add", "c", str(file), "--version", "5.0.0")
    assert (status, "detector 5.0.0 is registered" in said) == (0, True), error
    assert in_service(run) == ["1.0.0"]
    for fmt in ("torchscript", "onnx"):
        out = tmp_path / f"model.{fmt}"
        given = ("5.0.0", "--format", fmt, "--imgsz", "64", "--out", str(out))
        status, _, error = run("models", "export", "c", *given)
        assert (status, out.stat().st_size > 1_000_000) == (0, True), error
        assert b"secret" not in out.read_bytes()
    again = run("models", "add", "c", str(file))
    assert again[0] == 1 and "the weights of version 5.0.0, which is registered" in again[2]
    import onnx
    import torch

    onnx.checker.check_model(str(tmp_path / "model.onnx"))
    found = torch.jit.load(str(tmp_path / "model.torchscript"))(torch.zeros(1, 3, 64, 64))
    assert found.shape == (1, 84, 84)


def test_what_declares_no_detector_has_nothing_to_train(run, workspace):
    workspace({"texts": "description: no images here\n"})
    status, _, error = run("train", "texts")
    assert (status, "declares nothing to train: add `detection`" in error) == (1, True), error


@pytest.mark.slow
def test_training_from_too_little_is_refused_before_it_is_asked_for(
    run,
    registered,
    home,
    monkeypatch,
):
    monkeypatch.setenv("DAGSTER_HOME", str(home.paths.home))
    status, _, error = run("train", "c", "--json")
    assert (status, "at least 2 reviewed images, found 0" in error) == (1, True), error
    assert registered.ledger.requests("c") == []
