from __future__ import annotations

import pytest
from support.angle_samples import NAME, declaration, label
from support.grouped_angles import (
    UNLABELLED,
    ask,
    clusters_by_key,
    declared,
    definition,
    groups,
    refresh,
)

from autolabel_core.clusters.table import Clusters
from autolabel_core.documents.documents import Documents
from autolabel_core.documents.explain import explain
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.labelling.promotion import promote
from autolabel_core.labelling.promotion_candidates import candidates
from autolabel_core.operations.as_of import past
from autolabel_core.operations.dependents import dependents
from autolabel_core.operations.renaming import rename, renamed_from
from autolabel_core.operations.snapshots import find_moment


def labels(workspace, name):
    found = Documents(workspace.open(name)).find()
    return {r["key"]: (r["label"], r["label_source"]) for r in found}


@pytest.fixture
def mixed(angles, home, bring_up_to_date):
    """A labelled collection, one label promoted; then its YAML gets another name."""
    ws = angles({"a": 0, "b": 5, "c": 90, "d": 100}, {"a": "left", "c": "up"})
    opened = ws.open(NAME)
    promote(opened, [p for p in candidates(opened, 0.9) if p.key == "b"], "me")
    bring_up_to_date(ws, NAME)
    (home.paths.collections / f"{NAME}.yaml").unlink()
    home.declare("sides", declaration())
    return home


def test_a_renamed_collection_loses_nothing(mixed, run, bring_up_to_date):
    before = {
        "a": ("left", "human"),
        "b": ("left", "promoted"),
        "c": ("up", "human"),
        "d": ("up", "auto"),
    }
    status, out, _ = run("rename", NAME, "sides")
    assert (status, "`angles` is `sides` now: 4 arrivals, 3 annotations" in out) == (0, True)
    bring_up_to_date(mixed.workspace, "sides")
    assert labels(mixed.workspace, "sides") == before
    assert not (mixed.paths.home / "warehouse" / NAME).exists()
    traced = explain(mixed.workspace.open("sides"), "b")
    assert traced["because"]["key"] == "a"
    (event,) = [e for e in mixed.workspace.ledger.events_after(0) if e.event_type.endswith("named")]
    assert (event.payload["from"], event.payload["to"]) == (NAME, "sides")
    assert run("rename", NAME, "sides")[0] == 1


def test_the_question_is_asked_before_and_after_a_sweep(mixed, run, bring_up_to_date):
    question = "Did you rename `angles`? Its 3 labels are there: `autolabel rename angles sides`."
    assert renamed_from(mixed.workspace.open("sides")) == question
    assert question in run("status", "sides")[1]
    for key, angle in {"a": 0, "b": 5, "c": 90, "e": 3}.items():
        mixed.put("sides", {key: angle})
    bring_up_to_date(mixed.workspace, "sides")
    assert renamed_from(mixed.workspace.open("sides")) == question
    rename(mixed.workspace, NAME, "sides", "me")
    bring_up_to_date(mixed.workspace, "sides")
    assert labels(mixed.workspace, "sides")["a"] == ("left", "human")
    assert renamed_from(mixed.workspace.open("sides")) == ""


def test_what_rests_on_labels_and_the_past_go_with_the_name(mixed, run, bring_up_to_date, tmp_path):
    ledger = mixed.workspace.ledger
    (mixed.paths.collections / "sides.yaml").rename(mixed.paths.collections / f"{NAME}.yaml")
    mixed.declare("photos", declaration(reference=NAME))
    mixed.put("photos", {"p": 2})
    bring_up_to_date(mixed.workspace, "photos")
    for name in (NAME, "photos"):
        out = str(tmp_path / name)
        assert run("export", name, "--format", "csv", "--out", out)[0] == 0
    assert run("snapshot", "before")[0] == 0
    (mixed.paths.collections / f"{NAME}.yaml").unlink()
    mixed.declare("sides", declaration())
    mixed.declare("photos", declaration(reference="sides"))
    bring_up_to_date(mixed.workspace, "sides")
    rename(mixed.workspace, NAME, "sides", "me")
    bring_up_to_date(mixed.workspace, "sides")
    event = next(e for e in ledger.annotations("sides") if e.key == "a")
    assert [e.collection for e in dependents(ledger, [event]).exports] == ["sides", "photos"]
    with past(mixed.workspace, find_moment(mixed.workspace, "now"), ["photos"]) as then:
        assert labels(then.workspace, "photos") == {"p": ("left", "auto")}


def test_another_collection_is_not_taken_for_a_renamed_one(mixed, bring_up_to_date):
    mixed.put("sides", {"x": 1, "y": 2})
    bring_up_to_date(mixed.workspace, "sides")
    assert renamed_from(mixed.workspace.open("sides")) == ""


def test_two_collections_do_not_become_one(mixed, bring_up_to_date):
    mixed.put("sides", {"a": 0})
    label(mixed.workspace, {"a": "down"}, "sides")
    with pytest.raises(AutolabelError, match=r"has facts of its own \(1 annotations\)"):
        rename(mixed.workspace, NAME, "sides", "me")
    mixed.declare(NAME, declaration())
    with pytest.raises(AutolabelError, match="is still declared"):
        rename(mixed.workspace, NAME, "sides", "me")
    assert len(mixed.workspace.ledger.annotations(NAME)) == 3


def test_an_unknown_old_name_is_told_with_those_that_are_known(mixed):
    with pytest.raises(AutolabelError, match=r"knows no collection `angels`\. It knows: angles"):
        rename(mixed.workspace, "angels", "sides", "me")


@pytest.mark.parametrize("filtered", [False, True])
def test_a_renamed_collection_keeps_its_clusters(angles, home, run, bring_up_to_date, filtered):
    chosen = {"filter": "unlabelled"} if filtered else {}
    made = {**declared(definition(**chosen)), "retrievers": [UNLABELLED]}
    ws = angles(groups(0, 90, 180), {"090-0": "up"}, declared=made)
    ask(ws)
    refresh(ws)
    before = clusters_by_key(ws)
    (home.paths.collections / f"{NAME}.yaml").unlink()
    home.declare("sides", made)
    assert run("rename", NAME, "sides")[0] == 0
    told = home.workspace.ledger.last_event_id()
    bring_up_to_date(home.workspace, "sides")
    found = Clusters(home.workspace.open("sides"))
    rows = found.defined[0].collection.warehouse.read_table(found.defined[0].files.current)
    after = dict(zip(rows["key"].to_pylist(), rows["cluster_id"].to_pylist(), strict=True))
    assert {key: after.get(key) for key in before} == before
    kinds = [e.event_type for e in home.workspace.ledger.events_after(told)]
    assert "cluster.completed" not in kinds
    assert [r.status for r in home.workspace.ledger.cluster_runs("sides")] == ["succeeded"]
