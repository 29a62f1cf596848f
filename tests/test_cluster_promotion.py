"""Promoting a cluster: its central members become references, and the sweep labels the rest."""

from __future__ import annotations

import pytest
from conftest import sweep_quietly
from support.angle_samples import NAME, declaration, label
from support.grouped_angles import ask, clusters_by_key, declared, definition, groups, one_defined

from autolabel_core.clusters.promotion import confirm_promotion, find_cluster, propose_promotion
from autolabel_core.clusters.stability import stabilities
from autolabel_core.documents.documents import Documents
from autolabel_core.documents.explain import explain
from autolabel_core.foundation.errors import AutolabelError, NotFoundError

CLASSES = {"000-0": "left", "090-0": "up"}


@pytest.fixture
def grouped(angles):
    """Three groups of twelve; people labelled one document of two of them."""
    ws = angles(groups(0, 90, 180, size=12), CLASSES, declared=declared())
    ask(ws)
    sweep_quietly(ws, NAME)
    return ws


def unknown(workspace):
    return clusters_by_key(workspace)["180-0"]


def proposal(workspace, label="down", **further):
    return propose_promotion(workspace.open(NAME), unknown(workspace), label, **further)


def sources(workspace):
    found = Documents(workspace.open(NAME)).find()
    return {row["key"]: (row["label"], row["label_source"]) for row in found}


def test_the_heart_becomes_references_and_the_sweep_labels_the_rest(grouped):
    found = proposal(grouped, core=3)
    (chosen,) = found.chosen.values()
    centre = [f"180-{i}" for i in (5, 6, 4, 7)]
    assert found.reasons == () and found.stability > 0.75 and found.size == 12
    assert {p.key for p in chosen} < set(centre) and len(chosen) == 3
    assert confirm_promotion(grouped, found, "me") == 3
    sweep_quietly(grouped, NAME)
    labels = sources(grouped)
    assert [labels[f"180-{i}"][0] for i in range(12)] == ["down"] * 12
    assert sum(source == "promoted" for _, source in labels.values()) == 3
    event = grouped.ledger.annotations(NAME)[-1]
    assert event.provenance["cluster_id"] == found.cluster_id
    assert event.provenance["run_id"] == one_defined(grouped).last.run_id
    (told,) = grouped.ledger.cluster_events(NAME, kind="promotion")
    assert (told.payload["label"], told.payload["documents"]) == ("down", 3)
    assert unknown(grouped) == found.cluster_id, "the cluster keeps its id"


def test_doing_it_again_changes_nothing(grouped):
    found = proposal(grouped, core=2)
    assert (confirm_promotion(grouped, found, "me"), confirm_promotion(grouped, found, "me")) == (
        2,
        0,
    )
    assert len(grouped.ledger.cluster_events(NAME, kind="promotion")) == 1


def test_one_that_is_cut_off_leaves_nothing_behind(grouped, monkeypatch):
    found = proposal(grouped, core=3)
    before = grouped.ledger.last_event_id()
    with monkeypatch.context() as patch:

        def killed(*_):
            raise KeyboardInterrupt

        patch.setattr(type(grouped.ledger), "append_cluster_events", killed)
        with pytest.raises(KeyboardInterrupt):
            confirm_promotion(grouped, found, "me")
    assert not [a for a in grouped.ledger.annotations(NAME) if a.source == "promoted"]
    assert grouped.ledger.last_event_id() == before
    assert confirm_promotion(grouped, found, "me") == 3
    assert len(grouped.ledger.cluster_events(NAME, kind="promotion")) == 1


def test_excluded_ones_and_those_of_people_are_left_out(grouped):
    label(grouped, {"180-5": "sideways"})
    sweep_quietly(grouped, NAME)
    found = proposal(grouped, core=None, exclude=["180-6"])
    (chosen,) = found.chosen.values()
    assert {p.key for p in chosen} == {f"180-{i}" for i in range(12)} - {"180-5", "180-6"}
    assert found.said == {"sideways": 1}
    assert "people labelled 1 of its members otherwise" in found.reasons[0]
    confirm_promotion(grouped, found, "me", force=True)
    sweep_quietly(grouped, NAME)
    assert sources(grouped)["180-5"] == ("sideways", "human")


