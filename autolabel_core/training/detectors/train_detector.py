"""Trains a new version of a collection's detector: export, train, register."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from autolabel_core.declarations.detection import Detection
from autolabel_core.declarations.training import ACTIVE
from autolabel_core.exports.yolo import write_yolo_folder
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.foundation.json_types import JsonObject
from autolabel_core.ledger import ModelVersion
from autolabel_core.models.registry import AGPL, DETECTOR, ModelCard
from autolabel_core.models.registry.card import environment
from autolabel_core.models.weights import pick_device
from autolabel_core.tables.boxes.splits import TRAIN, VAL
from autolabel_core.tables.boxes.training_set import TrainingSet
from autolabel_core.tables.workspace import OpenCollection, Workspace
from autolabel_core.training.detectors.training_data import boxes_on, check_enough, learnt_hash
from autolabel_core.training.detectors.yolo_training import (
    TrainedDetector,
    TrainingRun,
    base_file,
    train,
)

Progress = Callable[[int, int], None]
DATASET = "dataset"


def train_detector(
    collection: OpenCollection,
    data: TrainingSet,
    asked_by: str,
    progress: Progress,
) -> ModelVersion:
    """Train a detector, or go on with a training that was killed, and register the weights.

    Args:
        collection: the declaration, with `detection`.
        data: what to learn from.
        asked_by: id of the request, for the card.
        progress: told how far the training is.

    Returns:
        The version; it is not in service by that alone.
    """
    name, declared = collection.name, collection.detector.declared
    check_enough(name, data)
    base, parent = _base(collection.workspace, name, declared)
    base = base_file(base, collection.paths.pretrained)
    parameters = declared.training.model_dump(mode="json")
    root = collection.paths.training / name
    folder = root / fingerprint(learnt_hash(data), parent, parameters)
    _remove_others(root, folder)
    yaml = _exported(data, folder)
    device = pick_device(None if declared.device == "auto" else declared.device)
    run = TrainingRun(
        folder, yaml, base_file(base, collection.paths.pretrained), declared.training, device
    )
    trained = train(run, collection.paths.cache, progress)
    card = _card(data, (parent, asked_by), parameters, trained, device)
    model = collection.registry.add(name, DETECTOR, trained.weights, card)
    shutil.rmtree(root, ignore_errors=True)
    return model


def _base(workspace: Workspace, name: str, declared: Detection) -> tuple[str, str]:
    """Return what training begins from, and its name for the card."""
    wanted = declared.training.base
    if wanted != ACTIVE:
        return wanted, wanted
    active = workspace.registry.active(name, DETECTOR)
    if active is None:
        return declared.training.first_base, declared.training.first_base
    return str(workspace.registry.weights(active)), active.version


def _remove_others(root: Path, folder: Path) -> None:
    """Remove killed trainings of other data: nobody would go on with them."""
    for other in root.iterdir() if root.is_dir() else ():
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)


def _exported(data: TrainingSet, folder: Path) -> Path:
    """Write the images and boxes that ultralytics reads, once for each run."""
    place = folder / DATASET
    if not place.exists():
        part = folder / f".{DATASET}.part"
        shutil.rmtree(part, ignore_errors=True)
        splits = {split: data.images[split] for split in (TRAIN, VAL)}
        write_yolo_folder(splits, data.open_image, data.class_ids, part)
        part.rename(place)
    return place / "data.yaml"


def _card(
    data: TrainingSet,
    origin: tuple[str, str],
    parameters: JsonObject,
    trained: TrainedDetector,
    device: str,
) -> ModelCard:
    return ModelCard(
        weights_name=trained.weights.name,
        data_hash=learnt_hash(data),
        parent=origin[0],
        asked_by=origin[1],
        parameters=parameters,
        metrics={
            **trained.metrics,
            "train_images": len(data.images[TRAIN]),
            "val_images": len(data.images[VAL]),
            "train_boxes": boxes_on(data.images[TRAIN]),
        },
        classes=tuple(sorted(data.class_ids, key=data.class_ids.__getitem__)),
        licence=AGPL,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        environment=environment(device),
    )
