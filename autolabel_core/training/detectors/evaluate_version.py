"""Evaluates a version of a detector on the gold images."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from autolabel_core.declarations.detection import Detection
from autolabel_core.foundation.media.images import decode_image
from autolabel_core.ledger import ModelVersion
from autolabel_core.models.detectors import DeclaredDetector, Detections, Weights
from autolabel_core.models.evaluation.average_precision import Evaluation, evaluate_detections
from autolabel_core.tables.boxes.ground_truth import ImageTruth
from autolabel_core.tables.boxes.splits import GOLD
from autolabel_core.tables.boxes.training_set import TrainingSet
from autolabel_core.tables.workspace import Workspace

LOWEST_CONFIDENCE = 0.001
"""Average precision looks at all confidences; the declared threshold is for service."""


def evaluate_version(
    workspace: Workspace, declared: Detection, model: ModelVersion, data: TrainingSet
) -> Evaluation:
    """Let a version look at the gold images as it would in service, tiles included.

    Args:
        workspace: the stores.
        declared: how the detector is asked in service.
        model: the version; its weights are checked.
        data: with the gold images.

    Returns:
        The evaluation.
    """
    weights = workspace.registry.weights(model)
    detector = detector_for_judging(declared, weights, workspace.paths.pretrained)
    truths = data.images[GOLD]
    found: list[Detections] = []
    for start in range(0, len(truths), declared.batch_size):
        part = truths[start : start + declared.batch_size]
        found += detector.detect([decode_image(data.open_image(truth)) for truth in part])
    return evaluate_detections([true_boxes(truth) for truth in truths], found)


def detector_for_judging(declared: Detection, weights: Path, folder: Path) -> DeclaredDetector:
    """Return the declared detector with other weights, asked for boxes of every confidence.

    Args:
        declared: how it is asked in service.
        weights: a file.
        folder: where the plug-in may keep what it fetches.

    Returns:
        The detector.
    """
    asked = {"confidence_threshold": LOWEST_CONFIDENCE, "classes": None}
    found = Weights(weights, weights.stem, declared.version)
    return DeclaredDetector(declared.model_copy(update=asked), found, folder)


def true_boxes(truth: ImageTruth) -> Detections:
    """Return the boxes of an image as a detector that knows them would."""
    boxes = np.array([box.xyxy_px for box in truth.boxes], dtype=np.float64).reshape(-1, 4)
    return Detections(boxes, np.ones(len(boxes)), tuple(box.class_name for box in truth.boxes))
