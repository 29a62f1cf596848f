from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_matching import naive_nearest, same_bytes, unit_rows

from autolabel_core.matching import neighbour_lists as neighbours
from autolabel_core.matching.neighbour_lists import (
    CACHED_NEIGHBOURS,
    NEEDED,
    NeighbourTable,
    build,
    compare_keys,
    follow,
    published,
    update,
)


def keys_of(vectors_by_id):
    return np.array([f"{i:06d}:{v.tobytes().hex()}" for i, v in vectors_by_id.items()], str)


def as_rows(vectors_by_id, d):
    rows = np.array(list(vectors_by_id.values()), np.float32)
    return rows.reshape(len(vectors_by_id), d)


def self_positions(documents, references):
    places = {(i, v.tobytes()): p for p, (i, v) in enumerate(references.items())}
    return np.array([places.get((i, v.tobytes()), -1) for i, v in documents.items()], np.int32)


class World:
    """Documents and references by id, and the table that follows their edits."""

    def __init__(self, seed: int, d: int, on_grid: bool) -> None:
        self.rng = np.random.default_rng(seed)
        self.d = d
        self.on_grid = on_grid
        self.documents: dict[int, np.ndarray] = {}
        self.references: dict[int, np.ndarray] = {}
        self.table = build(as_rows({}, d), as_rows({}, d))
        self.seen: dict[int, np.ndarray] = {}
        self.old_keys = keys_of({})

    def vector(self):
        if self.on_grid:
            return self.rng.integers(-1, 2, self.d).astype(np.float32)
        row = self.rng.standard_normal(self.d)
        return (row / np.linalg.norm(row)).astype(np.float32)

    def edit(self, kind: str, size: int) -> None:
        where = self.documents if kind.endswith("documents") else self.references
        if kind.startswith("add"):
            for i in self.rng.integers(0, 300, size).tolist():
                where.setdefault(i, self.vector())
        elif kind.startswith("label"):
            for i in list(self.documents)[:size]:
                where[i] = self.documents[i]
        else:
            chosen = self.rng.permutation(list(where))[:size].tolist() if where else []
            for i in chosen:
                if kind.startswith("change"):
                    where[i] = self.vector()
                else:
                    del where[i]
        ordered = dict(sorted(where.items()))
        where.clear()
        where.update(ordered)

    def relabel(self) -> None:
        at = {i: row for row, i in enumerate(self.seen)}
        rows = np.array(
            [
                at[i] if i in at and np.array_equal(self.seen[i], v) else -1
                for i, v in self.documents.items()
            ],
            np.int32,
        )
        new_keys = keys_of(self.references)
        vectors, references = as_rows(self.documents, self.d), as_rows(self.references, self.d)
        self.table = update(self.table, vectors, self.old_keys, new_keys, references, rows)
        self.seen, self.old_keys = dict(self.documents), new_keys

    def check(self) -> None:
        vectors, references = as_rows(self.documents, self.d), as_rows(self.references, self.d)
        left_out = self_positions(self.documents, self.references)
        full = build(vectors, references)
        shown = published(self.table, left_out)
        assert same_bytes(shown, published(full, left_out))
        assert same_bytes(shown, naive_nearest(vectors, references, NEEDED - 1, left_out))
        columns = np.arange(CACHED_NEIGHBOURS)
        certain = columns < self.table.length[:, None]
        assert np.array_equal(self.table.position[certain], full.position[certain])
        assert (self.table.position[~certain] == -1).all()
        assert (self.table.length >= min(NEEDED, len(references))).all()


KINDS = [
    "add references", "remove references", "change references", "label references",
    "add documents", "remove documents", "change documents",
]  # fmt: skip
edits = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 25), st.booleans()), min_size=4, max_size=14
)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.booleans(), edits)
def test_any_sequence_of_edits_gives_what_a_full_build_gives(seed, d, on_grid, steps):
    world = World(seed, d, on_grid)
    world.edit("add documents", 6)
    for kind, size, relabel_now in steps:
        world.edit(kind, size)
        if relabel_now:
            world.relabel()
            world.check()
    world.relabel()
    world.check()


@pytest.mark.slow
def test_a_long_life_of_many_small_edits():
    world = World(1, 3, on_grid=True)
    world.edit("add documents", 40)
    world.edit("add references", 200)
    for step in range(150):
        world.edit(KINDS[step * 5 % 7], 1 + step % 9)
        world.relabel()
        world.check()


def many(seed, n, r, d=16):
    return unit_rows(seed, n, d), unit_rows(seed + 1, r, d)


