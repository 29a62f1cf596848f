"""The demo of labelling: a few digits labelled by hand label the rest, then corrections follow.

Scikit-learn's 1,797 digits are written as image files into a bucket. A person labels ten of each,
but for one digit that stays unlabelled; the rest label themselves; a second upload labels itself on
arrival; then the most doubtful are corrected. Every step is taken as a user takes it.
"""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from autolabel_app.demos.demo_folder import fresh_project
from autolabel_app.runs import sweep
from autolabel_core.declarations.conditions import parse_text
from autolabel_core.documents.documents import Documents
from autolabel_core.documents.record import DocumentRecord
from autolabel_core.documents.threshold_tuning import propose_thresholds
from autolabel_core.foundation.json_types import Json
from autolabel_core.foundation.paths import Paths
from autolabel_core.labelling.give_labels import give_labels, read_label_csv
from autolabel_core.tables.workspace import Workspace

if TYPE_CHECKING:
    from PIL import Image

NAME = "digits"
SEED = 0
LABELS_PER_DIGIT = 10
FIRST_UPLOAD_SHARE = 0.75
CORRECTIONS = 60
PRECISION = 0.95
SIDE_PX = 32
YAML = """\
# Written by `autolabel demo`; the threshold is what `autolabel threshold digits` proposed.
collection_name: digits
description: Handwritten digits, 1,797 of them, from scikit-learn.
feature_extractor:
  feature_extractor_name: image_extractor
  version: v1
  model: descriptor
  field_passthrough: [digit]
taxonomy:
  field_to_enrich: digit
  reference: self
  confidence_threshold: {threshold}
retrievers:
  - retriever_name: unknown_digits
    stages:
      - stage_id: attribute_filter
        parameters: {{field: digit, operator: eq, value: null}}
  - retriever_name: similar_digits
    stages:
      - stage_id: feature_search
        parameters:
          searches: [{{query: "{{{{INPUT.query_image}}}}", top_k: 10}}]
"""


@dataclass
class Demo:
    """The folder of one demo and what is true of its images."""

    paths: Paths
    truth: dict[str, str]
    uploads: tuple[list[str], list[str]]
    withheld: str
    rng: np.random.Generator
    tell: Callable[[str], None]

    @property
    def workspace(self) -> Workspace:
        """The demo's stores, declarations read anew."""
        return Workspace(self.paths)

    def declare(self, threshold: float) -> None:
        """Write the collection's YAML."""
        self.paths.collections.mkdir(parents=True, exist_ok=True)
        file = self.paths.collections / f"{NAME}.yaml"
        file.write_text(YAML.format(threshold=threshold), encoding="utf-8")

    def upload(self, keys: list[str], images: dict[str, Image.Image]) -> None:
        """Drop image files into the bucket."""
        folder = self.paths.buckets / NAME
        folder.mkdir(parents=True, exist_ok=True)
        for key in keys:
            images[key].save(folder / key)

    def sweep(self) -> None:
        """Run `autolabel sweep digits`."""
        sweep(self.workspace, [NAME], False, lambda line: None)

    def label(self, labels: dict[str, str], name: str) -> None:
        """Give labels as a person would: a CSV through `autolabel label --csv`."""
        file = self.paths.home / name
        with file.open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows([("key", "label"), *sorted(labels.items())])
        workspace = self.workspace
        collection = workspace.open(NAME)
        give_labels(collection, read_label_csv(file, "digit"), "demo", "csv")

    def records(self, *filters: str, sort: str | None = None) -> list[DocumentRecord]:
        """Return documents, as `autolabel documents digits` does."""
        view = Documents(self.workspace.open(NAME))
        return view.find([parse_text(text) for text in filters], sort)


def run_demo(paths: Paths, tell: Callable[[str], None], seed: int = SEED) -> dict[str, Json]:
    """Run the whole story and write `report.json` into the demo's folder.

    Args:
        paths: the demo's own home; an earlier demo in it is replaced.
        tell: told the story, line by line.
        seed: decides uploads, the withheld digit and who is labelled; not chosen for its result.

    Returns:
        The report: objects, human_labels, coverage, precision_at_threshold, accuracy,
        review_queue, relabelled_by_corrections, accuracy_after_corrections, seconds. Accuracy is
        over documents that no person labelled; left unknown counts as wrong.
    """
    started = time.monotonic()
    fresh_project(paths)
    demo, images = _prepare(paths, tell, seed)
    demo.declare(threshold=0.30)
    first, second = demo.uploads
    demo.upload(first, images)
    demo.sweep()
    tell(
        f"1. {len(first)} images of handwritten digits lie in the bucket; nothing is labelled yet."
    )

    handful = _handful(demo)
    demo.label(handful, "labels.csv")
    demo.sweep()
    tell(
        f"2. A person labels {len(handful)}: {LABELS_PER_DIGIT} of each digit, but none of the "
        f"digit {demo.withheld}."
    )
    proposal = propose_thresholds(demo.workspace.open(NAME), PRECISION)
    threshold = int(proposal.overall.threshold * 1e4) / 1e4
    demo.declare(threshold)
    demo.sweep()
    tell(
        f"3. `autolabel threshold digits` proposes {threshold} (leave-one-out precision "
        f"{proposal.overall.precision:.1%}); the rest label themselves."
    )
    demo.upload(second, images)
    demo.sweep()
    before = demo.records()
    arrived = [r for r in before if r["key"] in set(second)]
    labelled = sum(r["label_source"] == "auto" for r in arrived)
    tell(f"4. A second upload of {len(second)} arrives: {labelled} of them label themselves.")
    tell_table(tell, "before corrections", _figures(demo, before))

    corrections = _most_doubtful(demo)
    missing = sum(label == demo.withheld for label in corrections.values())
    demo.label(corrections, "corrections.csv")
    demo.sweep()
    after = demo.records()
    tell(
        f"5. A person settles the {len(corrections)} most doubtful, {missing} of them the digit "
        f"{demo.withheld}; all old data is relabelled."
    )
    tell_table(tell, "after corrections", _figures(demo, after))
    report = _report(demo, before, after, len(handful), time.monotonic() - started)
    text = json.dumps(report, indent=2) + "\n"
    (paths.home / "report.json").write_text(text, encoding="utf-8")
    return report


