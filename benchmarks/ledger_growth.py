"""What one label costs beside a long history: 100,000 annotations over 20,000 documents.

`python -m benchmarks.ledger_growth [--full] [--annotations N] [--documents N]`; `--full` is
1,000,000 over 200,000. The history is written into the ledger directly, vectors have two
dimensions, and the bucket is a folder of small texts. A home of ten documents tells what the
commands take by themselves.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sqlalchemy import insert

from autolabel_core.foundation.ids import document_id
from autolabel_core.foundation.paths import Paths, sqlite_url
from autolabel_core.ledger import Ledger
from autolabel_core.ledger.schema import ANNOTATIONS
from autolabel_core.models.extractors import Manifest
from autolabel_core.tables.workspace import Workspace
from benchmarks.command_line import command_seconds
from benchmarks.matching import say

NAME = "growth"
LABELS = 50
ANNOTATORS = ("ann", "bob", "cem")
IN_A_FOLDER = 1_000
ROWS_AT_ONCE = 20_000
DECLARATION = """\
feature_extractor: {feature_extractor_name: tiny_extractor}
taxonomy: {field_to_enrich: thing}
"""
BARS = {"label": 0.3, "status": 2.0, "sweep": 3.0}
"""CPU seconds beside 1,000,000 annotations; for `label` beyond what it takes in a small home."""
QUICK, FULL = (100_000, 20_000), (1_000_000, 200_000)
FEW = 10


class TinyExtractor:
    """Texts that are numbers, as points on a circle."""

    min_side_px: int | None = None

    def __init__(self, version: str) -> None:
        self.manifest = Manifest(
            feature_extractor_name="tiny_extractor",
            version=version,
            feature_name="angle",
            input="text",
            embedding_dim=2,
            description="numbers on a circle",
        )

    def embed(self, batch: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return vectors `(n, 2)` of unit length."""
        angles = np.array([float(text) for text in batch]) / 1000
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def tiny_extractor(version: str, model: str | None) -> TinyExtractor:
    """Make the extractor; the entry point of the plug-in."""
    return TinyExtractor(version)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true", help="1,000,000 annotations")
    parser.add_argument("--annotations", type=int)
    parser.add_argument("--documents", type=int)
    asked = parser.parse_args()
    annotations, documents = FULL if asked.full else QUICK
    annotations, documents = asked.annotations or annotations, asked.documents or documents
    with tempfile.TemporaryDirectory() as folder:
        few = seconds_after_a_label(make_home(Path(folder), FEW, FEW))
    for name, seconds in few.items():
        say(f"{name} after one label, {FEW} documents", seconds, "CPU s")
    with tempfile.TemporaryDirectory() as folder:
        environment = make_home(Path(folder), documents, annotations)
        measure(environment, few["label"], f"{annotations:,} annotations")


def measure(environment: Mapping[str, str], start: float, history: str) -> None:
    """Time what people do every day.

    Args:
        environment: names the home.
        start: CPU seconds of `label` in a small home.
        history: how long it is, for the figures' names.
    """
    for name, seconds in seconds_after_a_label(environment).items():
        beyond = seconds - start if name == "label" else seconds
        say(f"{name} after one label, {history}", beyond, f"CPU s (bar {BARS[name]})")
    for name, words in {"status": ["status", NAME], "sweep": ["sweep"]}.items():
        seconds = command_seconds(words, environment, repeats=3)
        say(f"{name} with nothing new, {history}", seconds, f"CPU s (bar {BARS[name]})")


def seconds_after_a_label(environment: Mapping[str, str]) -> dict[str, float]:
    """Sweep twice, label a document, and return the CPU seconds of each command from then on."""
    command_seconds(["sweep"], environment, repeats=2)
    command_seconds(["status", NAME], environment, repeats=1)
    commands = {
        "label": ["label", NAME, key_of(0), "label 1"],
        "status": ["status", NAME],
        "sweep": ["sweep"],
    }
    return {
        name: command_seconds(words, environment, repeats=1) for name, words in commands.items()
    }


def make_home(root: Path, documents: int, annotations: int) -> dict[str, str]:
    """Write objects and a history.

    Args:
        root: an empty folder.
        documents: how many objects.
        annotations: how many events, spread over all documents.

    Returns:
        The environment of commands that work on it.
    """
    info = root / "site" / "tiny_extractor-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-extractor\nVersion: 1\n")
    entry = "tiny_extractor = benchmarks.ledger_growth:tiny_extractor"
    (info / "entry_points.txt").write_text(f"[autolabel.extractors]\n{entry}\n")
    (root / "collections").mkdir()
    source = f"source: {{uri: {root / 'bucket'}}}\n"
    (root / "collections" / f"{NAME}.yaml").write_text(source + DECLARATION, encoding="utf-8")
    for number in range(documents):
        file = root / "bucket" / key_of(number)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(str(number), encoding="utf-8")
    paths = Paths(root, root / "collections", sqlite_url(root / "ledger.sqlite"))
    write_history(Workspace(paths).ledger, documents, annotations)
    path = os.pathsep.join((str(root / "site"), *filter(None, sys.path)))
    return {**os.environ, **paths.environment, "PYTHONPATH": path}


def write_history(ledger: Ledger, documents: int, annotations: int) -> None:
    """Append a history; what people said is drawn with a fixed seed."""
    rows = list(history(documents, annotations))
    with ledger.database.writing() as connection:
        for start in range(0, len(rows), ROWS_AT_ONCE):
            connection.execute(insert(ANNOTATIONS), rows[start : start + ROWS_AT_ONCE])


def history(documents: int, annotations: int) -> Iterator[dict[str, object]]:
    """Yield annotations: first one of every document, then more of any; one in fifty withdraws."""
    rng = random.Random(0)
    for place in range(annotations):
        number = place if place < documents else rng.randrange(documents)
        withdraws = place >= documents and rng.random() < 0.02
        yield {
            "event_id": f"{place:032x}",
            "collection": NAME,
            "document_id": document_id(NAME, key_of(number)),
            "key": key_of(number),
            "action": "withdraw" if withdraws else "label",
            "label": None if withdraws else f"label {rng.randrange(LABELS)}",
            "fields": {},
            "content_hash": hashlib.sha256(str(number).encode()).hexdigest(),
            "source": "human",
            "annotator": rng.choice(ANNOTATORS),
            "origin": "csv",
            "reason": None,
            "provenance": {},
            "recorded_at": "2026-01-01T00:00:00.000000+00:00",
        }


def key_of(number: int) -> str:
    """Return the key of an object."""
    return f"{number // IN_A_FOLDER:04d}/{number:07d}.txt"


if __name__ == "__main__":
    main()
