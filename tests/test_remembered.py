"""What is remembered of a long history is what a fresh look finds, and is never in the way."""

from __future__ import annotations

import shutil

import pytest
from support.angle_samples import NAME, label

from autolabel_core.operations.staleness_plan import plan
from autolabel_core.operations.status import collection_status
from autolabel_core.tables.remembered import FOLDER, remembered


def state(home) -> tuple[object, object]:
    opened = home.workspace.open(NAME)
    return collection_status(opened), plan(opened)


def forget(home) -> None:
    shutil.rmtree(home.paths.cache / FOLDER, ignore_errors=True)


def test_a_value_is_computed_once_for_what_it_is_made_from(angles):
    opened = angles({"a": 0}).open(NAME)
    values = iter([{"n": 1}, {"n": 2}, {"n": 3}])
    assert remembered(opened, "x", lambda: "made from one", lambda: next(values)) == {"n": 1}
    assert remembered(opened, "x", lambda: "made from one", lambda: next(values)) == {"n": 1}
    assert remembered(opened, "x", lambda: "made from two", lambda: next(values)) == {"n": 2}


def test_a_value_of_sources_that_change_meanwhile_is_not_kept(angles):
    opened = angles({"a": 0}).open(NAME)
    sources = iter(["one", "two", "one", "one"])
    values = iter([1, 2])
    assert remembered(opened, "x", lambda: next(sources), lambda: next(values)) == 1
    assert remembered(opened, "x", lambda: next(sources), lambda: next(values)) == 2


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"made_from": "k"}', b"\xff"])
def test_a_damaged_file_is_forgotten(angles, content):
    opened = angles({"a": 0}).open(NAME)
    remembered(opened, "x", lambda: "k", lambda: 1)
    (file,) = (opened.paths.cache / FOLDER).glob("*/x.json")
    file.write_bytes(content)
    assert remembered(opened, "x", lambda: "k", lambda: 2) == 2
    assert remembered(opened, "x", lambda: "k", lambda: 3) == 2


def test_where_nothing_can_be_written_it_is_computed_each_time(angles):
    opened = angles({"a": 0}).open(NAME)
    forget_me = opened.paths.cache / FOLDER
    shutil.rmtree(forget_me, ignore_errors=True)
    forget_me.parent.mkdir(parents=True, exist_ok=True)
    forget_me.write_text("a file where the folder would be")
    assert [remembered(opened, "x", lambda: "k", lambda n=n: n) for n in (1, 2)] == [1, 2]


def test_after_every_edit_it_is_what_a_fresh_look_finds(angles, home, bring_up_to_date):
    ws = angles({"a": 0, "b": 3, "c": 90, "d": 95}, {"a": "left", "c": "up"})

    def somebody_else_labels() -> None:
        from autolabel_core.labelling.give_labels import GivenLabel, give_labels

        give_labels(home.workspace.open(NAME), [GivenLabel("a", "right", {})], "other", "cli")

    edits = [
        lambda: label(ws, {"d": "up"}),
        lambda: label(ws, {"d": None}),
        lambda: home.put(NAME, {"b": 170}),
        lambda: label(ws, {"b": "left"}),
        somebody_else_labels,
        lambda: home.put(NAME, {"e": 45}),
        lambda: (home.paths.buckets / NAME / "c").rename(home.paths.buckets / NAME / "moved"),
    ]
    for edit in edits:
        edit()
        for _ in range(2):
            known = state(home)
            forget(home)
            assert state(home) == known
            bring_up_to_date(home.workspace, NAME)
