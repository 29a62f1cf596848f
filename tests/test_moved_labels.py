from __future__ import annotations

import pytest

from autolabel_core.documents.documents import Documents
from autolabel_core.documents.explain import explain
from autolabel_core.documents.quality import quality
from autolabel_core.labelling.give_labels import GivenLabel, give_labels
from autolabel_core.operations.advice import findings
from autolabel_core.operations.registration import register
from autolabel_core.operations.status import collection_status
from autolabel_core.tables.raw_objects import RawObjects
from autolabel_core.tables.workspace import OpenCollection

FIELDS = """\
feature_extractor: {feature_extractor_name: angle_extractor, field_passthrough: [side, room]}
taxonomy: {field_to_enrich: side, confidence_threshold: 0.9}
batch_size: 2
"""
OBJECTS = {"a.txt": 0, "b.txt": 90, "c.txt": 180}


class Folder:
    """The bucket of a collection, its files moved as people do, and swept."""

    def __init__(self, stores, folder, sweep):
        self.stores, self.folder, self.sweep = stores, folder, sweep

    @property
    def collection(self):
        return self.stores.collection("c")

    def move(self, old, new):
        (self.folder / new).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / old).rename(self.folder / new)

    def copy(self, old, *new):
        for name in new:
            (self.folder / name).write_bytes((self.folder / old).read_bytes())

    def give(self, who, **labels):
        given = [GivenLabel(f"{key}.txt", label) for key, label in labels.items()]
        give_labels(OpenCollection(self.stores, self.collection), given, who, "cli")

    def labels(self):
        self.sweep(self.stores, "c")
        found = Documents(OpenCollection(self.stores, self.collection)).find()
        people = {r["key"]: r["label"] for r in found if r["label_source"] == "human"}
        return people

    def asked(self):
        numbers = collection_status(OpenCollection(self.stores, self.collection))
        return [f.text for f in findings(numbers) if f.name == "labels_follow_their_files"]


@pytest.fixture
def folder(workspace, home, bring_up_to_date):
    stores = workspace({"c": FIELDS}, {"c": OBJECTS})
    return Folder(stores, home.paths.home / "buckets" / "c", bring_up_to_date)


@pytest.mark.parametrize("new", ["z.txt", "deep/er/a.txt", "ü 文.txt"])
def test_a_renamed_or_moved_file_keeps_its_label(folder, new):
    folder.give("alice", a="left")
    assert folder.labels() == {"a.txt": "left"}
    folder.move("a.txt", new)
    assert folder.labels() == {new: "left"}
    events = explain(OpenCollection(folder.stores, folder.collection), new)["annotations"]
    assert [(e["annotator"], e["origin"], e["label"]) for e in events] == [
        ("alice", "moved", "left")
    ]
    assert events[0]["provenance"]["moved_from"]["key"] == "a.txt"
    assert folder.asked() == []


def test_a_file_that_was_labelled_before_any_sweep_and_moved_keeps_its_label(folder):
    folder.give("alice", a="left")
    folder.move("a.txt", "z.txt")
    assert folder.labels() == {"z.txt": "left"}


def test_a_copy_takes_the_label_when_its_original_goes_and_not_before(folder):
    folder.give("alice", a="left")
    folder.copy("a.txt", "z.txt")
    assert folder.labels() == {"a.txt": "left"}
    (folder.folder / "a.txt").unlink()
    assert folder.labels() == {"z.txt": "left"}


def test_files_that_change_names_change_labels(folder):
    folder.give("alice", a="left", b="right")
    folder.labels()
    folder.move("a.txt", "x.txt")
    folder.move("b.txt", "a.txt")
    folder.move("x.txt", "b.txt")
    assert folder.labels() == {"a.txt": "right", "b.txt": "left"}


def test_the_latest_word_comes_back_with_the_file(folder):
    folder.give("alice", a="left", b="right")
    folder.labels()
    for old, new in (("a.txt", "m.txt"), ("b.txt", "n.txt")):
        folder.move(old, new)
    folder.labels()
    folder.give("alice", m="up")
    folder.give("alice", n=None)
    for old, new in (("a.txt", "m.txt"), ("b.txt", "n.txt")):
        folder.move(new, old)
    assert folder.labels() == {"a.txt": "up"}


def test_everybodys_word_is_carried_and_the_same_one_holds(folder):
    folder.give("alice", a="left")
    folder.give("bob", a="right")
    folder.move("a.txt", "z.txt")
    assert folder.labels() == {"z.txt": "right"}
    folder.give("bob", z=None)
    assert folder.labels() == {"z.txt": "left"}


def test_a_document_that_a_person_labelled_keeps_its_own_label(folder):
    folder.copy("a.txt", "z.txt")
    folder.give("bob", z="right")
    folder.give("alice", a="left")
    folder.labels()
    (folder.folder / "a.txt").unlink()
    assert folder.labels() == {"z.txt": "right"}


