"""How light the command line is: daily commands on the demo, and `documents` on 1,000,000 rows.

`python -m benchmarks.command_line [--rows N]`.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from autolabel_core.declarations.conditions import parse_text
from autolabel_core.documents.documents import COLUMNS, Documents
from autolabel_core.foundation.paths import Paths
from autolabel_core.tables.workspace import Workspace
from benchmarks.matching import say

BATCH = 10_000
MOST_CPU_SECONDS = 0.6
BARE = "import pyarrow, duckdb"
DAILY = (
    ("documents", "digits"),
    ("sweep",),
    ("status", "digits"),
    ("query", "SELECT label, count(*) FROM digits.documents GROUP BY label"),
    ("threshold", "digits"),
)
QUERIES = {
    "documents, 1,000,000 rows, least confident 100": (
        ["label_source:eq:auto"],
        "taxonomy_match.confidence",
    ),
    "documents, 1,000,000 rows, unlabelled 100": (["label:eq:null"], None),
}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    say("autolabel --help", command_seconds(["--help"]), "CPU s")
    with tempfile.TemporaryDirectory() as folder:
        daily_commands(Path(folder) / "home")
    with tempfile.TemporaryDirectory() as folder:
        documents(Path(folder), rows)


def daily_commands(home: Path) -> None:
    """Make the demo, and run what people run every day where nothing is new.

    Args:
        home: a folder that does not exist yet.
    """
    demo = [sys.executable, "-m", "autolabel_app", "demo"]
    subprocess.run(demo, check=True, capture_output=True, env=environment(home))
    demo_home = home / "demo"
    collections = {"AUTOLABEL_COLLECTIONS": str(demo_home / "collections")}
    libraries = least_cpu_seconds([sys.executable, "-c", BARE], environment(home))
    say(f"`{BARE}` alone", libraries, "CPU s")
    for words in DAILY:
        seconds = command_seconds(words, environment(demo_home) | collections)
        bar = f"CPU s (bar {MOST_CPU_SECONDS}), {seconds / libraries:.1f} times the libraries alone"
        say(f"autolabel {words[0]}, the demo", seconds, bar)


def environment(home: Path) -> dict[str, str]:
    """Return this process's environment with a home, and with bytecode kept."""
    own = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**own, "AUTOLABEL_HOME": str(home)}


def command_seconds(
    words: Sequence[str], env: Mapping[str, str] | None = None, repeats: int = 5
) -> float:
    """Return the least CPU time of `autolabel` with these words, each in a process of its own."""
    return least_cpu_seconds([sys.executable, "-m", "autolabel_app", *words], env, repeats)


def least_cpu_seconds(
    command: Sequence[str], env: Mapping[str, str] | None = None, repeats: int = 5
) -> float:
    """Return the least CPU time of a command over some runs."""
    seconds = []
    for _ in range(repeats):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, capture_output=True, env=env)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(seconds)


def documents(root: Path, rows: int) -> None:
    """Write label tables of that many rows, and ask for the two queues a person asks for most.

    Args:
        root: an empty folder.
        rows: documents.
    """
    collections = root / "collections"
    collections.mkdir()
    text = "taxonomy: {field_to_enrich: thing}\n"
    (collections / "bench.yaml").write_text(text, encoding="utf-8")
    workspace = Workspace(Paths(root, collections, f"sqlite:///{root / 'ledger.sqlite'}"))
    collection = workspace.open("bench")
    rng = np.random.default_rng(0)
    for batch in range(rows // BATCH):
        path = workspace.warehouse.path(
            "bench", "taxonomy_labels", f"batch_{batch + 1:06d}.parquet"
        )
        workspace.warehouse.write_table(path, label_table(batch, rng), "bench")
    Documents(collection).find(limit=1)
    for name, (filters, sort) in QUERIES.items():
        started = time.perf_counter()
        found = Documents(collection).find([parse_text(text) for text in filters], sort, limit=100)
        assert len(found) == 100
        say(name, time.perf_counter() - started, "s")


def label_table(batch: int, rng: np.random.Generator) -> pa.Table:
    """Return one batch of made-up labels, a fifth of them unknown."""
    numbers = range(batch * BATCH, (batch + 1) * BATCH)
    confidence = rng.random(BATCH).astype(np.float32)
    label = np.where(confidence > 0.2, rng.integers(0, 50, BATCH).astype(str), None)
    source = np.where(confidence > 0.2, "auto", None)
    values: dict[str, pa.Array] = {name: pa.nulls(BATCH, pa.string()) for name in COLUMNS}
    values |= {
        "document_id": pa.array([f"doc_{n:020x}" for n in numbers]),
        "key": pa.array([f"camera/{n:08d}.jpg" for n in numbers]),
        "label": pa.array(label.tolist(), pa.string()),
        "label_source": pa.array(source.tolist(), pa.string()),
        "matched": pa.array(confidence > 0.2),
        "confidence": pa.array(confidence),
        "suggested_label": pa.array(label.tolist(), pa.string()),
        "margin": pa.array(confidence / 2),
        "margin_lower_bound": pa.nulls(BATCH, pa.float32()),
        "metadata": pa.array(["{}"] * BATCH),
    }
    return pa.table(values)


if __name__ == "__main__":
    main()