def test_a_small_cluster_is_refused_without_force(angles):
    ws = angles(groups(0, 90, size=6), CLASSES, declared=declared())
    ask(ws)
    sweep_quietly(ws, NAME)
    found = propose_promotion(ws.open(NAME), clusters_by_key(ws)["090-1"], "up")
    with pytest.raises(AutolabelError, match=r"6 members, fewer than 10.*--force"):
        confirm_promotion(ws, found, "me")
    assert ws.ledger.annotations(NAME)[-1].source == "human"
    assert confirm_promotion(ws, found, "me", force=True) == 5
    assert ws.ledger.cluster_events(NAME, kind="promotion")[0].payload["forced"]


def test_stability_is_computed_once(grouped, monkeypatch):
    one = one_defined(grouped)
    first = stabilities(one)
    monkeypatch.setattr("autolabel_core.clusters.stability.tree_stability", None)
    assert stabilities(one_defined(grouped)) == pytest.approx(first)


def test_a_changed_object_is_not_promoted(grouped, home):
    found = proposal(grouped, core=12)
    home.put(NAME, {"180-5": 99})
    with pytest.raises(AutolabelError, match="another content"):
        confirm_promotion(grouped, found, "me")
    assert not [a for a in grouped.ledger.annotations(NAME) if a.source == "promoted"]


def test_objects_are_copied_where_the_references_live_elsewhere(workspace, home):
    ws = workspace(
        {"known": declaration(), NAME: declared(reference="known")},
        {"known": {"l": 0}, NAME: groups(0, 180, size=12)},
    )
    sweep_quietly(ws, "known")
    label(ws, {"l": "left"}, "known")
    sweep_quietly(ws, "known")
    sweep_quietly(ws, NAME)
    ask(ws)
    sweep_quietly(ws, NAME)
    assert confirm_promotion(ws, proposal(ws, core=4), "me") == 4
    assert len(list((home.paths.buckets / "known" / "promoted" / NAME).iterdir())) == 4
    sweep_quietly(ws, "known")
    sweep_quietly(ws, NAME)
    assert sources(ws)["180-0"] == ("down", "auto")


def test_a_cluster_is_found_by_id_and_definition_or_not_at_all(grouped):
    collection = grouped.open(NAME)
    wanted = unknown(grouped)
    for word in (wanted, f"topics/{wanted}"):
        one, cluster = find_cluster(collection, word)
        assert (one.name, cluster) == ("topics", wanted)
    with pytest.raises(NotFoundError, match="clusters list"):
        find_cluster(collection, "cl_99")


def test_a_part_of_a_cluster_can_be_promoted(angles):
    parts = definition(algorithm="kmeans", algorithm_params={"n_clusters": 2}, hierarchical=True)
    ws = angles(groups(0, 40, 80, 200, size=30), declared=declared(parts))
    ask(ws)
    sweep_quietly(ws, NAME)
    rows = {r["cluster_id"]: r for r in one_defined(ws).last.clusters}
    below = ["cl_0_sub_0", "cl_0_sub_1", "cl_0_sub_2"]
    assert rows["cl_0"]["child_cluster_ids"] == below
    assert [rows[sub]["parent_cluster_id"] for sub in below] == ["cl_0"] * 3
    assert min(stabilities(one_defined(ws)).values()) > 0.9
    sub = clusters_by_key(ws)["040-0"]
    found = propose_promotion(ws.open(NAME), sub, "middle", core=3)
    assert sub in below and found.size == 30 and found.reasons == ()
    confirm_promotion(ws, found, "me")
    sweep_quietly(ws, NAME)
    labelled = {key for key, (label, _) in sources(ws).items() if label == "middle"}
    assert labelled == {f"040-{i}" for i in range(30)}


def test_what_a_cluster_became_is_explained_by_the_cluster(grouped, run):
    found = proposal(grouped, core=3)
    confirm_promotion(grouped, found, "me")
    sweep_quietly(grouped, NAME)
    key = next(iter(found.chosen.values()))[0].key
    traced = explain(grouped.open(NAME), key)
    assert traced["because"] is None
    assert traced["annotations"][-1]["provenance"]["cluster_id"] == found.cluster_id
    status, out, _ = run("explain", NAME, key)
    assert status == 0
    assert f"down [from the cluster {found.defined.name}/{found.cluster_id}]" in out
    auto = next(k for k, (_, source) in sources(grouped).items() if source == "auto" and "180" in k)
    assert explain(grouped.open(NAME), auto)["because"]["because"] is None
