"""Listing a bucket of 10,000 objects on a real S3 server, and registering it with nothing new.

The server is Swift on loopback, of one process a role: its own time is most of what is measured, so
boto3's time for the same listing stands beside it. `python -m benchmarks.s3_listing`.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from autolabel_core.buckets.s3 import ObjectStoreBucket
from autolabel_core.paths import Paths
from autolabel_core.registration import register
from autolabel_core.s3 import S3Bucket, S3Settings
from autolabel_core.workspace import Workspace
from benchmarks.matching import say

ROOT = Path(__file__).resolve().parent.parent
OBJECTS = 10_000
NAME = "bench"


def main() -> None:
    """Start the tests' server, fill a bucket, list it."""
    sys.path.insert(0, str(ROOT / "tests"))
    import swift_server

    programs = swift_server.build_environment(ROOT / ".pytest_cache/d/swift/environment")
    with tempfile.TemporaryDirectory() as folder:
        server = swift_server.SwiftServer(programs, Path(folder) / "server")
        try:
            server.start()
            os.environ.update(server.environment)
            measure(swift_server.TestBucket.create(), Path(folder))
        finally:
            server.stop()


def measure(bucket, home: Path) -> None:
    """Print the figures.

    Args:
        bucket: an empty one of the running server.
        home: an empty folder.
    """
    store = S3Bucket(bucket.name, S3Settings.from_environment())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: store.write(f"p/{i:06d}.txt", str(i).encode()), range(OBJECTS)))
    ours = seconds(lambda: list(ObjectStoreBucket(f"{bucket.uri}/p").list()))
    theirs = seconds(bucket.all_keys)
    say(f"listing {OBJECTS:,} objects on S3", ours, "s")
    say(f"listing {OBJECTS:,} objects on S3 by boto3", theirs, "s")

    collections = home / "collections"
    collections.mkdir()
    (collections / f"{NAME}.yaml").write_text(f"source: {{uri: '{bucket.uri}/p'}}\n")
    workspace = Workspace(Paths(home, collections, f"sqlite:///{home / 'ledger.sqlite'}"))
    collection = workspace.collection(NAME)
    register(workspace, collection)
    again = seconds(lambda: register(workspace, collection))
    say(f"registering {OBJECTS:,} objects on S3 with nothing new", again, "s")


def seconds(work: Callable[[], object]) -> float:
    """Return the wall-clock time of a piece of work."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