def test_a_label_that_two_files_claim_is_asked_about(folder, run):
    folder.give("alice", a="left")
    folder.labels()
    folder.copy("a.txt", "y.txt", "z.txt")
    (folder.folder / "a.txt").unlink()
    assert folder.labels() == {}
    (text,) = folder.asked()
    assert "'left' of 'a.txt', for 'y.txt', 'z.txt'" in text
    assert "autolabel label c KEY --moved-from OLD_KEY" in text
    assert text in run("status", "c")[1].replace("\n", " ")
    assert run("label", "c", "z.txt", "--moved-from", "a.txt")[0] == 0
    assert folder.labels() == {"z.txt": "left"}
    assert folder.asked() == []
    assert "alice (moved from a.txt, human): left" in run("explain", "c", "z.txt")[1]


def test_two_labels_that_differ_for_one_file_are_asked_about(folder, run):
    folder.copy("a.txt", "b.txt")
    folder.give("alice", a="left")
    folder.give("bob", b="right")
    folder.labels()
    folder.move("a.txt", "z.txt")
    (folder.folder / "b.txt").unlink()
    assert folder.labels() == {}
    assert "'left' of 'a.txt', 'right' of 'b.txt', for 'z.txt'" in folder.asked()[0]
    run("label", "c", "z.txt", "--moved-from", "b.txt")
    assert folder.labels() == {"z.txt": "right"}
    assert folder.asked() == []


def test_equal_files_with_equal_labels_move_as_they_are(folder):
    folder.copy("a.txt", "b.txt", "c.txt")
    folder.give("alice", a="left", b="left", c="left")
    folder.labels()
    for name in "abc":
        folder.move(f"{name}.txt", f"sub/{name}.txt")
    assert folder.labels() == {f"sub/{name}.txt": "left" for name in "abc"}
    folder.copy("sub/a.txt", "p.txt", "q.txt")
    assert folder.labels() == {f"sub/{name}.txt": "left" for name in "abc"}


def test_equal_files_with_other_labels_find_each_other_by_name(folder):
    folder.copy("a.txt", "b.txt")
    folder.give("alice", a="left", b="right")
    folder.labels()
    for name in "ab":
        folder.move(f"{name}.txt", f"sub/{name}.txt")
    assert folder.labels() == {"sub/a.txt": "left", "sub/b.txt": "right"}


def test_what_the_file_itself_says_is_not_carried(folder, home):
    home.put("c", {"a.txt.json": '{"side": "left"}'})
    assert folder.labels() == {"a.txt": "left"}
    folder.move("a.txt", "z.txt")
    assert folder.labels() == {}


def test_a_correction_of_what_the_file_says_moves_with_both(folder, home):
    home.put("c", {"a.txt.json": '{"side": "left"}'})
    folder.labels()
    folder.give("alice", a="right")
    folder.move("a.txt", "z.txt")
    folder.move("a.txt.json", "z.txt.json")
    assert folder.labels() == {"z.txt": "right"}


def test_a_run_that_was_cut_off_carries_once(folder):
    folder.give("alice", a="left")
    folder.labels()
    folder.move("a.txt", "z.txt")
    register(OpenCollection(folder.stores, folder.collection))
    for _ in range(2):
        raw = RawObjects(OpenCollection(folder.stores, folder.collection))
        for batch in raw.stale():
            raw.build(batch, "cut.off", lambda done, of: None)
    assert folder.labels() == {"z.txt": "left"}
    assert len(folder.stores.ledger.annotations("c")) == 2


def test_carried_labels_are_no_new_work_of_people(folder):
    folder.give("alice", a="left")
    folder.labels()
    folder.move("a.txt", "z.txt")
    folder.labels()
    (row,) = quality(OpenCollection(folder.stores, folder.collection))
    assert row["labels_given"] == 1


def test_a_key_that_was_never_labelled_gives_nothing(folder, run):
    status, _, err = run("label", "c", "b.txt", "--moved-from", "a.txt")
    assert (status, "Nobody labelled the content of 'b.txt' under the key 'a.txt'" in err) == (
        1,
        True,
    )
    assert run("label", "c", "absent.txt", "--moved-from", "a.txt")[0] == 1
    assert run("label", "c", "a.txt", "left", "--moved-from", "b.txt")[0] == 2


def test_a_label_that_is_given_while_a_sweep_runs_is_not_lost(folder, monkeypatch):
    from autolabel_core.tables.embeddings import Embeddings

    folder.give("alice", a="left")
    folder.labels()
    folder.move("a.txt", "z.txt")
    build = Embeddings.build

    def label_in_between(table, batch, *others):
        if folder.stores.ledger.annotations("c")[-1].annotator != "bob":
            folder.give("bob", z="up", b="right")
        return build(table, batch, *others)

    monkeypatch.setattr(Embeddings, "build", label_in_between)
    folder.labels()
    assert folder.labels() == {"z.txt": "up", "b.txt": "right"}


def test_a_label_for_an_object_that_was_replaced_meanwhile_is_kept_for_what_was_judged(
    folder, home, monkeypatch
):
    from autolabel_core.documents.current_content import ExistingDocuments

    hashes = ExistingDocuments.content_hashes

    def replaced_after_the_look(existing, keys):
        found = hashes(existing, keys)
        folder.copy("a.txt", "kept.txt")
        home.put("c", {"a.txt": 45})
        return found

    monkeypatch.setattr(ExistingDocuments, "content_hashes", replaced_after_the_look)
    folder.give("alice", a="left")
    assert folder.labels() == {"kept.txt": "left"}
