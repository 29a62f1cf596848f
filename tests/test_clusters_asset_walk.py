"""The walk of `clusters`: what is due, what is kept, what heals."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import sweep_quietly
from support.angle_samples import NAME, label
from support.grouped_angles import (
    TOPICS,
    UNLABELLED,
    ask,
    clusters_by_key,
    declared,
    definition,
    groups,
    one_defined,
    refresh,
    sizes,
    statuses,
)

from autolabel_core.clusters import definition_state as cluster_definition
from autolabel_core.clusters.history import delete_history
from autolabel_core.clusters.table import Clusters
from autolabel_core.foundation.errors import AutolabelError


def files_of(workspace):
    folder = Path(workspace.warehouse.path(NAME, "clusters"))
    return {p.relative_to(folder): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_few_documents_wait_until_somebody_asks(angles):
    ws = angles(groups(0, 90), declared=declared())
    assert statuses(ws) == [] and set(clusters_by_key(ws).values()) == {None}
    ask(ws)
    assert refresh(ws)
    assert sizes(ws) == {"cl_0": 8, "cl_1": 8}
    assert statuses(ws) == ["succeeded"] and not refresh(ws)


def test_many_documents_are_grouped_by_themselves_once(angles, monkeypatch):
    monkeypatch.setattr(cluster_definition, "FIRST_DOCUMENTS", 16)
    ws = angles(groups(0, 90), declared=declared())
    assert statuses(ws) == ["succeeded"] and one_defined(ws).due == ""


def test_a_definition_that_only_assigns_waits_for_a_person(angles, monkeypatch):
    monkeypatch.setattr(cluster_definition, "FIRST_DOCUMENTS", 16)
    ws = angles(groups(0, 90), declared=declared(definition(mode="assign")))
    assert statuses(ws) == []


def test_a_changed_declaration_is_run_by_itself(angles, home):
    ws = angles(groups(0, 90), declared=declared())
    ask(ws)
    refresh(ws)
    home.declare(NAME, declared(definition(description="other words", assignment_threshold=0.4)))
    refresh(home.workspace)
    assert statuses(ws) == ["succeeded"]
    home.declare(NAME, declared(definition(seed=7)))
    refresh(home.workspace)
    assert statuses(ws) == ["succeeded", "succeeded"]
    assert set(sizes(home.workspace)) == {"cl_0", "cl_1"}, "identities persist"


def test_the_same_run_writes_the_same_bytes(angles):
    ws = angles(groups(0, 90, 180) | {"odd": 45}, declared=declared())
    ask(ws)
    refresh(ws)
    before = files_of(ws)
    shutil.rmtree(ws.warehouse.path(NAME, "clusters"))
    assert refresh(ws)
    assert files_of(ws) == before and statuses(ws) == ["succeeded"]


def test_a_restored_home_has_the_clusters_of_the_old_one(angles, home):
    ws = angles(groups(0, 90, 180) | {"odd": 45}, declared=declared())
    ask(ws)
    refresh(ws)
    home.put(NAME, {f"new{i}": 88 + i for i in range(9)})
    sweep_quietly(home.workspace, NAME)
    refresh(home.workspace)
    before, told = files_of(ws), ws.ledger.last_event_id()
    shutil.rmtree(home.paths.home / "warehouse")
    sweep_quietly(home.workspace, NAME)
    refresh(home.workspace)
    assert files_of(home.workspace) == before
    assert statuses(ws) == ["succeeded"]
    kinds = [e.event_type for e in ws.ledger.events_after(told)]
    assert "cluster.completed" not in kinds


def test_the_same_input_is_not_grouped_again(angles):
    ws = angles(groups(0, 90), declared=declared())
    ask(ws)
    refresh(ws)
    before = files_of(ws)
    assert ask(ws, because="later") and refresh(ws)
    assert statuses(ws) == ["succeeded", "unchanged"] and not refresh(ws)
    changed = {name for name, data in files_of(ws).items() if before.get(name) != data}
    assert {str(name) for name in changed} <= {"clusters.parquet", f"{TOPICS}/members.parquet"}


def test_new_documents_take_the_nearest_cluster_as_a_naive_loop_says(angles, home):
    ws = angles(groups(0, 90), declared=declared(definition(assignment_threshold=0.9)))
    ask(ws)
    refresh(ws)
    home.put(NAME, {"near": 20, "far": 45, "opposite": 200, "000-0": 95, "broken": b""})
    (home.paths.buckets / NAME / "090-7").unlink()
    sweep_quietly(ws, NAME)
    found = clusters_by_key(ws)
    run = one_defined(ws).last
    angles_now = {"near": 20, "far": 45, "opposite": 200, "000-0": 95}
    for key, degrees in angles_now.items():
        vector = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
        cosines = [float(vector @ centroid) for centroid in run.centroids]
        best = int(np.argmax(cosines))
        expected = run.clusters[best]["cluster_id"] if cosines[best] >= 0.9 else "-1"
        assert found[key] == expected, key
    assert found["near"] == found["000-1"] and found["000-0"] == found["090-1"]
    assert found["broken"] is None and "090-7" not in found
    assert statuses(ws) == ["succeeded"]


def test_a_filter_leaves_out_what_is_labelled_and_keeps_who_was_grouped(angles, home):
    with_filter = {**declared(definition(filter="unlabelled")), "retrievers": [UNLABELLED]}
    ws = angles(groups(0, 90, 180), {"090-0": "up"}, declared=with_filter)
    ask(ws)
    refresh(ws)
    assert sizes(ws) == {"cl_0": 8, "cl_1": 8} and clusters_by_key(ws)["090-1"] is None
    own = clusters_by_key(ws)["000-0"]
    label(ws, {"000-0": "left"})
    home.put(NAME, {"late": 3})
    sweep_quietly(ws, NAME)
    found = clusters_by_key(ws)
    assert found["000-0"] == own, "what was grouped stays where it is"
    assert found["late"] is None, "it is labelled by 000-0, and passes the filter no more"


def test_a_failed_run_is_recorded_and_the_last_one_stays_in_force(angles, home):
    ws = angles(groups(0, 90), declared=declared())
    ask(ws)
    refresh(ws)
    before = sizes(ws)
    home.declare(
        NAME, declared(definition(algorithm="kmeans", algorithm_params={"n_clusters": 99}))
    )
    ws = home.workspace
    with pytest.raises(AutolabelError, match=r"topics.*Lower n_clusters to at most 16"):
        refresh(ws)
    assert statuses(ws) == ["succeeded", "failed"]
    assert ws.ledger.cluster_runs(NAME)[-1].payload["reason"]
    assert not refresh(ws), "it is not tried for ever"
    assert sizes(ws) == before
    ask(ws, because="again")
    with pytest.raises(AutolabelError):
        refresh(ws)
    assert statuses(ws)[-2:] == ["failed", "failed"] and not refresh(ws)


@pytest.mark.parametrize("lost", ["ledger", "current"])
def test_a_run_that_is_cut_off_heals(angles, monkeypatch, lost):
    ws = angles(groups(0, 90), declared=declared())
    ask(ws)
    where = {
        "ledger": (type(ws.ledger), "append_cluster_run"),
        "current": (cluster_definition.DefinitionState, "write_current"),
    }
    with monkeypatch.context() as patch:

        def killed(*_, **__):
            raise KeyboardInterrupt

        patch.setattr(*where[lost], killed)
        with pytest.raises(KeyboardInterrupt):
            refresh(ws)
    cut_off = {k: v for k, v in files_of(ws).items() if "runs" in k.parts}
    assert cut_off and refresh(ws) and statuses(ws) == ["succeeded"]
    assert sizes(ws) == {"cl_0": 8, "cl_1": 8}
    assert {k: v for k, v in files_of(ws).items() if k in cut_off} == cut_off


@pytest.mark.parametrize("filtered", [False, True])
def test_a_lost_warehouse_is_made_again_from_the_run_in_the_ledger(angles, home, filtered):
    """Documents that came, and labels that were given, since the run change nothing of it."""
    chosen = {"filter": "unlabelled"} if filtered else {}
    made = {**declared(definition(**chosen)), "retrievers": [UNLABELLED]}
    ws = angles(groups(0, 90, 180) | {"odd": 45}, {"090-0": "up"}, declared=made)
    ask(ws)
    refresh(ws)
    label(ws, {"000-0": "left"})
    home.put(NAME, groups(270) | {"late": 3})
    sweep_quietly(ws, NAME)
    before, told = files_of(ws), ws.ledger.last_event_id()
    events = ws.ledger.cluster_events(NAME)
    shutil.rmtree(ws.warehouse.path(NAME, "clusters"))
    assert refresh(ws) and not refresh(ws)
    assert files_of(ws) == before
    assert ws.ledger.cluster_events(NAME) == events and ws.ledger.last_event_id() == told
    assert statuses(ws) == ["succeeded"]


def test_a_lost_run_is_made_again_without_what_changed_since(angles, home):
    ws = angles(groups(0, 90), declared=declared())
    ask(ws)
    refresh(ws)
    before = clusters_by_key(ws)
    home.put(NAME, {"000-0": 91})
    (home.paths.buckets / NAME / "090-7").unlink()
    sweep_quietly(ws, NAME)
    shutil.rmtree(ws.warehouse.path(NAME, "clusters"))
    refresh(ws)
    after = clusters_by_key(ws)
    assert statuses(ws) == ["succeeded"]
    assert after.pop("000-0") == before["090-0"] != before.pop("000-0")
    assert after == {key: cluster for key, cluster in before.items() if key != "090-7"}


def test_identities_survive_new_data_and_a_lost_warehouse(angles, home):
    ws = angles(groups(0, 90), declared=declared())
    ask(ws)
    refresh(ws)
    before = clusters_by_key(ws)
    home.put(NAME, groups(180, 270) | groups(0, name="more"))
    sweep_quietly(ws, NAME)
    shutil.rmtree(ws.warehouse.path(NAME, "clusters"))
    ask(ws, because="more")
    refresh(ws)
    found = clusters_by_key(ws)
    assert {key: found[key] for key in before} == before
    assert len(sizes(ws)) == 4
    kinds = [event.kind for event in ws.ledger.cluster_events(NAME, TOPICS)]
    assert kinds.count("birth") == 4 and "death" not in kinds


def test_deletion_ends_the_history_and_leaves_the_artifacts(angles):
    ws = angles(groups(0, 90), declared=declared())
    ask(ws)
    refresh(ws)
    one = one_defined(ws)
    run = one.last.folder
    assert delete_history(ws.ledger, NAME, TOPICS, one.declaration)
    assert not delete_history(ws.ledger, NAME, TOPICS, one.declaration)
    assert refresh(ws) and not refresh(ws)
    assert set(clusters_by_key(ws).values()) == {None} and (run / "members.parquet").exists()
    ask(ws, because="anew")
    refresh(ws)
    assert set(sizes(ws)) == {"cl_2", "cl_3"}, "no id is given twice"


def test_completed_runs_are_told_once(angles):
    ws = angles(groups(0, 90), declared=declared())
    ask(ws)
    refresh(ws)
    refresh(ws)
    (event,) = [e for e in ws.ledger.events_after(0) if e.event_type == "cluster.completed"]
    assert event.subject == TOPICS and event.payload["clusters"] == 2
    assert event.payload["run_id"] == one_defined(ws).last.run_id


def test_several_collections_are_grouped_together(workspace):
    both = definition(collection_ids=["left", "right"])
    ws = workspace(
        {"left": declared(both), "right": {k: v for k, v in declared().items() if k != "clusters"}},
        {"left": groups(0, 90, size=4), "right": groups(0, 90, size=5, name="r")},
    )
    for name in ("left", "right"):
        sweep_quietly(ws, name)
    ask(ws, collection="left")
    refresh(ws, "left")
    left, right = clusters_by_key(ws, collection="left"), clusters_by_key(ws, collection="right")
    assert len(left) == 8 and len(right) == 10
    for centre in ("000", "090"):
        assert left[f"{centre}-0"] == left[f"{centre}-3"] == right[f"r{centre}-4"] != "-1"
    assert left["000-0"] != left["090-0"]


def test_the_report_says_what_was_found(angles):
    ws = angles(groups(0, 90) | {"odd": 45}, {"000-0": "left"}, declared=declared())
    ask(ws)
    refresh(ws)
    found = Clusters(ws.open(NAME)).report("all")
    assert found["clusters in force"][0].keys() >= {"cluster_id", "documents", "cohesion", "purity"}
    assert {row["majority"] for row in found["clusters in force"]} == {"left", None}
    assert [row["change"] for row in found["changes"]] == ["birth", "birth"]
    assert found["clusters"] == 2
    assert 0 <= found["noise ratio"] < 0.2 and found["documents"] == 17
