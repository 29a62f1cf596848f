"""Rounds of detect, review and train on images whose truth is known, by the public commands."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autolabel_app.demos.detection_oracle import TrueBox, review
from autolabel_app.runs import sweep, train
from autolabel_core.declarations import Collection
from autolabel_core.exports.yolo import write_yolo_folder
from autolabel_core.foundation.media.images import decode_image
from autolabel_core.foundation.paths import Paths
from autolabel_core.labelling.give_boxes import give_boxes
from autolabel_core.labelling.import_formats import read_given
from autolabel_core.ledger import GateResult
from autolabel_core.models.detectors import Detections
from autolabel_core.models.evaluation.average_precision import evaluate_detections
from autolabel_core.models.registry import DETECTOR
from autolabel_core.operations.automation import ask_for_training
from autolabel_core.tables.boxes.splits import TRAIN, VAL
from autolabel_core.tables.boxes.training_set import TrainingSet, training_set
from autolabel_core.tables.detection_rows import DetectionRow
from autolabel_core.tables.detections import DetectionTable
from autolabel_core.tables.workspace import OpenCollection, Workspace
from autolabel_core.training.detectors.evaluate_version import detector_for_judging
from autolabel_core.training.detectors.yolo_training import TrainingRun
from autolabel_core.training.detectors.yolo_training import train as train_yolo

Truth = Mapping[str, Sequence[TrueBox]]


@dataclass
class Spiral:
    """One collection in a home of its own.

    Attributes:
        paths: the home.
        name: of the collection.
        pictures: every image that is uploaded or held out, as a file's bytes, by key.
        truth: what is on each of them.
    """

    paths: Paths
    name: str
    pictures: Mapping[str, bytes]
    truth: Truth

    @property
    def workspace(self) -> Workspace:
        """The stores, declarations read anew."""
        return Workspace(self.paths)

    @property
    def collection(self) -> Collection:
        """The declaration as it is now."""
        return self.workspace.collection(self.name)

    def declare(self, yaml: str) -> None:
        """Write the collection's YAML."""
        self.paths.collections.mkdir(parents=True, exist_ok=True)
        (self.paths.collections / f"{self.name}.yaml").write_text(yaml, encoding="utf-8")

    def upload(self, keys: Iterable[str]) -> None:
        """Drop images into the bucket, and sweep."""
        folder = self.paths.buckets / self.name
        folder.mkdir(parents=True, exist_ok=True)
        for key in keys:
            (folder / key).write_bytes(self.pictures[key])
        self.sweep()

    def sweep(self) -> None:
        """Bring everything up to date."""
        sweep(self.workspace, [self.name], False, lambda line: None)

    def annotate(self, keys: Sequence[str]) -> int:
        """Bring boxes as another tool would: a COCO file; return how many words were recorded."""
        names = sorted({name for key in keys for name, _ in self.truth[key]})
        boxes = [(i, *box) for i, key in enumerate(keys) for box in self.truth[key]]
        content = {
            "images": [{"id": i, "file_name": key} for i, key in enumerate(keys)],
            "categories": [{"id": i, "name": name} for i, name in enumerate(names)],
            "annotations": [
                {
                    "id": number,
                    "image_id": image,
                    "category_id": names.index(name),
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                }
                for number, (image, name, (x1, y1, x2, y2)) in enumerate(boxes)
            ],
        }
        return self._give("cold_start.json", json.dumps(content))

    def review(self, keys: Sequence[str]) -> int:
        """Look at every detection on images, as a person would; return how many words that took."""
        table = DetectionTable(OpenCollection(self.workspace, self.collection))
        rows: dict[str, list[DetectionRow]] = {key: [] for key in keys}
        for row in (row for batch in table.batches for row in table.rows(batch)):
            if row["image_key"] in rows:
                rows[row["image_key"]].append(row)
        said = [line for key in keys for line in review(key, self.truth[key], rows[key])]
        return self._give("review.jsonl", "".join(f"{json.dumps(line)}\n" for line in said))

    def _give(self, name: str, text: str) -> int:
        file = self.paths.home / name
        file.write_text(text, encoding="utf-8")
        given, origin = read_given(file)
        report = give_boxes(
            OpenCollection(self.workspace, self.collection), given, "oracle", origin
        )
        return sum(report.recorded.values())

    def train(self) -> GateResult:
        """Ask for a new version, train it, and return what the gate said."""
        self.sweep()
        ask_for_training(OpenCollection(self.workspace, self.collection), "demo")
        train(self.workspace, self.name, False, lambda line: None)
        return self.workspace.registry.decisions(self.name, DETECTOR)[-1]

    def training_set(self) -> TrainingSet:
        """Return what is learnt from now."""
        return training_set(OpenCollection(self.workspace, self.collection))

    def map50(self, keys: Sequence[str], version: str | Path) -> float:
        """Return the mAP50 of a version, or of a file of weights, on images that were held out."""
        registry = self.workspace.registry
        if isinstance(version, str):
            version = registry.weights(registry.find(self.name, DETECTOR, version))
        declared = self.workspace.detector(self.collection).declared
        detector = detector_for_judging(declared, version, self.paths.pretrained)
        found: list[Detections] = []
        for key in keys:
            found += detector.detect([decode_image(self.pictures[key])])
        return evaluate_detections([_as_found(self.truth[key]) for key in keys], found).map50

    def control(self, own: TrainingSet, first: str, steps: int) -> Path:
        """Go on with a version on its own images alone, for as many steps as another took.

        Args:
            own: what the version was trained from.
            first: the version.
            steps: optimizer steps.

        Returns:
            The weights.
        """
        declared = self.workspace.detector(self.collection).declared
        registry = self.workspace.registry
        base = registry.weights(registry.find(self.name, DETECTOR, first))
        epochs = max(1, round(steps / steps_an_epoch(own, declared.training.batch)))
        parameters = declared.training.model_copy(update={"epochs": epochs})
        folder = self.paths.home / "control"
        splits = {split: own.images[split] for split in (TRAIN, VAL)}
        write_yolo_folder(splits, own.open_image, own.class_ids, folder / "dataset")
        run = TrainingRun(folder, folder / "dataset" / "data.yaml", str(base), parameters, "cpu")
        return train_yolo(run, self.paths.cache, lambda done, total: None).weights


def steps_an_epoch(data: TrainingSet, batch: int) -> int:
    """Return how many optimizer steps one pass over the training images takes."""
    return math.ceil(len(data.images[TRAIN]) / batch)


def _as_found(truth: Sequence[TrueBox]) -> Detections:
    boxes = np.array([box for _, box in truth], dtype=np.float64).reshape(-1, 4)
    return Detections(boxes, np.ones(len(boxes)), tuple(name for name, _ in truth))