def test_equal_keys_return_the_table_itself():
    vectors, references = many(1, 20, 30)
    keys = np.array([f"{i:03d}" for i in range(30)], "S3")
    table = build(vectors, references)
    assert update(table, vectors, keys, keys.copy(), references) is table


def test_only_the_rows_that_lost_too_many_are_computed_again(monkeypatch):
    vectors, references = many(2, 50, 200)
    keys = [f"{i:03d}" for i in range(200)]
    table = build(vectors, references)
    gone = set(table.position[7, : CACHED_NEIGHBOURS - NEEDED + 1].tolist())
    stay = [i for i in range(200) if i not in gone]
    computed = []
    monkeypatch.setattr(
        neighbours, "build", lambda some, all_: computed.append(len(some)) or build(some, all_)
    )
    new = update(table, vectors, keys, [keys[i] for i in stay], references[stay])
    lost = np.isin(table.position, list(gone)).sum(axis=1)
    assert sum(computed) == np.count_nonzero(CACHED_NEIGHBOURS - lost < NEEDED) < 10
    nobody = np.full(50, -1, np.int32)
    full = build(vectors, references[stay])
    assert same_bytes(published(new, nobody), published(full, nobody))


def test_an_added_reference_below_the_last_certain_one_is_dropped_and_above_it_counts():
    references = np.stack([np.array([1, i / 100], np.float32) for i in range(20)])
    vectors = np.array([[0, 1]], np.float32)
    keys = [f"{i:02d}" for i in range(20)]
    short = update(build(vectors, references), vectors, keys, keys[:-3], references[:-3])
    assert short.length.tolist() == [13]
    low, high = np.array([[1, -1]], np.float32), np.array([[1, 5]], np.float32)
    for added, length in ((low, 13), (high, 14)):
        after = np.concatenate([references[:-3], added])
        new = update(short, vectors, keys[:-3], [*keys[:-3], "99"], after)
        assert new.length.tolist() == [length]


def test_a_complete_list_grows_with_every_reference():
    vectors, references = many(3, 5, 40)
    keys = [f"{i:02d}" for i in range(40)]
    table = build(vectors, references[:0])
    for r in range(1, 41):
        table = update(table, vectors, keys[: r - 1], keys[:r], references[:r])
        assert (table.length >= min(r, NEEDED)).all()
        if r <= CACHED_NEIGHBOURS:
            assert (table.length == r).all()
    assert same_bytes(
        published(table, np.arange(5, dtype=np.int32)),
        naive_nearest(vectors, references, 10, np.arange(5)),
    )


@pytest.mark.parametrize("kind", [list, lambda k: np.array(k, "S8"), lambda k: np.array(k, "U8")])
def test_keys_may_be_lists_or_fixed_width_arrays(kind):
    old = ["a:1", "b:1", "c:1", "e:1"]
    new = ["0:1", "a:1", "c:2", "e:1"]
    edit = compare_keys(kind(old), kind(new))
    assert edit.moved.tolist() == [1, -1, -1, 3]
    assert edit.added.tolist() == [0, 2]
    assert not edit.same


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (["a"], ["b", "b"], "found 2 with 1 different"),
        (["a", "b"], ["b", "a"], "1 out of order"),
    ],
)
def test_keys_twice_or_out_of_order_are_refused(old, new, message):
    with pytest.raises(ValueError, match=message):
        compare_keys(old, new)


def test_a_table_of_something_else_is_refused():
    vectors, references = many(4, 6, 20)
    table, other = build(vectors, references), build(vectors[:5], references)
    edit = compare_keys([f"{i:02d}" for i in range(20)], [f"{i:02d}" for i in range(19)])
    smaller = compare_keys(["00", "01"], ["00"])
    narrow = NeighbourTable(table.position[:, :9], table.score[:, :9], table.length)
    for wrong, of_edit, message in (
        (other, edit, "expected 6 rows in -1..4"),
        (table, smaller, "among 2 old references"),
        (narrow, edit, r"\(6, 16\), found \(6, 9\)"),
    ):
        with pytest.raises(ValueError, match=message):
            follow(wrong, vectors, of_edit, references[: 19 if of_edit is edit else 1])
    with pytest.raises(ValueError, match="19 old references to stay, found 18"):
        follow(table, vectors, edit, references[:18])


@pytest.mark.parametrize("k", [0, NEEDED])
def test_no_more_is_published_than_is_certain(k):
    with pytest.raises(ValueError, match=f"1..10, found {k}"):
        published(build(*many(5, 3, 20)), np.full(3, -1, np.int32), k)
