"""What other processes do amid a look or a build never leaves a wrong label that seems current.

Fingerprints are asked for first and name the result; the contents are read later. Where files are
replaced in between, and the earlier ones come back, the name would stand for another content.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.interleavings import ANGLES, TABLES, Interruptions, SharedHome

from autolabel_core.notifications.batch_events import record_batch_events
from autolabel_core.storage import checksums
from autolabel_core.storage.file_watch import ATTEMPTS, ReplacedFileError
from autolabel_core.storage.local_files import LocalFiles
from autolabel_core.storage.warehouse import Warehouse
from autolabel_core.tables.annotation_sums import UNSEEN
from autolabel_core.tables.current_references import CurrentReferences
from autolabel_core.tables.embeddings import Embeddings
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.taxonomy_labels import TaxonomyLabels

START = [("put", "k0", 0), ("put", "k1", 8), ("put", "k2", 30), ("label", "k0", "left")]


@pytest.fixture
def shared(tmp_path, toy_extractors):
    """Three documents, one of them labelled, and all up to date."""
    home = SharedHome(tmp_path, batch_size=100)
    for action in START:
        home.do(action)
    home.sweep()
    return home


@contextmanager
def before(owner, name, act):
    """Do something once before a method of a class is called."""
    real, acts = getattr(owner, name), iter([act])

    def called(*arguments, **named):
        next(acts, lambda: None)()
        return real(*arguments, **named)

    with patch.object(owner, name, called):
        yield


def do_all(shared, *actions):
    for action in actions:
        shared.do(action)


def assert_right(shared):
    """Something is stale, or every label is what it shall be; after a sweep it is so anyway."""
    assert shared.stale() or shared.labels() == shared.naive(), shared.explained()
    shared.sweep()
    assert shared.labels() == shared.naive(), shared.explained()


def test_labels_hold_no_document_that_came_and_went_while_they_were_made(shared):
    do_all(shared, ("label", "k1", "right"), ("refresh", 2))
    come = [("put", "k3", 44), ("register",), ("refresh", 0), ("refresh", 1)]
    with before(TaxonomyLabels, "build", lambda: do_all(shared, *come)):
        shared.do_refresh(3)
    do_all(shared, ("delete", "k3"), ("sweep",))
    assert_right(shared)


def test_labels_hold_no_reference_that_came_and_went_while_they_were_made(shared):
    do_all(shared, ("put", "k4", 44), ("register",), ("refresh", 0), ("refresh", 1))
    come = [("label", "k2", "right"), ("refresh", 2)]
    with before(TaxonomyLabels, "build", lambda: do_all(shared, *come)):
        shared.do_refresh(3)
    do_all(shared, ("label", "k2", None), ("sweep",))
    assert_right(shared)


@pytest.mark.parametrize("between", ["stale", "refresh", "events"])
def test_a_later_batch_goes_by_the_references_that_its_name_says(tmp_path, toy_extractors, between):
    shared = SharedHome(tmp_path, batch_size=2)
    puts = [("put", f"k{number}", angle) for number, angle in enumerate((0, 8, 18, 30))]
    do_all(shared, *puts, ("label", "k0", "left"), ("sweep",))
    do_all(shared, ("put", "k2", 44), ("register",), ("refresh", 0), ("refresh", 1))
    # A run keeps one table over all of its batches, and with it what was read for the first.
    run = TaxonomyLabels(shared.opened)
    first, second = run.batches
    assert run.stale() == [second] if between == "stale" else not run.refresh(first)
    do_all(shared, ("label", "k3", "right"), ("refresh", 2))
    if between == "events":
        record_batch_events(run.collection, [first], run)
    assert run.refresh(second)
    do_all(shared, ("label", "k3", None), ("sweep",))
    assert_right(shared)


def test_references_hold_none_that_came_and_went_while_they_were_made(shared):
    do_all(shared, ("put", "k4", 2), ("sweep",), ("label", "k1", "right"))
    gone = [("delete", "k0"), ("register",), ("refresh", 0), ("refresh", 1)]
    with before(ReferenceSet, "build", lambda: do_all(shared, *gone)):
        shared.do_refresh(2)
    do_all(shared, ("put", "k0", 0), ("sweep",))
    assert_right(shared)


def test_sums_are_kept_under_the_name_of_what_they_were_added_up_from(shared):
    do_all(shared, ("put", "k4", 64), ("register",), ("refresh", 0), ("refresh", 1))
    do_all(shared, ("put", "k3", 44), ("label", "k3", "right"))
    real, acts = CurrentReferences._terms, iter([("sweep",)])

    def measured(references, batch, documents, until):
        if batch != UNSEEN:
            do_all(shared, *acts)
        return real(references, batch, documents, until)

    with patch.object(CurrentReferences, "_terms", measured):
        shared.do_compare()
    do_all(shared, ("delete", "k3"), ("sweep",))
    assert_right(shared)


def test_a_content_that_changed_before_it_was_embedded_is_looked_at_again(shared):
    do_all(shared, ("put", "k3", 44), ("register",), ("refresh", 0), ("put", "k3", 64))
    shared.do_refresh(1)
    assert Embeddings(shared.opened).stale(), "the earlier content may come back unlisted"
    assert_right(shared)


def test_a_file_that_is_replaced_while_it_is_checked_is_there(tmp_path):
    files, place = LocalFiles(tmp_path), tmp_path / "rows.parquet"
    files.write(place, None, lambda part: part.write_bytes(b"earlier"))
    real, writes = checksums._sum_of, iter([b"later"])

    def replaced(path):
        content = next(writes, None)
        if content is not None:
            LocalFiles(tmp_path).write(place, None, lambda part: part.write_bytes(content))
        return real(path)

    with patch.object(checksums, "_sum_of", replaced):
        assert LocalFiles(tmp_path).exists(place)
    assert not list(tmp_path.glob("*.damaged"))


def test_work_on_files_that_are_replaced_all_the_while_ends_with_an_error(tmp_path):
    import pyarrow as pa

    table, place = pa.table({"x": [1]}), tmp_path / "rows.parquet"
    warehouse = Warehouse(LocalFiles(tmp_path), tmp_path / "locks")
    versions = iter(range(100))

    def replace():
        other = Warehouse(LocalFiles(tmp_path), tmp_path / "locks")
        other.write_table(place, table, f"version {next(versions)}")

    def work():
        warehouse.fingerprint(place)
        replace()
        return warehouse.read_table(place)

    replace()
    with pytest.raises(ReplacedFileError, match=r"rows\.parquet is written by another process"):
        warehouse.undisturbed(work)
    assert next(versions) == ATTEMPTS + 1
    assert warehouse.undisturbed(lambda: warehouse.read_table(place)) == table


KEYS = st.sampled_from([f"k{i}" for i in range(5)])
EDITS = st.one_of(
    st.tuples(st.just("put"), KEYS, st.sampled_from(ANGLES)),
    st.tuples(st.just("delete"), KEYS),
    st.tuples(st.just("move"), KEYS, KEYS),
    st.tuples(st.just("label"), KEYS, st.sampled_from(["left", "right", None])),
)
WORK = st.one_of(
    st.tuples(st.just("refresh"), st.integers(0, len(TABLES) - 1)),
    st.sampled_from([("register",), ("compare",), ("sweep",)]),
)
STEPS = st.tuples(
    st.one_of(WORK, EDITS), st.integers(0, 110), st.lists(st.one_of(EDITS, WORK), max_size=4)
)


@pytest.mark.slow
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(STEPS, min_size=2, max_size=5), st.sampled_from([2, 100]))
def test_after_any_interruptions_a_table_is_stale_or_every_label_is_right(
    toy_extractors, steps, batch_size
):
    with tempfile.TemporaryDirectory() as folder, Interruptions().installed() as interruptions:
        shared = SharedHome(Path(folder), batch_size)
        do_all(shared, *START)
        shared.sweep()
        for action, look, others in steps:
            with interruptions.at(look, partial(do_all, shared, *others)):
                shared.do(action)
            assert shared.stale() or shared.labels() == shared.naive(), shared.explained()
        assert_right(shared)
