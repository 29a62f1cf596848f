"""Several processes write to one ledger at once; nothing is lost, doubled or assigned twice."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from autolabel_core.ledger import Ledger

ANNOTATE = """
import sys
from autolabel_core.ledger import Annotation, Ledger
url, worker, events, chunk = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
ledger = Ledger(url)
for start in range(0, events, chunk):
    given = [
        Annotation("c", f"d{worker}-{i}", "k", "x", "h", worker, "cli", event_id=f"{worker}-{i}")
        for i in range(start, start + chunk)
    ]
    shared = Annotation("c", "shared", "k", "x", "h", worker, "cli", event_id=f"shared-{start}")
    ledger.append_annotations([*given, shared])
"""
REGISTER = """
import json, sys
from pathlib import Path
from autolabel_core.foundation.paths import Paths
from autolabel_core.operations.registration import register
from autolabel_core.tables.workspace import Workspace
home, url = Path(sys.argv[1]), sys.argv[2]
workspace = Workspace(Paths(home, home / "collections", url))
found = register(workspace.open("c"))
print(json.dumps([found.created, found.batches]))
"""


def run_together(code: str, *arguments: list[str]) -> list[str]:
    """Run one process for each list of arguments, all at once, and return what they printed."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, *given],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parent.parent,
        )
        for given in arguments
    ]
    finished = [process.communicate(timeout=300) for process in started]
    problems = [error for _, error in finished]
    assert [p.returncode for p in started] == [0] * len(started), problems
    return [output for output, _ in finished]


@pytest.mark.slow
def test_eight_writers_lose_and_double_nothing(url):
    run_together(ANNOTATE, *([url, str(worker), "500", "5"] for worker in range(8)))
    events = Ledger(url).annotations("c")
    own = Counter(e.event_id for e in events if e.document_id != "shared")
    shared = Counter(e.event_id for e in events if e.document_id == "shared")
    assert (len(own), set(own.values())) == (4000, {1})
    assert (len(shared), set(shared.values())) == (100, {1})
    told = Ledger(url).events_after(0, limit=10_000)
    assert Counter(e.event_type for e in told) == {
        "annotation.created": 4001,
        "annotation.updated": 99,
    }
    assert [e.subject for e in told] == [e.document_id for e in events]
    for worker in range(8):
        order = [
            int(e.event_id.partition("-")[2])
            for e in events
            if e.annotator == str(worker) and e.document_id != "shared"
        ]
        assert order == sorted(order)


@pytest.mark.slow
def test_registrations_at_once_assign_each_object_once(url, tmp_path):
    homes = []
    for number in range(3):
        # Homes of their own have locks of their own, as on several machines: the ledger decides.
        home = tmp_path / f"home{number}"
        (home / "collections").mkdir(parents=True)
        text = f"source: {{uri: '{tmp_path / 'data'}'}}\nbatch_size: 100"
        (home / "collections/c.yaml").write_text(text)
        homes.append([str(home), url])
    (tmp_path / "data").mkdir()
    for number in range(1000):
        (tmp_path / f"data/{number:04d}").write_text("x")
    results = [json.loads(text) for text in run_together(REGISTER, *homes, *homes)]
    assert sorted(created for created, _ in results) == [0, 0, 0, 0, 0, 1000]
    objects = Ledger(url).objects("c")
    sizes = Counter(arrival.batch for arrival in objects.values())
    assert sizes == {f"batch_{i:06d}": 100 for i in range(1, 11)}
