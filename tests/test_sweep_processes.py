"""Sweeps as processes: two at once, killed, on a full disk, and through Dagster's own tools."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from support.angle_samples import NAME, declaration, label

from autolabel_core.tables.taxonomy_labels import TaxonomyLabels

ROOT = Path(__file__).resolve().parent.parent
CLI = [sys.executable, "-c", "from autolabel_app.cli import main; main()"]
BIN = Path(sys.executable).parent

pytestmark = pytest.mark.slow


def environment(home):
    dagster_home = home.paths.home / "dagster"
    dagster_home.mkdir(parents=True, exist_ok=True)
    return {**os.environ, **home.paths.environment, "DAGSTER_HOME": str(dagster_home)}


def start(home, *arguments):
    return subprocess.Popen(
        [*CLI, *arguments],
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=home.paths.home,
    )


def finished(process):
    out, err = process.communicate(timeout=900)
    return process.returncode, out, err


def tables(home):
    """The published files of labels and references."""
    root = home.paths.warehouse / NAME
    files = [*root.glob("taxonomy_labels/*.parquet"), root / "reference_set/references.arrow"]
    return {path.name: path.read_bytes() for path in sorted(files)}


def prepared(home, count=60):
    home.declare(NAME, {**declaration(), "batch_size": 20})
    objects = {f"k{i:03}": i * 5 for i in range(count)}
    objects |= {f"k{i:03}.json": f'{{"side": "side {i % 3}"}}' for i in range(0, count, 7)}
    home.put(NAME, objects)
    return home.workspace


def undisturbed(home, bring_up_to_date, folder):
    """What a build from nothing over the same bucket and ledger gives."""
    import conftest

    other = conftest.Home(folder)
    paths = type(home.paths)(folder / "home", home.paths.collections, home.paths.ledger_url)
    (folder / "home/buckets").symlink_to(home.paths.buckets)
    other.paths = paths
    bring_up_to_date(other.workspace, NAME)
    return tables(other)


def test_two_sweeps_at_once_give_one_result(home, bring_up_to_date, tmp_path):
    ws = prepared(home)
    for process in [start(home, "sweep"), start(home, "sweep")]:
        code, _, err = finished(process)
        assert code == 0, err
    collection = ws.open(NAME)
    assert TaxonomyLabels(collection).stale() == []
    arrivals = ws.ledger.objects(NAME)
    assert len(arrivals) == 60
    assert len(ws.ledger.annotations(NAME)) == 9
    assert tables(home) == undisturbed(home, bring_up_to_date, tmp_path / "calm")


def test_a_killed_sweep_loses_nothing(home, bring_up_to_date, tmp_path):
    prepared(home)
    moments = random.Random(0)
    for turn in range(6):
        process = start(home, "sweep")
        time.sleep(moments.uniform(1.5, 6.0))
        process.send_signal(signal.SIGKILL)
        finished(process)
        if turn == 2:
            label(home.workspace, {"k001": "by hand"})
    code, _, err = finished(start(home, "sweep"))
    assert code == 0, err
    assert tables(home) == undisturbed(home, bring_up_to_date, tmp_path / "calm")
    labels = [(e.key, e.label) for e in home.workspace.ledger.annotations(NAME)]
    assert ("k001", "by hand") in labels
    assert len(labels) == 10


def holds_the_pool_of_the_index(home):
    """Whether a run is in the one step that only one run may be in at a time."""
    file = home.paths.home / "dagster/history/runs/index.db"
    if not file.exists():
        return False
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        try:
            rows = connection.execute("SELECT * FROM concurrency_slots WHERE run_id IS NOT NULL")
            return bool(rows.fetchall())
        except sqlite3.OperationalError:
            return False


def stopped_in_the_index(home):
    """Start a sweep, and stop its process where it writes the index."""
    sweep = start(home, "sweep")
    while not holds_the_pool_of_the_index(home):
        assert sweep.poll() is None, sweep.communicate()
        time.sleep(0.02)
    sweep.send_signal(signal.SIGSTOP)
    return sweep


@pytest.mark.parametrize("is_waited_for", [False, True])
def test_no_sweep_waits_for_a_run_that_was_killed(home, is_waited_for):
    prepared(home)
    killed = stopped_in_the_index(home)
    if is_waited_for:
        waiting = start(home, "sweep")
        time.sleep(8)
        assert waiting.poll() is None, "the other run still lives"
    killed.send_signal(signal.SIGKILL)
    finished(killed)
    last = waiting if is_waited_for else start(home, "sweep")
    _, err = last.communicate(timeout=120)
    assert last.returncode == 0, err
    assert not holds_the_pool_of_the_index(home)


@pytest.fixture
def small_disk(home):
    """The warehouse on a file system of a few megabytes."""
    folder = home.paths.warehouse
    folder.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_a_clear_error_and_the_next_sweep_completes(
    small_disk, home, bring_up_to_date, tmp_path
):
    prepared(home)
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * (3 * 2**20 - 16 * 2**10))
    code, _, err = finished(start(home, "sweep"))
    errors = [line for line in err.splitlines() if line.startswith("Error: ")]
    assert code == 1
    assert len(errors) == 1
    assert "disk is full" in errors[0]
    assert "Free some space" in errors[0]
    ballast.unlink()
    code, _, err = finished(start(home, "sweep"))
    assert code == 0, err
    assert tables(home) == undisturbed(home, bring_up_to_date, tmp_path / "calm")


def dagster_tool(home, *command):
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        env=environment(home),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout + done.stderr


def test_dagsters_own_tools_know_the_code_location(home):
    prepared(home, count=3)
    assert finished(start(home, "sweep"))[0] == 0
    assert "Validation successful" in dagster_tool(
        home, "dagster", "definitions", "validate", "-w", "workspace.yaml"
    )
    home.put(NAME, {"k000": 90})
    from autolabel_core.operations.registration import register

    ws = home.workspace
    register(ws.open(NAME))
    dagster_tool(
        home,
        *("dagster", "asset", "materialize", "-f", "definitions.py"),
        *("--select", f"key:{NAME}/raw_objects", "--partition", "batch_000001"),
    )
    dagster_tool(
        home,
        *("dg", "launch", "--assets", f"group:{NAME}"),
        *("--partition-range", "batch_000001...batch_000001"),
    )
    assert TaxonomyLabels(ws.open(NAME)).stale() == []
    assert f"{NAME}/taxonomy_labels" in dagster_tool(home, "dg", "list", "defs")
