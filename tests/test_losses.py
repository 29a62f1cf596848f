from __future__ import annotations

import shutil
from types import SimpleNamespace

import dagster as dg
import pytest
from support.angle_samples import NAME, declaration, label

from autolabel_core.documents.documents import Documents
from autolabel_core.ledger import Ledger
from autolabel_core.ledger.backup import backup, restore
from autolabel_core.operations.losses import LostObjectsError
from autolabel_core.operations.registration import register
from autolabel_core.tables.lost_ledger import LostLedgerError

OBJECTS = {f"k{i:02}": 9 * i for i in range(24)}


def registered(workspace, **more):
    return register(workspace.open(NAME), **more)


def folder(home):
    return home.paths.home / "buckets" / NAME


def unlink(home, count):
    for file in sorted(folder(home).iterdir())[:count]:
        file.unlink()


def halted(workspace):
    return [e for e in workspace.ledger.events_after(0) if e.event_type == "collection.halted"]


def test_a_lost_mount_is_no_deletion(angles, home):
    ws = angles(OBJECTS, {"k00": "left"})
    shutil.rmtree(folder(home))
    folder(home).mkdir()
    for _ in range(2):
        with pytest.raises(LostObjectsError) as caught:
            registered(ws)
    for words in ("24 of 24 objects", "max_deleted_share: 0.5", "`autolabel sweep angles --yes`"):
        assert words in str(caught.value)
    assert not [a for a in ws.ledger.objects(NAME).values() if a.event == "deleted"]
    (event,) = halted(ws)
    assert event.payload["reason"] == str(caught.value)
    assert registered(ws, accept_losses=True).deleted == 24


@pytest.mark.parametrize(("count", "stops"), [(12, False), (13, True)])
def test_up_to_the_declared_share_may_be_deleted(angles, home, count, stops):
    ws = angles(OBJECTS, {})
    unlink(home, count)
    if stops:
        with pytest.raises(LostObjectsError):
            registered(ws)
    else:
        assert registered(ws).deleted == count


@pytest.mark.parametrize(("share", "stops"), [(0.1, True), (1.0, False)])
def test_the_share_is_declared(angles, home, share, stops):
    source = {"source": {"max_deleted_share": share}}
    ws = angles(OBJECTS, {}, {**declaration(), **source})
    unlink(home, 24 if share == 1.0 else 3)
    if stops:
        with pytest.raises(LostObjectsError, match="3 of 24 objects"):
            registered(ws)
    else:
        assert registered(ws).deleted == 24


def test_of_fewer_than_twenty_all_may_be_deleted(angles, home):
    ws = angles({f"k{i:02}": 9 * i for i in range(19)}, {})
    unlink(home, 19)
    assert registered(ws).deleted == 19


def test_objects_that_moved_are_not_lost(angles, home):
    ws = angles(OBJECTS, {"k00": "left"})
    (folder(home) / "deep").mkdir()
    for file in [f for f in folder(home).iterdir() if f.is_file()]:
        file.rename(folder(home) / "deep" / file.name)
    found = registered(ws)
    assert (found.created, found.deleted) == (24, 24)


def test_one_lost_bucket_of_several_stops_too(workspace, home):
    source = "source: {buckets: [{uri: one, key_prefix: one/}, {uri: two, key_prefix: two/}]}\n"
    place = home.paths.collections
    for name, count in (("one", 20), ("two", 60)):
        (place / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            (place / name / f"{i}.txt").write_text(str(i))
    ws = workspace({"c": source + "feature_extractor: {feature_extractor_name: angle_extractor}\n"})
    register(ws.open("c"))
    for file in (place / "one").iterdir():
        file.unlink()
    with pytest.raises(LostObjectsError, match=r"20 of 20 objects of .*one are gone"):
        register(ws.open("c"))


def test_the_sensor_fails_its_tick(angles, home):
    from sensors.new_objects import build_new_objects

    ws = angles(OBJECTS, {})
    unlink(home, 24)
    sensor = build_new_objects(ws.collection(NAME))
    opened = SimpleNamespace(open=lambda: ws)
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance, resources={"workspace": opened})
        with pytest.raises(LostObjectsError, match="24 of 24"):
            sensor(context)
    assert len(halted(ws)) == 1


