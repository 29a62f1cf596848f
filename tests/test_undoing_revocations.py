"""A revocation takes what was named and no more; undoing it gives back what no other takes."""

import pytest
from support.angle_samples import NAME

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.labelling.promotion import promote
from autolabel_core.labelling.promotion_candidates import candidates
from autolabel_core.labelling.revocation import (
    RevocationFilter,
    reinstate,
    revoke,
    standing_revocations,
)
from autolabel_core.operations.revocation import try_reinstatement
from autolabel_core.tables.reference_set import ReferenceSet


@pytest.mark.parametrize("option", ["--annotator", "--import", "--batch", "--since"])
def test_an_empty_condition_never_means_everything(angles, run, option):
    ws = angles({"a": 0, "b": 90}, {"a": "east", "b": "north"})
    for more in ([], ["--reason", "x"], ["--annotator", "me"] if option != "--annotator" else []):
        status, out, err = run("revoke", option, "", *more, "--yes")
        assert status == 1
        assert "empty text" in out + err or "no window of time" in out + err
    assert len(ws.ledger.annotations(NAME)) == 2


def test_what_rests_on_another_revocation_stays_revoked(angles, run):
    ws = angles({"a": 0, "b": 20, "c": 180, "d": 160}, {"a": "east", "c": "west"})
    promote(ws.open(NAME), candidates(ws.open(NAME)), "carla")
    east = next(e for e in ws.ledger.annotations(NAME) if e.key == "a")
    by_carla = revoke(ws.ledger, [NAME], RevocationFilter(annotator="carla"), "me")
    assert sorted(e.key for e in by_carla.chosen) == ["b", "d"]
    only_east = RevocationFilter(event_ids=frozenset({east.event_id}))
    label_of_a = revoke(ws.ledger, [NAME], only_east, "me")
    out = run("revoke", "--undo", by_carla.revocation_id[:8])[1]
    assert "1 annotations count again" in out
    assert "1 stay revoked" in out
    assert [e.key for e in ws.ledger.annotations(NAME)] == ["c", "d"]
    with pytest.raises(AutolabelError, match="Undo that one first"):
        reinstate(ws.ledger, [NAME], by_carla.revocation_id, "me")
    reinstate(ws.ledger, [NAME], label_of_a.revocation_id, "me")
    assert [e.key for e in ws.ledger.annotations(NAME)] == ["a", "c", "d"]
    reinstate(ws.ledger, [NAME], by_carla.revocation_id, "me")
    assert sorted(e.key for e in ws.ledger.annotations(NAME)) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("swept", [True, False])
def test_a_label_given_back_goes_where_its_object_was_renamed_to(
    angles, home, run, bring_up_to_date, swept
):
    ws = angles({"a": 0, "b": 10, "x": 180}, {"a": "east", "x": "west"})
    run("revoke", "--annotator", "me", "--yes")
    (ws.paths.buckets / NAME / "a").rename(ws.paths.buckets / NAME / "z")
    if swept:
        bring_up_to_date(home.workspace, NAME)
    (record,) = standing_revocations(home.workspace.ledger, [NAME])
    undone = try_reinstatement(home.workspace, [NAME], record.revocation_id)
    assert run("revoke", "--undo", record.revocation_id)[0] == 0
    bring_up_to_date(home.workspace, NAME)
    rows = ReferenceSet(home.workspace.open(NAME)).load().rows
    assert {(r["key"], r["label"]) for r in rows} == {("z", "east"), ("x", "west")}
    if swept:
        (own,) = [one.changes for one in undone]
        assert {change.key for change in own.changes} == {"z", "b", "x"}


def test_collections_that_cannot_be_read_are_named(angles, home, run):
    ws = angles({"a": 0}, {"a": "east"})
    (ws.paths.collections / "broken.yaml").write_text("collection_name: [")
    _, out, err = run("revoke", "--annotator", "me", "--dry-run")
    assert "Left out: " in out + err
    assert "broken.yaml" in out + err