def _prepare(
    paths: Paths, tell: Callable[[str], None], seed: int
) -> tuple[Demo, dict[str, Image.Image]]:
    from PIL import Image
    from sklearn.datasets import load_digits

    rng = np.random.default_rng(seed)
    digits = load_digits()
    keys = [f"digit_{i:04d}.png" for i in range(len(digits.target))]
    pixels = (digits.images * (255 / 16)).round().astype(np.uint8)
    size = (SIDE_PX, SIDE_PX)
    images = {
        key: Image.fromarray(array).resize(size, Image.Resampling.BICUBIC)
        for key, array in zip(keys, pixels, strict=True)
    }
    truth = dict(zip(keys, (str(t) for t in digits.target), strict=True))
    order = [keys[i] for i in rng.permutation(len(keys)).tolist()]
    cut = int(len(keys) * FIRST_UPLOAD_SHARE)
    uploads = (sorted(order[:cut]), sorted(order[cut:]))
    withheld = str(rng.integers(10))
    return Demo(paths, truth, uploads, withheld, rng, tell), images


def _handful(demo: Demo) -> dict[str, str]:
    """Choose ten of each digit at random among the first upload, none of the withheld one."""
    chosen: dict[str, str] = {}
    first = demo.uploads[0]
    for digit in sorted(set(demo.truth.values()) - {demo.withheld}):
        keys = [key for key in first if demo.truth[key] == digit]
        for key in demo.rng.choice(keys, LABELS_PER_DIGIT, replace=False).tolist():
            chosen[key] = digit
    return chosen


def _most_doubtful(demo: Demo) -> dict[str, str]:
    """Return the true labels of the most doubtful: half from the review queue, half auto-labelled.

    The queue is taken from its least confident end, where unknown categories are; the auto-labels
    from the smallest margin to another label.
    """
    queue = demo.records("label:eq:null", "reason:eq:null", sort="taxonomy_match.confidence")
    doubtful = demo.records("label_source:eq:auto", sort="margin")
    half = CORRECTIONS // 2
    chosen = [r["key"] for r in [*queue[:half], *doubtful[: CORRECTIONS - half]]]
    return {key: demo.truth[key] for key in chosen}


def _figures(demo: Demo, records: list[DocumentRecord]) -> dict[str, float]:
    left = [r for r in records if r["label_source"] != "human"]
    auto = [r for r in left if r["label_source"] == "auto"]
    right = sum(r["label"] == demo.truth[r["key"]] for r in auto)
    return {
        "documents that no person labelled": len(left),
        "coverage": len(auto) / len(left),
        "precision at threshold": right / len(auto) if auto else 0.0,
        "accuracy (unknown counts as wrong)": right / len(left),
        "review queue": len(left) - len(auto),
    }


def tell_table(tell: Callable[[str], None], title: str, figures: dict[str, float]) -> None:
    """Tell figures as an indented table; shares as percent."""
    tell(f"   {title}")
    for name, value in figures.items():
        shown = f"{value:.1%}" if isinstance(value, float) else f"{value:,}"
        tell(f"     {name:<36}{shown:>8}")


def _report(
    demo: Demo,
    before: list[DocumentRecord],
    after: list[DocumentRecord],
    human_labels: int,
    seconds: float,
) -> dict[str, Json]:
    first, last = _figures(demo, before), _figures(demo, after)
    old = {r["key"]: r["label"] for r in before}
    changed = [r for r in after if r["label_source"] != "human" and r["label"] != old[r["key"]]]
    return {
        "objects": len(after),
        "human_labels": human_labels,
        "coverage": round(first["coverage"], 4),
        "precision_at_threshold": round(first["precision at threshold"], 4),
        "accuracy": round(first["accuracy (unknown counts as wrong)"], 4),
        "review_queue": first["review queue"],
        "relabelled_by_corrections": len(changed),
        "accuracy_after_corrections": round(last["accuracy (unknown counts as wrong)"], 4),
        "seconds": round(seconds, 1),
    }
