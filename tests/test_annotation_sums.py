"""Sums over annotations: kept up to date, they are what adding up everything anew gives."""

import contextlib
import json
import shutil
import tempfile
from pathlib import Path

import pytest
from conftest import Home
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.angle_samples import NAME, label

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.labelling.give_labels import GivenLabel, give_labels
from autolabel_core.ledger import effective_annotations
from autolabel_core.ledger.annotations import stale_annotations
from autolabel_core.ledger.backup import backup
from autolabel_core.operations.registration import register
from autolabel_core.tables.annotation_sums import MODULUS, digest, file_of, label_digest
from autolabel_core.tables.carry_over import collection_moves
from autolabel_core.tables.embeddings import Embeddings
from autolabel_core.tables.label_conflicts import conflicts_of
from autolabel_core.tables.moved_labels import LabelHistories
from autolabel_core.tables.moves import moves_of
from autolabel_core.tables.raw_objects import RawObjects
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.remembered import FOLDER

KEYS = st.sampled_from([f"k{i}" for i in range(7)])
REFUSED = {True: (AutolabelError,), False: ()}
NAMES = st.sampled_from(["left", "right", "up"])
PEOPLE = st.sampled_from(["ann", "bob"])
EDITS = st.one_of(
    st.tuples(st.just("put"), KEYS, st.integers(0, 3)),
    st.tuples(st.just("put"), KEYS, st.just("")),
    st.tuples(st.just("delete"), KEYS),
    st.tuples(st.just("move"), KEYS, KEYS),
    st.tuples(st.just("carry"), KEYS, NAMES),
    st.tuples(st.just("say"), KEYS, NAMES, PEOPLE),
    st.tuples(st.just("say"), KEYS, st.none(), PEOPLE),
    st.tuples(st.just("sweep")),
)


class World:
    """A bucket of texts, two people, and what may befall them."""

    def __init__(self, folder):
        self.home = Home(folder)
        self.bucket = folder / "bucket"
        self.bucket.mkdir()
        self.home.declare(
            NAME,
            {
                "source": {"uri": str(self.bucket), "max_deleted_share": 1.0},
                "feature_extractor": {"feature_extractor_name": "angle_extractor"},
                "taxonomy": {"field_to_enrich": "side"},
                "batch_size": 3,
            },
        )

    @property
    def opened(self):
        return self.home.workspace.open(NAME)

    def put(self, key, angle):
        (self.bucket / key).write_text(str(angle))

    def delete(self, key):
        (self.bucket / f"{key}.json").unlink(missing_ok=True)
        (self.bucket / key).unlink(missing_ok=True)

    def move(self, old, new):
        if (self.bucket / old).exists():
            (self.bucket / old).rename(self.bucket / new)

    def carry(self, key, name):
        if (self.bucket / key).exists():
            (self.bucket / f"{key}.json").write_text(json.dumps({"side": name}))

    def say(self, key, name, who):
        # Nobody withdraws the label of somebody else, and then nothing is recorded.
        if (self.bucket / key).exists():
            with contextlib.suppress(*REFUSED[name is None]):
                give_labels(self.opened, [GivenLabel(key, name)], who, "cli")

    def sweep(self):
        collection = self.opened
        register(collection)
        for table in (RawObjects, Embeddings):
            opened = table(collection)
            for batch in opened.stale():
                opened.refresh(batch)


def shown(opened):
    raw, references = RawObjects(opened), ReferenceSet(opened)
    return {
        "stale": raw.stale_annotations(),
        "disagreements": raw.people["disagreements"],
        "labels": sum(int(text, 16) for text in raw.label_digests.values()) % MODULUS,
        "references": references.current.total,
        "moves": collection_moves(raw, {}).labels,
    }


def added_up_anew(opened):
    """The same from the whole history, as its definitions say."""
    raw = RawObjects(opened)
    events = opened.ledger.annotations(NAME)
    files = [raw.path(batch) for batch in raw.batches if raw.warehouse.exists(raw.path(batch))]
    objects = [raw.warehouse.read_table(file) for file in files]
    rows = [row for table in objects for row in table.to_pylist()]
    contents = {row["document_id"]: row["content_hash"] for row in rows if row["content_hash"]}
    holding = effective_annotations(events, contents).values()
    references = [row for row, _ in ReferenceSet(opened).current.all.values()]
    return {
        "stale": len(stale_annotations(events, contents)),
        "disagreements": len(conflicts_of(events, raw.objects, contents)),
        "labels": sum(map(label_digest, holding)) % MODULUS,
        "references": {
            "references": len(references),
            "digest": sum(map(digest, references)) % MODULUS,
        },
        "moves": moves_of(LabelHistories(events), objects),
    }


@settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(edits=st.lists(EDITS, min_size=4, max_size=12))
def test_after_any_history_they_are_what_adding_up_anew_gives(toy_extractors, edits):
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        for number in range(5):
            world.put(f"k{number}", number)
        world.say("k0", "left", "ann")
        world.sweep()
        world.say("k1", "right", "bob")
        for kind, *values in edits:
            getattr(world, kind)(*values)
            assert shown(world.opened) == added_up_anew(world.opened), kind
        world.sweep()
        assert shown(world.opened) == added_up_anew(world.opened)


def test_a_label_is_read_and_not_the_history(angles, monkeypatch):
    ws = angles({"a": 0, "b": 90, "c": 180}, {"a": "left", "b": "right", "c": "left"})
    shown(ws.open(NAME))
    label(ws, {"b": "up"})
    read = []
    ledger = ws.ledger
    real = ledger.annotations_of
    monkeypatch.setattr(
        ledger, "annotations_of", lambda n, d, u=None: read.append(sorted(d)) or real(n, d, u)
    )
    after = shown(ws.open(NAME))
    touched = {document for documents in read for document in documents}
    keys = {arrival.document_id: key for key, arrival in by_key(ws).items()}
    assert {keys[document] for document in touched} == {"b"}
    assert after == added_up_anew(ws.open(NAME))


def by_key(ws):
    return {arrival.key: arrival for arrival in ws.ledger.objects(NAME).values()}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"of": 1}', b"\xff"])
def test_a_damaged_file_of_sums_is_forgotten(angles, content):
    ws = angles({"a": 0, "b": 90}, {"a": "left"})
    known = shown(ws.open(NAME))
    file_of(ws.open(NAME), "labels_by_people").write_bytes(content)
    assert shown(ws.open(NAME)) == known


def test_sums_of_another_history_are_forgotten(angles, home, tmp_path):
    """A ledger that was put back has as many annotations, and they say something else."""
    ws = angles({"a": 0, "b": 90}, {"a": "left"})
    backup(ws.ledger, tmp_path / "copy.sqlite")
    label(ws, {"b": "right"})
    shown(ws.open(NAME))
    for left in home.paths.home.glob("ledger.sqlite*"):
        left.unlink()
    (tmp_path / "copy.sqlite").rename(home.paths.home / "ledger.sqlite")
    label(home.workspace, {"a": "up"})
    for note in home.paths.home.rglob("last_annotations.arrow"):
        note.unlink()
    opened = home.workspace.open(NAME)
    assert shown(opened) == added_up_anew(opened)


def test_where_nothing_can_be_kept_they_are_added_up_each_time(angles):
    ws = angles({"a": 0, "b": 90}, {"a": "left"})
    shutil.rmtree(ws.paths.cache / FOLDER)
    (ws.paths.cache / FOLDER).write_text("a file where the folder would be")
    for side in ("up", "left"):
        label(ws, {"b": side})
        assert shown(ws.open(NAME)) == added_up_anew(ws.open(NAME))
