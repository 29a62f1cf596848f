"""A tick of `new_objects` over a bucket of 100,000 objects on a real S3 server, 10 of them new.

The server is Swift on loopback, of one process a role: its own time is most of what is measured, so
boto3's time for the same listing stands beside it. The keys are written into the server's listing
by Swift's own code, without their contents, which a tick does not read: a request for each would
take an hour. `python -m benchmarks.s3_listing`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from autolabel_core.foundation.paths import Paths
from autolabel_core.operations.registration import register
from autolabel_core.operations.staleness_plan import plan
from autolabel_core.storage.buckets.s3_bucket import ObjectStoreBucket
from autolabel_core.tables.workspace import Workspace
from benchmarks.matching import say

ROOT = Path(__file__).resolve().parent.parent
NEW = 10
NAME = "bench"
FILL = """\
import hashlib, sys, time
from swift.container.backend import ContainerBroker
broker, now = ContainerBroker(sys.argv[1]), f"{time.time():016.5f}"
entries = [
    {"name": f"p/{i:06d}.txt", "created_at": now, "size": 6, "content_type": "text/plain",
     "etag": hashlib.md5(str(i).encode()).hexdigest(), "deleted": 0, "storage_policy_index": 0}
    for i in range(int(sys.argv[2]))
]
for start in range(0, len(entries), 10_000):
    broker.merge_items(entries[start : start + 10_000])
"""


def main() -> None:
    """Start the tests' server, fill a bucket, look at it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--objects", type=int, default=100_000)
    objects = parser.parse_args().objects
    sys.path.insert(0, str(ROOT / "tests"))
    from support import swift_server

    programs = swift_server.build_environment(ROOT / ".pytest_cache/d/swift/environment")
    with tempfile.TemporaryDirectory() as folder:
        server = swift_server.SwiftServer(programs, Path(folder) / "server")
        try:
            server.start()
            os.environ.update(server.environment)
            bucket = swift_server.TestBucket.create()
            fill(server, objects)
            measure(bucket, Path(folder), objects)
        finally:
            server.stop()


def fill(server, objects: int) -> None:
    """Write keys into the listing of the server's only bucket.

    Args:
        server: the running server.
        objects: how many keys.
    """
    (database,) = server.root.glob("devices/d1/containers/**/*.db")
    program = [str(server.programs / "python"), "-c", FILL, str(database), str(objects)]
    subprocess.run(program, check=True)


def measure(bucket, home: Path, objects: int) -> None:
    """Print the figures.

    Args:
        bucket: the filled one of the running server.
        home: an empty folder.
        objects: how many it holds.
    """
    listed = []
    ours = seconds(lambda: listed.extend(ObjectStoreBucket(f"{bucket.uri}/p").list()))
    assert len(listed) == objects
    say(f"listing {objects:,} objects on S3", ours, "s")
    say(f"listing {objects:,} objects on S3 by boto3", seconds(bucket.all_keys), "s")

    collections = home / "collections"
    collections.mkdir()
    declared = f"source: {{uri: '{bucket.uri}/p'}}\ntaxonomy: {{field_to_enrich: thing}}\n"
    (collections / f"{NAME}.yaml").write_text(declared)
    paths = Paths(home, collections, f"sqlite:///{home / 'ledger.sqlite'}")
    register(Workspace(paths).open(NAME))
    bucket.put({f"p/new-{number}.txt": "new" for number in range(NEW)})

    def tick() -> None:
        workspace = Workspace(paths)
        collection = workspace.open(NAME)
        assert register(collection).created == NEW
        plan(collection, uploads_only=True)

    say(f"tick over {objects:,} objects on S3, {NEW} new", seconds(tick), "s")


def seconds(work: Callable[[], object]) -> float:
    """Return the wall-clock time of a piece of work."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
