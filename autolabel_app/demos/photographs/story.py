"""The demo of photographs: one frame of each scene is labelled, and the rest label themselves.

A camera moves over 22 photographs that packages bring with them. Every step goes through the code
of the commands that users have.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from autolabel_app.demos.demo_folder import fresh_project
from autolabel_app.demos.labelling import tell_table
from autolabel_app.demos.photographs.labelled_frames import labelled_frames
from autolabel_app.demos.photographs.moving_camera import frames
from autolabel_app.demos.photographs.shipped import shipped_photographs
from autolabel_app.runs import sweep
from autolabel_core.declarations.conditions import parse_text
from autolabel_core.documents.documents import Documents
from autolabel_core.documents.record import DocumentRecord
from autolabel_core.foundation.json_types import Json
from autolabel_core.foundation.paths import Paths
from autolabel_core.labelling.give_labels import GivenLabel, give_labels
from autolabel_core.tables.workspace import Workspace

if TYPE_CHECKING:
    from PIL import Image

NAME, FIELD = "photographs", "scene"
SEED = 0
FRAMES, SECOND_FRAMES = 24, 8
"""Of each photograph, in the first and in the second upload."""
CORRECTIONS = 22
SHEET = "photographs.jpg"
YAML = """\
# Written by `autolabel demo-photos`. The encoder is the default; no hub was asked for its weights.
collection_name: photographs
description: Frames of a camera that moves over 22 photographs.
feature_extractor:
  feature_extractor_name: image_extractor
  version: v1
  model: efficientnet_lite0+descriptor
  field_passthrough: [scene]
taxonomy:
  field_to_enrich: scene
  reference: self
  confidence_threshold: 0.35
"""

Tell = Callable[[str], None]


@dataclass
class PhotographDemo:
    """The folder of one demo; what each frame shows, by its key."""

    paths: Paths
    truth: dict[str, str]

    def declare(self) -> None:
        """Write the collection's YAML."""
        self.paths.collections.mkdir(parents=True, exist_ok=True)
        (self.paths.collections / f"{NAME}.yaml").write_text(YAML, encoding="utf-8")

    def upload(self, taken: Mapping[str, Image.Image]) -> None:
        """Drop frames into the bucket."""
        folder = self.paths.buckets / NAME
        folder.mkdir(parents=True, exist_ok=True)
        for key, frame in taken.items():
            frame.save(folder / key, quality=90)

    def sweep(self) -> None:
        """Run `autolabel sweep photographs`."""
        sweep(Workspace(self.paths), [NAME], False, lambda line: None)

    def label(self, keys: list[str]) -> None:
        """Say of these frames what they show, as `autolabel label` does."""
        collection = Workspace(self.paths).open(NAME)
        give_labels(collection, [GivenLabel(key, self.truth[key]) for key in keys], "demo", "cli")

    def records(self, *filters: str, sort: str | None = None) -> list[DocumentRecord]:
        """Return documents, as `autolabel documents photographs` does."""
        view = Documents(Workspace(self.paths).open(NAME))
        return view.find([parse_text(text) for text in filters], sort)


