"""What the pipeline costs beside a bare loop: to register, hash, store and embed 3,000 images.

The descriptor embeds them, because a slow network would hide the cost; `encoder` measures that.

CPU time of this process, Dagster's start apart. `python -m benchmarks.pipeline [--data DIR]`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from autolabel_app.runs import sweep
from autolabel_core.foundation.media.images import decode_image
from autolabel_core.foundation.paths import Paths
from autolabel_core.models.extractors import embed_checked
from autolabel_core.operations.registration import register
from autolabel_core.operations.staleness_plan import plan
from autolabel_core.tables.embeddings import CHUNK, Embeddings
from autolabel_core.tables.raw_objects import RawObjects
from autolabel_core.tables.workspace import Workspace
from benchmarks.datasets import data_folder, digits, objects10
from benchmarks.matching import say

IMAGES = 3_000
NAME = "bench"


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", help="folder with objects10")
    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder), parser.parse_args().data)


def run(root: Path, data: str | None) -> None:
    """Measure in a folder of its own.

    Args:
        root: an empty folder.
        data: folder of real photographs, or None for digits.
    """
    files = write_images(root / "bucket", data)
    sweep(open_workspace(root, "warm-up"), [], False, lambda line: None)
    bare = cpu(lambda: bare_loop(root, files))
    first = open_workspace(root, "first")
    ours = cpu(lambda: register_and_embed(first))
    say("raw_objects and embeddings / bare loop of the extractor", ours / bare, "ratio of CPU time")
    say("bare loop", 1000 * bare / len(files), "CPU ms per image")

    swept = open_workspace(root, "swept")
    whole = cpu(lambda: sweep(swept, [], False, lambda line: None))
    again = cpu(lambda: sweep(open_workspace(root, "swept"), [], False, lambda line: None))
    say("whole sweep / bare loop", whole / bare, "ratio of CPU time")
    say("second sweep with nothing new / first", again / whole, "ratio of CPU time")


def write_images(folder: Path, data: str | None) -> list[Path]:
    """Write 3,000 images: photographs where there are any, else digits, some of them turned."""
    folder.mkdir()
    found = objects10(data_folder(data))
    images = found[0] if found else digits()[0]
    images = [images[i % len(images)].rotate(90 * (i // len(images))) for i in range(IMAGES)]
    for number, image in enumerate(images):
        image.save(folder / f"{number:05d}.jpg", quality=92)
    return sorted(folder.iterdir())


def open_workspace(root: Path, home: str) -> Workspace:
    """Open a fresh home over the same bucket; its Dagster instance too."""
    collections = root / home / "collections"
    collections.mkdir(parents=True, exist_ok=True)
    text = (
        f"source: {{type: bucket, uri: {root / 'bucket'}}}\ntaxonomy: {{field_to_enrich: thing}}\n"
        "feature_extractor: {model: descriptor}\n"
    )
    (collections / f"{NAME}.yaml").write_text(text, encoding="utf-8")
    return Workspace(Paths(root / home, collections, f"sqlite:///{root / home / 'ledger.sqlite'}"))


def bare_loop(root: Path, files: list[Path]) -> None:
    """Read, decode and embed, with nothing around it."""
    workspace = open_workspace(root, "bare")
    extractor = workspace.extractor(workspace.collection(NAME))
    for start in range(0, len(files), CHUNK):
        chunk = files[start : start + CHUNK]
        images = [decode_image(file.read_bytes(), extractor.min_side_px) for file in chunk]
        embed_checked(extractor, images)


def register_and_embed(workspace: Workspace) -> None:
    """Do what the two assets do."""
    collection = workspace.open(NAME)
    register(collection)
    for table in (RawObjects(collection), Embeddings(collection)):
        for batch in table.batches:
            table.refresh(batch)
    assert "embeddings" not in plan(collection).assets


def cpu(work: Callable[[], object]) -> float:
    """Return the CPU seconds of a piece of work, over all threads."""
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    main()
