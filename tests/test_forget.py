"""Forgetting on request: nothing of a document is left, and the order of the ledger is kept."""

import json
import sqlite3

import pytest
from conftest import sweep_quietly
from sqlalchemy import select
from support.angle_samples import NAME, label

from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.labelling.forget import forget
from autolabel_core.ledger.forgetting import FORGOTTEN, without
from autolabel_core.ledger.schema import ANNOTATIONS, ARRIVALS, EVENTS
from autolabel_core.tables.embeddings import Embeddings

OBJECTS = {"ada-lovelace": 10, "grace": 40, "other": 80}


@pytest.fixture
def people(angles, home):
    """Three labelled documents; one is deleted from the bucket and swept."""

    def make(swept=True):
        made = angles(OBJECTS, {"ada-lovelace": "Ada Byron", "grace": "Grace Hopper"})
        (home.paths.buckets / NAME / "ada-lovelace").unlink()
        if swept:
            sweep_quietly(home.workspace, NAME)
        return made, home.workspace.open(NAME)

    return make


def rows(ledger, table):
    with ledger.database.reading() as connection:
        return [dict(row._mapping) for row in connection.execute(select(table).order_by("id"))]


def everything(home):
    """Every byte below the home, with the ledger as text too."""
    return {f: f.read_bytes() for f in home.paths.home.rglob("*") if f.is_file()}


def test_nothing_of_the_document_is_left_in_any_file(people, home, run):
    people()
    assert run("ledger", "forget", NAME, "ada-lovelace", "--yes")[0] == 0
    sweep_quietly(home.workspace, NAME)
    for file, data in everything(home).items():
        for word in (b"ada-lovelace", b"Ada Byron"):
            assert word not in data, file


def test_the_vector_index_is_made_anew_without_it(angles, home):
    made = angles(OBJECTS, {"ada-lovelace": "Ada Byron"})
    sweep_quietly(made, NAME, index=True)
    collection = home.workspace.open(NAME)
    database = collection.paths.vector_index / "chroma.sqlite3"
    assert b"ada-lovelace" in database.read_bytes()
    (home.paths.buckets / NAME / "ada-lovelace").unlink()
    sweep_quietly(home.workspace, NAME, index=True)
    forget(home.workspace.open(NAME), ["ada-lovelace"])
    assert not collection.paths.vector_index.exists()
    sweep_quietly(home.workspace, NAME, index=True)
    for file, data in everything(home).items():
        assert b"ada-lovelace" not in data, file
    from autolabel_core.tables.reindexed_vectors import ReindexedVectors

    table = ReindexedVectors(home.workspace.open(NAME))
    assert table.report(table.batches[0])["vectors"] == 2


def test_rows_keep_their_order_and_other_documents_their_words(people, home):
    _, collection = people()
    before = {t.name: rows(collection.ledger, t) for t in (ARRIVALS, ANNOTATIONS, EVENTS)}
    done = forget(collection, ["ada-lovelace"])
    assert done.documents == 1
    ledger = home.workspace.open(NAME).ledger
    for table in (ARRIVALS, ANNOTATIONS, EVENTS):
        after = rows(ledger, table)
        assert [r["id"] for r in after] == [r["id"] for r in before[table.name]]
        assert [r["recorded_at"] for r in after] == [r["recorded_at"] for r in before[table.name]]
    said = rows(ledger, ANNOTATIONS)
    assert [(r["key"], r["label"]) for r in said] == [(FORGOTTEN, None), ("grace", "Grace Hopper")]


def test_the_collection_works_as_before_and_the_key_may_come_back(people, home):
    _, collection = people()
    forget(collection, ["ada-lovelace"])
    sweep_quietly(home.workspace, NAME)
    records = Documents(home.workspace.open(NAME)).find()
    assert [(r["key"], r["label"]) for r in records] == [
        ("grace", "Grace Hopper"),
        ("other", None),
    ]
    home.put(NAME, {"ada-lovelace": 41})
    sweep_quietly(home.workspace, NAME)
    found = {r["key"]: r["label"] for r in Documents(home.workspace.open(NAME)).find()}
    assert found["ada-lovelace"] == "Grace Hopper"
    label(home.workspace, {"ada-lovelace": "new"})
    sweep_quietly(home.workspace, NAME)
    found = {r["key"]: r["label"] for r in Documents(home.workspace.open(NAME)).find()}
    assert found["ada-lovelace"] == "new"