def run_photograph_demo(paths: Paths, tell: Tell, seed: int = SEED) -> dict[str, Json]:
    """Run the story and write `report.json` and `photographs.jpg` into the demo's folder.

    Args:
        paths: the demo's own home; an earlier demo in it is replaced.
        tell: told the story, line by line.
        seed: decides what the camera sees and which frames are labelled; not chosen for its result.

    Returns:
        The report: objects, classes, human_labels, coverage, precision_at_threshold, accuracy,
        accuracy_after_corrections, seconds. Accuracy is over frames that no person labelled; left
        unknown counts as wrong.
    """
    started = time.monotonic()
    fresh_project(paths)
    first, second, truth = _taken(seed)
    demo = PhotographDemo(paths, truth)
    demo.declare()
    demo.upload(first)
    demo.sweep()
    scenes = sorted(set(truth.values()))
    tell(f"1. A camera moves over {len(scenes)} photographs: {len(first)} frames, none labelled.")
    handful = _one_of_each(first, truth, seed)
    demo.label(handful)
    demo.sweep()
    told = sum(record["label_source"] == "auto" for record in demo.records())
    tell(f"2. A person labels ONE frame of each scene; {told} frames label themselves.")
    demo.upload(second)
    demo.sweep()
    before = demo.records()
    arrived = sum(r["label_source"] == "auto" for r in before if r["key"] in second)
    tell(f"3. {len(second)} more frames arrive: {arrived} of them label themselves on arrival.")
    figures = _figures(truth, before)
    tell_table(tell, "with one label a scene", figures)
    doubtful = _most_doubtful(demo)
    demo.label(doubtful)
    demo.sweep()
    after = _figures(truth, demo.records())
    tell(f"4. The person settles the {len(doubtful)} most doubtful; all the rest is relabelled.")
    tell_table(tell, "after corrections", after)
    labelled_frames(before, paths.buckets / NAME, truth).save(paths.home / SHEET, quality=85)
    report: dict[str, Json] = {
        "objects": len(before),
        "classes": len(scenes),
        "human_labels": len(handful),
        "coverage": round(figures["coverage"], 4),
        "precision_at_threshold": round(figures["precision at threshold"], 4),
        "accuracy": round(figures["accuracy (unknown counts as wrong)"], 4),
        "accuracy_after_corrections": round(after["accuracy (unknown counts as wrong)"], 4),
        "seconds": round(time.monotonic() - started, 1),
    }
    text = json.dumps(report, indent=2) + "\n"
    (paths.home / "report.json").write_text(text, encoding="utf-8")
    return report


def _taken(seed: int) -> tuple[dict[str, Image.Image], dict[str, Image.Image], dict[str, str]]:
    """Return the frames of the first and of the second upload by key, and what each shows."""
    from PIL import Image

    count = FRAMES + SECOND_FRAMES
    taken: dict[str, Image.Image] = {}
    uploads, truth = (dict(taken), dict(taken)), dict[str, str]()
    order = np.random.default_rng(seed)
    photographs = shipped_photographs()
    numbers = iter(order.permutation(count * len(photographs)).tolist())
    for row, (scene, file) in enumerate(photographs.items()):
        with Image.open(file) as opened:
            photograph = opened.convert("RGB")
        rngs = [np.random.default_rng([seed, row, frame]) for frame in range(count)]
        for position, frame in enumerate(frames(photograph, rngs)):
            key = f"frame_{next(numbers):04d}.jpg"
            uploads[position >= FRAMES][key], truth[key] = frame, scene
    return *uploads, truth


def _one_of_each(first: Mapping[str, object], truth: Mapping[str, str], seed: int) -> list[str]:
    """Choose one frame of each scene at random."""
    by_scene = defaultdict(list)
    for key in sorted(first):
        by_scene[truth[key]].append(key)
    rng = np.random.default_rng([seed, len(first)])
    return [str(rng.choice(keys)) for _, keys in sorted(by_scene.items())]


def _most_doubtful(demo: PhotographDemo) -> list[str]:
    """Return keys: half from the review queue, the others by the smallest margins."""
    queue = demo.records(f"{FIELD}:eq:null", "reason:eq:null", sort="taxonomy_match.confidence")
    close = demo.records("label_source:eq:auto", sort="margin")
    chosen = [record["key"] for record in queue[: CORRECTIONS // 2]]
    return [*chosen, *(record["key"] for record in close[: CORRECTIONS - len(chosen)])]


def _figures(truth: Mapping[str, str], records: list[DocumentRecord]) -> dict[str, float]:
    left = [r for r in records if r["label_source"] != "human"]
    auto = [r for r in left if r["label_source"] == "auto"]
    right = sum(r["label"] == truth[r["key"]] for r in auto)
    return {
        "frames that no person labelled": len(left),
        "coverage": len(auto) / len(left),
        "precision at threshold": right / len(auto) if auto else 0.0,
        "accuracy (unknown counts as wrong)": right / len(left),
        "review queue": len(left) - len(auto),
    }
