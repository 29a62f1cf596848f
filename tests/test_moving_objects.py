"""Objects that change or go while they are worked on: no label of another content stays."""

from __future__ import annotations

import random
import threading
import time
from contextlib import contextmanager

import pyarrow.parquet as pq
import pytest
from support.angle_samples import NAME, declaration, label
from support.daemon import Daemon, labels

from autolabel_core.operations.automation import waiting
from autolabel_core.operations.registration import register
from autolabel_core.operations.staleness_plan import plan, tables_of
from autolabel_core.tables.embeddings import Embeddings
from autolabel_core.tables.raw_objects import RawObjects
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.remembered import FOLDER
from autolabel_core.tables.taxonomy_labels import TaxonomyLabels
from autolabel_core.tables.workspace import OpenCollection

QUICK = {"check_every_seconds": 1, "relabel": {"after_labels": 1}}
SOON, CHURN_SECONDS = 180, 15.0


class Folder:
    """A bucket in a folder."""

    uri = None

    def __init__(self, home):
        self.home = home

    def put(self, **objects):
        self.home.put(NAME, objects)

    def delete(self, key):
        (self.home.paths.buckets / NAME / key).unlink(missing_ok=True)


class OnS3:
    """A bucket on the real server."""

    def __init__(self, s3):
        self.s3, self.uri = s3, s3.uri

    def put(self, **objects):
        self.s3.put(objects)

    def delete(self, key):
        self.s3.delete(key)


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.slow)])
def bucket(request, home):
    if request.param == "folder":
        return Folder(home)
    return OnS3(request.getfixturevalue("s3"))


@pytest.fixture
def labelled(bucket, workspace, home, bring_up_to_date):
    """`a` is labelled left and `b` takes that label."""
    bucket.put(a=0, b=5, c=7)
    workspace({NAME: declaration() | {"source": {"uri": bucket.uri} if bucket.uri else {}}})
    bring_up_to_date(home.workspace, NAME)
    label(home.workspace, {"a": "left"})
    bring_up_to_date(home.workspace, NAME)
    assert labels(home.workspace, NAME)["b"] == ("left", "auto")
    return home


def derive(workspace):
    """Refresh every table but the index, without looking at the bucket's listing again."""
    collection = workspace.collection(NAME)
    for table in tables_of(collection):
        for batch in (
            table(OpenCollection(workspace, collection)).stale()
            if "index" not in table.name
            else ()
        ):
            table(OpenCollection(workspace, collection)).refresh(batch)


def test_what_is_listed_but_gone_has_no_label(labelled, bucket):
    bucket.put(b=6)
    ws = labelled.workspace
    register(ws.open(NAME))
    bucket.delete("b")
    derive(labelled.workspace)
    assert labels(ws, NAME)["b"] == (None, None)
    ws = labelled.workspace
    register(ws.open(NAME))
    derive(ws)
    assert set(labels(ws, NAME)) == {"a", "c"}


def test_what_is_replaced_between_two_readings_has_no_label_of_either(labelled, bucket):
    bucket.put(b=6)
    ws = labelled.workspace
    collection = ws.open(NAME)
    register(collection)
    RawObjects(collection).refresh("batch_000001")
    bucket.put(b=90)
    derive(labelled.workspace)
    assert labels(ws, NAME)["b"] == (None, None)
    ws = labelled.workspace
    register(collection)
    derive(ws)
    assert labels(ws, NAME) == {"a": ("left", "human"), "b": (None, None), "c": ("left", "auto")}


def test_a_reference_that_is_replaced_after_it_was_embedded_labels_nothing_anew(labelled, bucket):
    ws = labelled.workspace
    bucket.put(a=90, c=8)
    register(ws.open(NAME))
    RawObjects(ws.open(NAME)).refresh("batch_000001")
    Embeddings(ws.open(NAME)).refresh("batch_000001")
    bucket.put(a=180)
    derive(labelled.workspace)
    ws = labelled.workspace
    register(ws.open(NAME))
    derive(ws)
    assert set(labels(ws, NAME).values()) == {(None, None)}, (
        "the label was given to another content"
    )


@contextmanager
def churning(home, names, rng):
    """Keep writing and deleting objects; at the end each holds what is yielded."""
    held: dict[str, int] = {}
    ending = threading.Event()

    def churn():
        while not ending.is_set():
            name, angle = rng.choice(names), rng.choice([3, 90])
            if rng.random() < 0.2:
                held.pop(name, None)
                (home.paths.buckets / NAME / name).unlink(missing_ok=True)
            else:
                held[name] = angle
                home.put(NAME, {name: angle})
            time.sleep(0.02)

    worker = threading.Thread(target=churn)
    worker.start()
    try:
        yield held
    finally:
        ending.set()
        worker.join()


@pytest.mark.slow
def test_objects_that_change_all_the_while_end_with_the_right_labels(workspace, home):
    ws = workspace({NAME: declaration() | {"automation": QUICK}}, {NAME: {"left": 0, "up": 91}})
    with Daemon(ws.paths) as daemon:
        daemon.until(lambda: len(labels(ws, NAME)) == 2, SOON, "both references in the table")
        label(ws, {"left": "left", "up": "up"})
        names = [f"k{i}" for i in range(8)]
        with churning(home, names, random.Random(0)) as held:
            daemon.until(lambda: "k0" in labels(ws, NAME), SOON, "a run amid the changes")
            time.sleep(CHURN_SECONDS)
        wanted = {name: ({3: "left", 90: "up"}[angle], "auto") for name, angle in held.items()}
        wanted |= {"left": ("left", "human"), "up": ("up", "human")}
        what = "what is there in the end is labelled"
        try:
            daemon.until(lambda: labels(ws, NAME) == wanted, SOON, what)
        except AssertionError as error:
            raise AssertionError(f"{explained(home.workspace, wanted)}\n{error}") from None
        collection = ws.open(NAME)
        daemon.until(lambda: not plan(collection) and not waiting(collection), SOON, "current")
        assert labels(ws, NAME) == wanted, explained(home.workspace, wanted)


def explained(workspace, wanted):
    """Say which labels are not as wanted, and what every table has of those documents."""
    collection = workspace.open(NAME)
    found = labels(workspace, NAME)
    wrong = {key for key in found.keys() | wanted.keys() if found.get(key) != wanted.get(key)}
    lines = [f"{key}: found {found.get(key)}, wanted {wanted.get(key)}" for key in sorted(wrong)]
    lines += [str(a) for a in collection.ledger.objects(NAME).values() if a.key in wrong]
    for a in collection.ledger.annotations(NAME):
        lines.append(f"{a.event_id} {a.action} {a.key} {a.content_hash[:8]} {a.label} {a.origin}")
    for table in (RawObjects, Embeddings, ReferenceSet, TaxonomyLabels):
        opened = table(collection)
        for batch in opened.partitions:
            path = opened.path(batch)
            made = opened.warehouse.fingerprint(path)
            lines.append(f"{table.name} {batch} made from {made}, now {opened.fingerprint(batch)}")
            is_arrow = path.suffix == ".arrow"
            rows = opened.warehouse.read_batch(path) if is_arrow else pq.read_table(path)
            lines += [str({**row, "vector": None}) for row in rows.to_pylist()]
    remembered = collection.paths.cache / FOLDER / NAME
    lines += [f"{file.name} {file.read_text()}" for file in sorted(remembered.glob("*.json"))]
    return "\n".join(lines)
