"""`autolabel clusters`: what a person and a program see, from the first run to the promotion."""

from __future__ import annotations

import json

import pytest
from support.angle_samples import NAME
from support.grouped_angles import (
    TOPICS,
    ask,
    clusters_by_key,
    declared,
    definition,
    groups,
    refresh,
)

from autolabel_core.operations.staleness_plan import plan

CLASSES = {"000-0": "left"}


@pytest.fixture
def grouped(angles):
    ws = angles(groups(0, 180, size=12), CLASSES, declared=declared())
    ask(ws)
    refresh(ws)
    return ws


@pytest.fixture
def told(run):
    """Run a command with --json, and return what it says."""

    def call(*words):
        status, out, err = run("clusters", *words, "--json")
        assert status == 0, err
        return json.loads(out)

    return call


def test_list_and_show(grouped, told, run):
    rows = told("list", NAME)
    assert [row["documents"] for row in rows] == [12, 12]
    named = {row["majority"]: row for row in rows}
    assert named["left"]["purity"] == 1.0 and named[None]["label"] == "like left"
    found = told("show", NAME, named[None]["cluster_id"])
    assert found["promotable"] and found["stability"] > 0.75 and len(found["members"]) == 12
    assert [change["change"] for change in found["changes"]] == ["birth"]
    (one,) = told("show", NAME)
    assert one["declared"]["cluster_name"] == TOPICS and one["clusters"] == 2
    status, out, _ = run("clusters", "list", NAME)
    assert status == 0 and "like left" in out
    assert "Nearest to the centroid" in run("clusters", "show", NAME, "cl_0")[1]
    assert "like left" in run("clusters", "show", NAME, "like left")[1]


def test_the_history_is_shown_and_ended(grouped, told, run):
    (row,) = told("runs", NAME)
    assert row["in_force"] and row["asked_by"] == "cli" and row["documents"] == 24
    assert told("delete", NAME, TOPICS, "--yes") == {
        "definition": TOPICS,
        "deleted": True,
        "artifacts_removed": False,
    }
    assert [r["status"] for r in told("runs", NAME)] == ["deleted", "succeeded"]
    assert told("list", NAME) == []
    run_file = grouped.warehouse.path(NAME, "clusters", TOPICS, "runs", row["run_id"])
    assert (run_file / "members.parquet").exists()
    told("delete", NAME, TOPICS, "--yes", "--artifacts")
    assert not run_file.exists()


def test_enriched_documents_are_written(grouped, told, run, tmp_path):
    rows = told("enrich", NAME)
    assert len(rows) == 24 and set(rows[0]) >= {"key", "cluster_id", "cluster_keywords"}
    history = told("enrich", NAME, TOPICS, "--run", told("runs", NAME)[0]["run_id"])
    assert [r["cluster_id"] for r in history] == [r["cluster_id"] for r in rows]
    for suffix in ("csv", "jsonl", "parquet"):
        out = tmp_path / f"found.{suffix}"
        assert run("clusters", "enrich", NAME, "--field", "label", "--out", str(out))[0] == 0
        assert out.stat().st_size
    assert "left" in (tmp_path / "found.csv").read_text()
    status, _, err = run("clusters", "enrich", NAME, "--out", str(tmp_path / "found.xls"))
    assert status == 1 and "expected .csv, .jsonl or .parquet" in err


def test_promotion_asks_first(grouped, told, run):
    unknown = clusters_by_key(grouped)["180-0"]
    before = told("promote", NAME, unknown, "--label", "down", "--core", "3")
    assert (len(before["candidates"]), before["promoted"], before["promotable"]) == (3, 0, True)
    status, out, _ = run("clusters", "promote", NAME, unknown, "--label", "down")
    assert status == 0 and "Nothing promoted: repeat with --yes" in out
    arguments = (NAME, unknown, "--label", "down", "--all", "--exclude", "180-0", "--yes")
    assert told("promote", *arguments, "--reviewer", "ann")["promoted"] == 11
    assert grouped.ledger.annotations(NAME)[-1].annotator == "ann"


def test_a_cluster_that_is_not_fit_is_refused_with_the_reasons(angles, run):
    ws = angles(groups(0, 90, size=6), CLASSES, declared=declared())
    ask(ws)
    refresh(ws)
    arguments = ("clusters", "promote", NAME, "cl_0", "--label", "x")
    status, _, err = run(*arguments, "--yes")
    assert status == 1 and "fewer than 10" in err and "--force" in err
    assert run(*arguments, "--yes", "--force")[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("list", NAME, "topic"), 'Did you mean "topics"?'),
        (("show", NAME, "cl_7"), "No cluster `cl_7`"),
        (("show", "nobody"), "nobody"),
    ],
)
def test_what_is_not_there_is_said(grouped, run, words, said):
    status, _, err = run("clusters", *words)
    assert status == 1 and said in err


def test_a_collection_without_clusters(angles, run):
    angles({"a": 0})
    status, _, err = run("clusters", "run", NAME)
    assert status == 1 and "declares no `clusters`" in err and "cluster_name" in err


def test_status_mentions_them(grouped, run):
    status, out, _ = run("status", NAME)
    assert status == 0 and "topics: 2 of 24 documents" in out and "clusters list" in out


@pytest.mark.slow
def test_run_and_assign_go_through_dagster(angles, home, told, run):
    ws = angles(groups(0, 90), declared=declared(definition(enrich=["cluster_id"])))
    found = told("run", NAME)
    assert found["definitions"][TOPICS]["clusters"] == 2 and found["dagster_run"]
    home.put(NAME, {"late": 1})
    status, _, err = run("sweep", NAME)
    assert status == 0, err
    assert told("assign", NAME)["definitions"][TOPICS]["assigned since"] == 1
    assert clusters_by_key(ws)["late"] == clusters_by_key(ws)["000-0"]
    assert not plan(ws.open(NAME))
    home.declare(NAME, declared(definition(algorithm_params={"min_cluster_size": 99})))
    status, _, err = run("clusters", "run", NAME)
    assert status == 1 and "no cluster among 17 documents" in err
    assert [r["status"] for r in told("runs", NAME)] == ["nothing", "succeeded"]
