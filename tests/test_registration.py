from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autolabel_core.declarations import Collection
from autolabel_core.foundation.ids import document_id
from autolabel_core.ledger import Arrival
from autolabel_core.operations.registration import _changes, register

SMALL = "batch_size: 3"


def batches(workspace):
    return {a.key: a.batch for a in workspace.ledger.objects("c").values()}


def test_new_changed_and_gone(workspace, home):
    stores = workspace({"c": SMALL}, {"c": {"a": "1", "b": "1"}})
    collection = stores.open("c")
    first = register(collection)
    assert (first.created, first.updated, first.deleted, first.batches) == (
        2,
        0,
        0,
        ["batch_000001"],
    )
    again = register(collection)
    assert (again.created, again.updated, again.deleted) == (0, 0, 0)
    folder = home.put("c", {"a": "22", "c": "1"})
    (folder / "b").unlink()
    third = register(collection)
    assert (third.created, third.updated, third.deleted) == (1, 1, 1)


def test_batches_fill_up_and_stay(workspace, home):
    stores = workspace({"c": SMALL}, {"c": {"b": 1, "d": 1}})
    collection = stores.open("c")
    register(collection)
    home.put("c", {"a": 1, "c": 1, "e": 1, "f": 1, "g": 1})
    register(collection)
    assigned = batches(stores)
    assert assigned["b"] == assigned["d"] == assigned["a"] == "batch_000001"
    assert Counter(assigned.values()) == {"batch_000001": 3, "batch_000002": 3, "batch_000003": 1}


def test_a_deleted_object_comes_back_to_its_batch_and_leaves_no_room(workspace, home):
    stores = workspace({"c": SMALL}, {"c": {"a": 1, "b": 1, "c": 1}})
    collection = stores.open("c")
    register(collection)
    (home.paths.buckets / "c/a").unlink()
    register(collection)
    home.put("c", {"d": 1})
    assert register(collection).batches == ["batch_000001", "batch_000002"]
    home.put("c", {"a": 1})
    assert register(collection).created == 1
    assert batches(stores)["a"] == "batch_000001"
    assert batches(stores)["d"] == "batch_000002"


def test_another_batch_size_moves_nothing(workspace, home):
    stores = workspace({"c": SMALL}, {"c": {"a": 1, "b": 1, "c": 1, "d": 1}})
    register(stores.open("c"))
    before = batches(stores)
    home.declare("c", "batch_size: 1")
    home.put("c", {"e": 1, "f": 1})
    stores = home.workspace
    register(stores.open("c"))
    after = batches(stores)
    assert {key: after[key] for key in before} == before
    assert (after["e"], after["f"]) == ("batch_000003", "batch_000004")


def test_collections_over_one_bucket_are_apart(workspace):
    source = "source: {bucket_name: shared}"
    stores = workspace({"c": source, "e": source}, {"shared": {"a": 1}})
    assert register(stores.open("c")).created == 1
    assert register(stores.open("e")).created == 1
    assert document_id("c", "a") != document_id("e", "a")


listings = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from("12"), max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(listings, max_size=6), st.integers(1, 4))
def test_any_history_keeps_the_promises(history, batch_size):
    collection = Collection(collection_name="c", batch_size=batch_size)
    known: dict[str, Arrival] = {}
    first_batch: dict[str, str] = {}
    for listed in history:
        events = list(_changes(collection, listed, known))
        assert len({e.document_id for e in events}) == len(events)
        for event in events:
            assert first_batch.setdefault(event.key, event.batch) == event.batch
            known[event.document_id] = event
        present = {a.key: a.version for a in known.values() if a.event != "deleted"}
        assert present == listed
        assert list(_changes(collection, listed, known)) == []
        sizes = Counter(a.batch for a in known.values())
        assert all(size <= batch_size for size in sizes.values())
        assert all(sizes[name] == batch_size for name in sorted(sizes)[:-1])