@pytest.fixture
def emptied(angles, home, tmp_path):
    """A labelled collection whose ledger was emptied; its backup lies in `backup.jsonl`."""
    ws = angles({"a": 0, "b": 5, "c": 90}, {"a": "left"})
    backup(ws.ledger, tmp_path / "backup.sqlite")
    for file in home.paths.home.glob("ledger.sqlite*"):
        file.unlink()
    (home.paths.home / "ledger.sqlite").touch()
    return home.workspace


def test_an_emptied_ledger_is_not_taken_for_new(emptied, run, home):
    before = {p: p.read_bytes() for p in (home.paths.home / "warehouse").rglob("*.parquet")}
    for command in (
        ("sweep", NAME),
        ("status", NAME),
        ("label", NAME, "b", "right"),
        ("export", NAME, "--format", "csv", "--out", str(home.paths.home / "out")),
    ):
        status, _, err = run(*command)
        assert (status, "knows nothing of `angles`" in err) == (1, True), command
        assert "autolabel ledger restore" in err
        assert "1 of its labels by people" in err
    assert {p: p.read_bytes() for p in before} == before
    assert not emptied.ledger.knows(NAME)


def test_an_emptied_ledger_can_be_restored_or_begun_anew(emptied, home, tmp_path, bring_up_to_date):
    restored = Ledger(home.paths.ledger_url)
    restore(restored, tmp_path / "backup.sqlite")
    ws = home.workspace
    bring_up_to_date(ws, NAME)
    found = Documents(ws.open(NAME)).find()
    assert {r["key"]: r["label"] for r in found} == {"a": "left", "b": "left", "c": None}


def test_whoever_says_yes_begins_without_those_labels(emptied, bring_up_to_date):
    assert registered(emptied, accept_losses=True).created == 3
    bring_up_to_date(emptied, NAME)
    found = Documents(emptied.open(NAME)).find()
    assert {r["label"] for r in found} == {None}


def test_a_refused_sweep_leaves_the_ledger_empty_for_the_restore(emptied):
    with pytest.raises(LostLedgerError):
        registered(emptied)
    assert emptied.ledger.last_event_id() == 0


@pytest.fixture
def older(angles, home, tmp_path, bring_up_to_date):
    """A labelled collection whose ledger is a backup from before its last label."""
    ws = angles({"a": 0, "b": 40, "c": 90}, {"a": "left"})
    registered(ws)
    backup(ws.ledger, tmp_path / "backup.sqlite")
    label(ws, {"c": "right"})
    registered(ws)
    bring_up_to_date(ws, NAME)
    for file in home.paths.home.glob("ledger.sqlite*"):
        file.unlink()
    shutil.copy(tmp_path / "backup.sqlite", home.paths.home / "ledger.sqlite")
    return home.workspace


def labels(workspace):
    return {r["key"]: r["label"] for r in Documents(workspace.open(NAME)).find()}


def test_an_older_ledger_takes_no_label_away_before_a_person_says_so(older, run, bring_up_to_date):
    for command in (("sweep", NAME), ("label", NAME, "b", "right")):
        status, _, err = run(*command)
        assert (status, "lacks annotations of `angles`" in err) == (1, True), command
    with pytest.raises(LostLedgerError):
        bring_up_to_date(older, NAME)
    assert registered(older, accept_losses=True).objects == 3
    bring_up_to_date(older, NAME)
    assert labels(older) == {"a": "left", "b": None, "c": None}


def test_another_ledger_that_knows_the_same_objects_is_refused(angles, home, bring_up_to_date):
    ws = angles({"a": 0}, {"a": "left"})
    registered(ws)
    arrivals = list(ws.ledger.objects(NAME).values())
    for file in home.paths.home.glob("ledger.sqlite*"):
        file.unlink()
    other = home.workspace
    other.ledger.record_arrivals(NAME, lambda known: arrivals)
    with pytest.raises(LostLedgerError, match="an older one, such as a backup, or another one"):
        registered(other)
    assert labels(ws) == {"a": "left"}


def test_a_key_that_is_known_and_not_there_is_not_suggested_for_itself(angles, home, run):
    angles({"a": 0}, {})
    shutil.rmtree(folder(home))
    folder(home).mkdir()
    status, _, err = run("label", NAME, "a", "left")
    assert status == 1 and "not in the bucket now: is the disk mounted?" in err


def test_a_new_collection_beside_others_is_new(angles, workspace, home):
    ws = angles({"a": 0}, {"a": "left"})
    label(ws, {"a": "right"})
    home.declare("other", declaration())
    home.put("other", {"x": 0})
    assert register(home.workspace.open("other")).created == 1
