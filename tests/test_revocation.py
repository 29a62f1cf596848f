"""What is revoked never was: the tables are those of a ledger without it, and undoing restores."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from support.angle_samples import NAME, declaration, label

from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.foundation.paths import Paths, sqlite_url
from autolabel_core.labelling.descendants import descendants_of
from autolabel_core.labelling.give_labels import GivenLabel, give_labels
from autolabel_core.labelling.promotion import promote
from autolabel_core.labelling.promotion_candidates import candidates
from autolabel_core.labelling.revocation import (
    RevocationFilter,
    reinstate,
    revocable,
    revoke,
    standing_revocations,
)
from autolabel_core.ledger import Annotation, Ledger
from autolabel_core.ledger.backup import export, restore
from autolabel_core.ledger.revocations import REVOKE, REVOKED_EVENT
from autolabel_core.operations.impact import impact_of_annotation
from autolabel_core.operations.revocation import try_reinstatement, try_revocation
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.workspace import Workspace

OBJECTS = {f"k{i:02d}": 9 * i for i in range(36)}
PEOPLE = ("ann", "bob", "mallory")
BY_MALLORY = RevocationFilter(annotator="mallory")


def tables(workspace, name=NAME):
    """Everything that a label says, and the references, by key."""
    documents = {
        r["key"]: (r["label"], r["label_source"], r["taxonomy_match"], r["suggested_label"])
        for r in Documents(workspace.open(name)).find()
    }
    references = ReferenceSet(workspace.open(name)).load()
    rows = {row["key"]: (row["label"], row["label_source"]) for row in references.rows}
    return documents, rows


def edit(workspace, rng, people=PEOPLE):
    """Some labels and withdrawals of one person; what cannot be withdrawn is left."""
    person = people[rng.integers(len(people))]
    keys = rng.choice(sorted(existing(workspace)), size=4, replace=False)
    names = ["east", "north", "west", None]
    for key in keys:
        given = GivenLabel(str(key), names[rng.integers(4)])
        try:
            give_labels(workspace.open(NAME), [given], person, "cli")
        except AutolabelError:
            continue


def existing(workspace):
    return {record["key"] for record in Documents(workspace.open(NAME)).find()}


def without(workspace, folder, event_ids, sweep):
    """Sweep the same bucket with a new ledger that never had some annotations."""
    folder.mkdir()
    export(workspace.ledger, folder / "all.jsonl")
    header, *lines = map(json.loads, (folder / "all.jsonl").read_text().splitlines())
    kept = [
        line
        for line in lines
        if line["table"] != "annotations"
        or (line["row"]["event_id"] not in event_ids and line["row"]["action"] != REVOKE)
    ]
    header["rows"]["annotations"] -= len(lines) - len(kept)
    (folder / "kept.jsonl").write_text("".join(json.dumps(e) + "\n" for e in [header, *kept]))
    paths = Paths(folder, workspace.paths.collections, sqlite_url(folder / "ledger.sqlite"))
    restore(Ledger(paths.ledger_url), folder / "kept.jsonl")
    (folder / "buckets").symlink_to(workspace.paths.buckets)
    sweep(Workspace(paths), NAME)
    return tables(Workspace(paths))


def naive_closure(events, chosen):
    """The ids of events and of whatever names them as what it rests on, to the end."""
    taken = set(chosen)
    while True:
        more = {
            event.event_id
            for event in events
            for parent in (
                event.provenance.get("source_event_id"),
                (event.provenance.get("moved_from") or {}).get("event_id"),
            )
            if parent in taken and event.event_id not in taken
        }
        if not more:
            return taken
        taken |= more


@pytest.mark.parametrize("seed", range(5))
def test_what_is_revoked_never_was(angles, bring_up_to_date, tmp_path, seed):
    rng = np.random.default_rng(seed)
    ws = angles(OBJECTS, {"k00": "east", "k10": "north", "k20": "west"})
    bucket = ws.paths.buckets / NAME
    for step in range(4):
        edit(ws, rng)
        bring_up_to_date(ws, NAME)
        if step == 1:
            promote(ws.open(NAME), candidates(ws.open(NAME), 0.95)[:4], "carla")
        if step == 2:
            for key in rng.choice(sorted(existing(ws)), size=3, replace=False):
                (bucket / str(key)).rename(bucket / f"moved_{key}")
        bring_up_to_date(ws, NAME)
    before = tables(ws)
    history = ws.ledger.annotation_history(NAME)
    chosen = {event.event_id for event in history if event.annotator == "mallory"}
    naive = naive_closure(history, chosen)
    tried = try_revocation(ws, [NAME], BY_MALLORY)
    found = revoke(ws.ledger, [NAME], BY_MALLORY, "carla")
    assert {event.event_id for event in found.annotations} == naive
    ws = Workspace(ws.paths)
    bring_up_to_date(ws, NAME)
    after = tables(ws)
    assert after == without(ws, tmp_path / "never", naive, bring_up_to_date)
    changed = {k for k in before[0] if before[0][k][:2] != after[0][k][:2]}
    (own,) = [one.changes for one in tried]
    assert {change.key for change in own.changes} == changed
    assert revocable(ws.ledger, [NAME], BY_MALLORY).annotations == []
    undone = try_reinstatement(ws, [NAME], found.revocation_id)
    assert len(reinstate(ws.ledger, [NAME], found.revocation_id, "carla")) == len(naive)
    ws = Workspace(ws.paths)
    bring_up_to_date(ws, NAME)
    assert tables(ws) == before
    assert {change.key for one in undone for change in one.changes.changes} == changed


def test_what_others_said_stays_and_what_was_displaced_counts_again(angles, bring_up_to_date):
    ws = angles({"a": 0, "b": 90}, {"a": "east", "b": "north"})
    give_labels(ws.open(NAME), [GivenLabel("a", "wrong"), GivenLabel("b", None)], "me", "csv")
    give_labels(ws.open(NAME), [GivenLabel("b", "mine")], "ann", "cli")
    moment = ws.ledger.annotations(NAME)[-2].recorded_at
    found = revoke(ws.ledger, [NAME], RevocationFilter(recorded_at=moment), "carla")
    assert [(e.key, e.label, e.action) for e in found.chosen] == [
        ("a", "wrong", "label"),
        ("b", None, "withdraw"),
    ]
    bring_up_to_date(ws, NAME)
    assert tables(ws)[1] == {"a": ("east", "human"), "b": ("mine", "human")}


def test_conditions_are_combined_and_none_is_not_all(angles):
    ws = angles({"a": 0, "b": 90}, {"a": "east", "b": "north"})
    first, second = ws.ledger.annotations(NAME)

    def keys(**wanted):
        return [e.key for e in revocable(ws.ledger, [NAME], RevocationFilter(**wanted)).chosen]

    with pytest.raises(AutolabelError, match="Say which"):
        keys()
    assert keys(annotator="me") == ["a", "b"]
    assert keys(annotator="nobody") == []
    assert keys(since=second.recorded_at) == ["a", "b"]
    assert keys(since="9999") == []
    assert keys(event_ids=frozenset({first.event_id})) == ["a"]
    assert keys(batch="batch_000001", event_ids=frozenset({second.event_id})) == ["b"]
    assert keys(batch="batch_000002") == []


def test_an_imported_label_that_was_revoked_is_not_imported_again(home, bring_up_to_date):
    home.declare(NAME, declaration())
    home.put(NAME, {"x": 0, "x.json": json.dumps({"side": "east"})})
    ws = home.workspace
    bring_up_to_date(ws, NAME)
    assert [e.origin for e in ws.ledger.annotations(NAME)] == ["metadata"]
    revoke(ws.ledger, [NAME], RevocationFilter(annotator="metadata"), "carla")
    home.put(NAME, {"x.json": json.dumps({"side": "east", "note": "seen again"})})
    bring_up_to_date(home.workspace, NAME)
    assert home.workspace.ledger.annotations(NAME) == []


def test_a_promotion_of_older_versions_rests_on_the_label_that_held_then():
    def word(id_, document, name="east", **more):
        return Annotation(NAME, document, document, name, "c", "ann", "cli", event_id=id_, **more)

    promoted = word("p", "b", source="promoted", provenance={"source_document_id": "a"})
    history = [word("1", "a"), word("2", "a", "west"), promoted, word("3", "a", "south")]
    assert descendants_of(history, {"1"}) == []
    assert descendants_of(history, {"2"}) == [promoted]
    assert descendants_of(history, {"3"}) == []
    taken = replace(word("r", "a"), action="revoke", provenance={REVOKED_EVENT: "2"}, label=None)
    assert descendants_of([history[0], history[1], taken, promoted], {"1"}) == [promoted]


def test_impact_of_an_annotation_is_what_its_revocation_changes(angles, bring_up_to_date):
    ws = angles({"a": 0, "b": 20, "c": 40, "x": 180}, {"a": "east", "x": "west"})
    promote(ws.open(NAME), [p for p in candidates(ws.open(NAME)) if p.key == "b"], "me")
    bring_up_to_date(ws, NAME)
    event = next(e for e in ws.ledger.annotations(NAME) if e.key == "a")
    found = impact_of_annotation(ws, event.event_id[:8])
    assert (found.annotations, found.promoted) == ([event], ["b"])
    (own,) = found.collections
    assert own.auto_labels == ["c"]
    before = tables(ws)[0]
    revoke(ws.ledger, [NAME], RevocationFilter(event_ids=frozenset({event.event_id})), "me")
    bring_up_to_date(ws, NAME)
    after = tables(ws)[0]
    changed = {key for key in before if before[key][:2] != after[key][:2]}
    assert {change.key for change in own.without.changes} == changed == {"a", "b", "c"}


def test_the_commands_tell_and_ask(angles, run):
    angles({"a": 0, "b": 10, "x": 180}, {"a": "east", "x": "west"})
    shown = run("annotations", "list", NAME)[1]
    assert re.search(r"a +east +human +me +cli .* holds", shown)
    status, out, _ = run("revoke", "--annotator", "me", "--dry-run")
    assert status == 0
    assert "Nothing is recorded." in out
    assert "3 documents would change" in out
    status, out, _ = run("revoke", NAME, "--annotator", "me")
    assert "repeat with --yes" in out
    status, out, _ = run("revoke", NAME, "--annotator", "me", "--yes", "--reason", "bot")
    assert "Revoked 2 as" in out
    id_ = re.search(r"Revoked 2 as (\w+)", out)[1]
    assert id_ in run("revoke", "--list")[1]
    assert f"[revoked by {id_}]" in run("explain", NAME, "a")[1]
    assert "revoked" in run("annotations", "list", NAME)[1]
    assert run("impact", id_)[0] == 1
    assert "2 annotations count again" in run("revoke", "--undo", id_)[1]
    assert run("revoke", "--undo", id_)[0] == 1
    assert run("revoke", "--list")[1].strip() == "No revocation stands."
    assert run("revoke", NAME)[0] == 1


def test_one_transaction_over_several_collections(home, bring_up_to_date):
    for name in ("first", "second"):
        home.declare(name, declaration())
        home.put(name, {"a": 0})
        bring_up_to_date(home.workspace, name)
        label(home.workspace, {"a": "east"}, collection=name)
    ledger = home.workspace.ledger
    found = revoke(ledger, ["first", "second"], RevocationFilter(annotator="me"), "carla")
    assert [e.collection for e in found.chosen] == ["first", "second"]
    (record,) = standing_revocations(ledger, ["first", "second"])
    assert record.annotations == 2
    with pytest.raises(NotFoundError, match="found ''"):
        reinstate(ledger, ["first", "second"], "", "carla")
