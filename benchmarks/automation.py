"""How quickly it runs by itself: a tick over 100,000 objects, and from upload to label.

`python -m benchmarks.automation [--objects N] [--without-daemon]`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from autolabel_core.foundation.paths import CHECKOUT, DAGSTER_HOME_VARIABLE, Paths
from autolabel_core.operations.registration import register
from autolabel_core.operations.staleness_plan import plan
from autolabel_core.tables.workspace import OpenCollection, Workspace
from benchmarks.datasets import digits
from benchmarks.matching import say

if TYPE_CHECKING:
    from tests.support.daemon import Daemon

NAME = "bench"
IN_A_FOLDER = 1_000
NEW = 10
SOON_SECONDS = 600
IMAGES = (1, 1_000)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--objects", type=int, default=100_000)
    parser.add_argument("--without-daemon", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tick(Path(folder), asked.objects)
    if not asked.without_daemon:
        with tempfile.TemporaryDirectory() as folder:
            upload_to_label(Path(folder))


def open_workspace(root: Path, declaration: str) -> Workspace:
    """Open a home in a folder, over `bucket` in the same folder."""
    collections = root / "collections"
    collections.mkdir(parents=True, exist_ok=True)
    (root / "bucket").mkdir(exist_ok=True)
    text = f"source: {{uri: {root / 'bucket'}}}\n{declaration}"
    (collections / f"{NAME}.yaml").write_text(text, encoding="utf-8")
    return Workspace(Paths(root, collections, f"sqlite:///{root / 'ledger.sqlite'}"))


def tick(root: Path, objects: int) -> None:
    """Time what a tick of `new_objects` does when ten of many objects are new.

    Args:
        root: an empty folder.
        objects: how many there are.
    """
    declaration = (
        "feature_extractor: {feature_extractor_name: text_extractor, model: hashed}\n"
        "taxonomy: {field_to_enrich: thing}\n"
    )
    workspace = open_workspace(root, declaration)
    for start in range(0, objects, IN_A_FOLDER):
        folder = root / "bucket" / f"{start:07d}"
        folder.mkdir()
        for number in range(start, min(start + IN_A_FOLDER, objects)):
            (folder / f"{number:07d}.txt").write_text(str(number), encoding="utf-8")
    collection = workspace.open(NAME)
    started = time.perf_counter()
    listed = sum(1 for _ in workspace.source(collection.declaration).list())
    say(f"list a folder of {listed:,} objects", time.perf_counter() - started, "s")
    register(collection)
    for number in range(NEW):
        (root / "bucket" / f"new-{number}.txt").write_text("new", encoding="utf-8")
    started = time.perf_counter()
    fresh = open_workspace(root, declaration)
    assert register(OpenCollection(fresh, collection.declaration)).created == NEW
    plan(OpenCollection(fresh, collection.declaration), uploads_only=True)
    say(f"tick over {objects:,} objects, {NEW} new", time.perf_counter() - started, "s")


def upload_to_label(root: Path) -> None:
    """Time from the last file written to labels in the table, less the sensor's interval.

    Args:
        root: an empty folder.
    """
    sys.path.insert(0, str(CHECKOUT / "tests"))
    from support.daemon import Daemon, labels

    from autolabel_core.labelling.give_labels import GivenLabel, give_labels

    images, names = digits()[:2]
    interval = 1
    workspace = open_workspace(
        root,
        f"taxonomy: {{field_to_enrich: digit}}\n"
        f"automation: {{check_every_seconds: {interval}, relabel: {{after_labels: 1}}}}\n",
    )
    for number in range(20):
        images[number].save(root / "bucket" / f"seed-{number}.png")
    with Daemon(workspace.paths) as daemon:
        daemon.until(lambda: len(labels(workspace, NAME)) == 20, SOON_SECONDS, "the first labels")
        given = [GivenLabel(f"seed-{n}.png", str(names[n])) for n in range(20)]
        give_labels(workspace.open(NAME), given, "bench", "cli")
        daemon.until(lambda: not plan(workspace.open(NAME)), SOON_SECONDS, "all is current")
        at = 20
        for count in IMAGES:
            began = time.time()
            for number in range(count):
                image = images[(at + number) % len(images)].rotate(90 * (number // len(images)))
                image.save(root / "bucket" / f"{at}-{number}.png")
            at += count
            uploaded = time.time()
            took = daemon.until(
                lambda at=at: len(labels(workspace, NAME)) == at, SOON_SECONDS, f"{count} images"
            )
            say(f"upload to label, {count:,} new images", took, "s beside an interval of 1 s")
            daemon.until(lambda: not plan(workspace.open(NAME)), SOON_SECONDS, "all is current")
            for stage, seconds in stages(daemon, began, uploaded):
                say(f"upload to label, {count:,} new images, until {stage}", seconds, "s")


def stages(daemon: Daemon, began: float, uploaded: float) -> list[tuple[str, float]]:
    """Return when each stage of the last run after an upload was reached.

    Args:
        daemon: the one that ran it.
        began: when the first file was written, in seconds since 1970; a tick may come in between.
        uploaded: when the last one was.

    Returns:
        Names of stages, and seconds since the upload.
    """
    import dagster as dg

    wanted = {
        "RUN_ENQUEUED": "the run is asked for",
        "RUN_DEQUEUED": "it may start",
        "RUN_START": "its process has read the definitions",
    }
    home = daemon.environ[DAGSTER_HOME_VARIABLE]
    with dg.DagsterInstance.from_config(home) as instance:
        created = dg.RunsFilter(created_after=datetime.fromtimestamp(began, UTC))
        run = instance.get_run_records(created, limit=1)[0].dagster_run
        events = [(e.dagster_event, e.timestamp) for e in instance.all_logs(run.run_id)]
    found = []
    for event, at in events:
        if event is None:
            continue
        if event.event_type.name.replace("PIPELINE", "RUN") in wanted:
            name = event.event_type.name.replace("PIPELINE", "RUN")
            found.append((wanted[name], at - uploaded))
        if event.event_type == dg.DagsterEventType.STEP_SUCCESS:
            found.append((f"{str(event.step_key).rpartition('__')[2]} is done", at - uploaded))
    return found


if __name__ == "__main__":
    main()