def test_vectors_in_files_of_earlier_models_go_too(people, home):
    _, collection = people(swept=False)
    table = Embeddings(collection)
    (batch,) = table.batches
    old = table.warehouse.path(NAME, "embeddings", "an_older_space", f"{batch}.arrow")
    table.warehouse.write_vectors(old, table.warehouse.read_vectors(table.path(batch)), "older")
    sweep_quietly(home.workspace, NAME)
    document = collection.declaration.document_id("ada-lovelace")
    opened = home.workspace.open(NAME)
    assert document in opened.warehouse.read_vectors(old).document_ids
    assert forget(opened, ["ada-lovelace"]).files == 1
    kept = opened.warehouse.read_vectors(old)
    assert document not in kept.document_ids
    assert len(kept.document_ids) == 2
    assert opened.warehouse.fingerprint(old) == "older"


def test_what_still_lies_in_the_bucket_is_not_forgotten(people, home):
    _, collection = people()
    with pytest.raises(AutolabelError, match="is still in the bucket"):
        forget(collection, ["ada-lovelace", "grace"])
    assert rows(collection.ledger, ANNOTATIONS)[0]["label"] == "Ada Byron"


def test_what_was_not_swept_or_never_was_is_refused_with_the_next_step(people):
    _, collection = people(swept=False)
    with pytest.raises(AutolabelError, match=f"Run `autolabel sweep {NAME}`"):
        forget(collection, ["ada-lovelace"])
    with pytest.raises(NotFoundError, match="never had an object 'nobody'"):
        forget(collection, ["nobody"])


def test_free_pages_of_the_file_hold_nothing(people, home):
    _, collection = people()
    forget(collection, ["ada-lovelace"])
    (file,) = home.paths.home.glob("ledger.sqlite")
    assert b"Ada Byron" not in file.read_bytes()
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_an_export_of_a_ledger_that_has_forgotten_can_be_restored(people, home, run, tmp_path):
    _, collection = people()
    forget(collection, ["ada-lovelace"])
    out = tmp_path / "ledger.jsonl"
    assert run("ledger", "export", "--out", str(out))[0] == 0
    assert "Ada Byron" not in out.read_text()
    from autolabel_core.ledger import Ledger, backup

    other = Ledger(f"sqlite:///{tmp_path / 'other.sqlite'}")
    assert backup.restore(other, out)["annotations"] == 2


def test_boxes_are_forgotten_with_their_image(blocks, home):
    from support.detection_samples import NAME as BOXES
    from support.detection_samples import SCENES

    blocks()
    key = sorted(SCENES)[0]
    collection = home.workspace.open(BOXES)
    with pytest.raises(AutolabelError, match="is a box; forget the image"):
        forget(collection, [f"{key}#det_0"])
    (home.paths.buckets / BOXES / key).unlink()
    sweep_quietly(home.workspace, BOXES)
    forget(home.workspace.open(BOXES), [key])
    for file, data in everything(home).items():
        assert key.encode() not in data, file


def test_lists_in_payloads_lose_the_document_alone():
    payload = {"keys": ["a.png", "b.png", "a.png#det_3"], "by": {"doc_det_1": 2}, "n": 3}
    assert without(payload, "doc", "a.png") == {
        **{"keys": [FORGOTTEN, "b.png", FORGOTTEN], "by": {FORGOTTEN: 2}, "n": 3}
    }
    assert json.dumps(without(payload, "x", "y")) == json.dumps(payload)


def test_the_command_asks_first(people, run, monkeypatch):
    _, collection = people()
    status, _, _ = run("ledger", "forget", NAME, "ada-lovelace")
    assert status != 0
    assert rows(collection.ledger, ANNOTATIONS)[0]["label"] == "Ada Byron"


def test_both_databases_are_written_anew(url):
    from autolabel_core.ledger import Ledger

    ledger = Ledger(url)
    assert ledger.forget_documents("nothing", {"d": "k"}) == {}
    ledger.compact()
