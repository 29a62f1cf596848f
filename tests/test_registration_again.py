"""A listing is held to the arrivals once: the same one, and the same arrivals, are equal again."""

from __future__ import annotations

import random

import pytest

from autolabel_core.foundation.ids import document_id
from autolabel_core.operations import registration
from autolabel_core.operations.registration import _changes, register
from autolabel_core.tables.remembered import file_of

SMALL = "batch_size: 3"
NAMES = ("a", "b", "b.json", "d/e", "d/\\x", "Thumbs.db", "é", "m.jsonl")


def edit(folder, rng):
    """Write, overwrite or remove a file."""
    file = folder / rng.choice(NAMES)
    if file.exists() and rng.random() < 0.4:
        file.unlink()
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    line = f'{{"key": "k{rng.randrange(3)}", "metadata": {{"n": {rng.randrange(9)}}}}}'
    file.write_text(line if file.suffix == ".jsonl" else "{}" * rng.randrange(1, 9), "utf-8")


def naive(collection):
    """What a comparison of everything finds now."""
    known = collection.ledger.objects(collection.name)
    return list(_changes(collection.declaration, dict(collection.source().list()), known))


@pytest.mark.parametrize("seed", range(4))
def test_after_any_edits_the_ledger_says_what_the_bucket_holds(workspace, home, seed):
    rng = random.Random(seed)
    stores = workspace({"c": SMALL}, {"c": {"a": "1"}})
    collection = stores.open("c")
    register(collection)
    for _ in range(40):
        if rng.random() < 0.5:
            edit(home.paths.buckets / "c", rng)
        wanted = naive(collection)
        found = register(collection)
        assert found.created + found.updated + found.deleted == len(wanted)
        assert naive(collection) == []
        assert found.objects == len(dict(collection.source().list()))
        assert found.batches == sorted({a.batch for a in stores.ledger.objects("c").values()})


def test_nothing_is_compared_where_nothing_changed(workspace, monkeypatch):
    collection = workspace({"c": SMALL}, {"c": {"a": "1", "b": "1", "Thumbs.db": "1"}}).open("c")
    first = register(collection)
    monkeypatch.setattr(registration, "_changes", None)
    again = register(collection)
    assert (again.batches, again.objects, again.ignored) == (
        first.batches,
        first.objects,
        first.ignored,
    )


def test_what_another_machine_recorded_is_compared_with_the_same_listing(workspace):
    stores = workspace({"c": SMALL}, {"c": {"a": "1", "b": "1"}})
    collection = stores.open("c")
    register(collection)
    gone = document_id("c", "a")
    stores.ledger.record_arrivals("c", lambda known: [known[gone]._replace(event="deleted")])
    assert register(collection).created == 1
    assert naive(collection) == []


def test_what_another_machine_records_meanwhile_is_not_taken_for_compared(workspace, monkeypatch):
    stores = workspace({"c": SMALL}, {"c": {"a": "1", "b": "1"}})
    collection = stores.open("c")
    positions = collection.ledger.arrival_position
    gone = document_id("c", "a")

    def then_another(name):
        if positions(name).number == 2:
            stores.ledger.record_arrivals(
                "c", lambda known: [known[gone]._replace(event="deleted")]
            )
        return positions(name)

    monkeypatch.setattr(collection.ledger, "arrival_position", then_another)
    register(collection)
    monkeypatch.undo()
    assert register(collection).created == 1


@pytest.mark.parametrize("content", [b"", b"{", b'{"made_from": 1}', b"[]"])
def test_a_damaged_note_of_the_last_comparison_is_no_error(workspace, home, content):
    collection = workspace({"c": SMALL}, {"c": {"a": "1"}}).open("c")
    register(collection)
    file_of(collection, registration.REGISTERED).write_bytes(content)
    home.put("c", {"b": "1"})
    assert register(collection).created == 1
    assert register(collection).created == 0


def test_keys_that_read_alike_in_a_row_are_different_listings(workspace):
    collection = workspace({"c": SMALL}, {"c": {"a": "1"}}).open("c")
    position = collection.ledger.arrival_position("c")
    listings = ({"ab": "c", "d": "e"}, {"a": "bc", "d": "e"}, {"abd": "ce"}, {"ab": "d", "c": "e"})
    found = {registration._compared_with(collection, one, position) for one in listings}
    assert len(found) == len(listings)
