"""When a run is due, what it leaves alone, and what becomes of one that comes to nothing."""

from __future__ import annotations

import yaml
from conftest import sweep_quietly
from support.angle_samples import NAME
from support.grouped_angles import (
    TOPICS,
    UNLABELLED,
    ask,
    declared,
    definition,
    groups,
    refresh,
    sizes,
    statuses,
)

from autolabel_core.clusters import definition_state as cluster_definition
from autolabel_core.clusters.table import Clusters


def test_a_pile_without_a_cluster_is_no_failure_and_is_looked_at_again(angles, home, monkeypatch):
    with_filter = {**declared(definition(filter="unlabelled")), "retrievers": [UNLABELLED]}
    ws = angles({f"000-{i}": i / 10 for i in range(9)}, {"000-0": "left"}, declared=with_filter)
    monkeypatch.setattr(cluster_definition, "FIRST_DOCUMENTS", 8)
    sweep_quietly(ws, NAME)
    assert statuses(ws) == [], "all are labelled: nothing to group, and nothing asked for"
    ask(ws)
    assert refresh(ws)
    assert statuses(ws) == ["nothing"] and not refresh(ws)
    (run,) = ws.ledger.cluster_runs(NAME)
    assert "no cluster among 0 documents" in run.payload["reason"]
    report = Clusters(ws.open(NAME)).report()
    assert "0 documents" in report["last run found nothing"]
    home.put(NAME, groups(90, size=7))
    sweep_quietly(ws, NAME)
    assert statuses(ws) == ["nothing"], "too few of them pass the filter"
    home.put(NAME, groups(180, size=7))
    sweep_quietly(ws, NAME)
    assert statuses(ws) == ["nothing", "succeeded"]


def test_one_definition_that_fails_leaves_the_others_alone(angles, run, home):
    bad = definition(cluster_name="bad", algorithm="kmeans", algorithm_params={"n_clusters": 99})
    ws = angles(groups(0, 90), declared=declared(bad, definition()))
    status, out, err = run("clusters", "run", NAME)
    assert status == 1 and "99 clusters in 16 rows" in err
    assert "clusters                 2" in out and out.index("bad") < out.index("topics")
    assert sizes(ws) == {"cl_0": 8, "cl_1": 8}


def test_only_what_was_asked_for_is_run_and_drawn(angles, monkeypatch):
    monkeypatch.setattr(cluster_definition, "FIRST_DOCUMENTS", 8)
    several = [definition(cluster_name=f"c{i}") for i in range(4)]
    home_declared = declared(*(one | {"mode": "assign"} for one in several[1:]), several[0])
    ws = angles(groups(0, 90), declared=home_declared)
    assert [run.cluster_name for run in ws.ledger.cluster_runs(NAME)] == ["c0"]
    ask(ws, "c2")
    table = Clusters(ws.open(NAME))
    assert table.refresh("all")
    assert [run.cluster_name for run in ws.ledger.cluster_runs(NAME)] == ["c0", "c2"]
    assert {name.partition(":")[0] for name in table.pictures("all")} == {"c2"}
    assert len({id(one.documents.rows) for one in table.defined}) == 1, "read once for all"


def test_what_is_due_by_itself_waits_for_what_was_asked_for(angles, home, monkeypatch):
    ws = angles(groups(0, 90), declared=declared(definition(), definition(cluster_name="other")))
    monkeypatch.setattr(cluster_definition, "FIRST_DOCUMENTS", 8)
    ask(ws, "other")
    assert refresh(ws)
    assert [run.cluster_name for run in ws.ledger.cluster_runs(NAME)] == ["other"]
    assert refresh(ws) and not refresh(ws)
    assert [run.cluster_name for run in ws.ledger.cluster_runs(NAME)] == ["other", TOPICS]


def test_a_feature_uri_that_nobody_makes_is_told(angles, run):
    wrong = definition(cluster_name="wrong", feature_uris=["autolabel://angle_extractor@v1/angel"])
    ws = angles(groups(0, 90), declared=declared(definition()))
    own = ws.feature_uri(ws.collection(NAME))
    wrong["feature_uris"] = [own.rpartition("/")[0] + "/angel"]
    home_file = ws.paths.collections / f"{NAME}.yaml"
    home_file.write_text(yaml.safe_dump(declared(wrong, definition())))
    status, _, err = run("clusters", "run", NAME, "wrong")
    assert status == 1 and "has no such vectors; it makes " + own in err
    status, _, err = run("sweep", NAME)
    assert status == 1 and "/angel" in err
    assert "/angel" in run("status", NAME)[1]
    assert run("clusters", "run", NAME, TOPICS)[0] == 0
