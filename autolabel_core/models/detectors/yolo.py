"""The built-in detector: YOLO by ultralytics, from a file or by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from PIL import Image

from autolabel_core.foundation.errors import AutolabelError, MissingWeightsError
from autolabel_core.models.detectors.detections import Detections
from autolabel_core.models.detectors.manifest import DetectorManifest, DetectorSettings
from autolabel_core.models.hub_timeout import is_reachable
from autolabel_core.models.ultralytics_setup import quiet_ultralytics
from autolabel_core.models.weights import load_failures, pick_device

if TYPE_CHECKING:
    import torch

RELEASES = "https://github.com"


class YoloBoxes(Protocol):
    """The boxes of one image: (n,) classes and confidences, (n, 4) corners in pixels."""

    cls: torch.Tensor
    conf: torch.Tensor
    xyxy: torch.Tensor


class YoloResult(Protocol):
    """What ultralytics finds on one image, as far as it is read here."""

    boxes: YoloBoxes
    names: Mapping[int, str]


class YoloModel(Protocol):
    """A model of ultralytics, as far as it is used here."""

    task: str

    def predict(self, images: list[Image.Image], **settings: object) -> list[YoloResult]:
        """Return what is found on each image, in order."""


class YoloDetector:
    """Boxes by YOLO; the same images give the same boxes, whatever they are shown with."""

    def __init__(self, version: str, settings: DetectorSettings) -> None:
        self.manifest = DetectorManifest(
            "yolo_detector",
            version,
            needs_weights=True,
            description="YOLO object detection (ultralytics, AGPL-3.0)",
        )
        self._settings = settings

    def detect(self, images: Sequence[Image.Image]) -> list[Detections]:
        """Return what YOLO finds on each of the RGB images, in their order."""
        detections: list[Detections] = [Detections()] * len(images)
        for rows in self._alike(images):
            for row, result in zip(rows, self._predict([images[i] for i in rows]), strict=True):
                detections[row] = _detections(result)
        return detections

    def _alike(self, images: Sequence[Image.Image]) -> Iterator[list[int]]:
        """Yield images of one size together: others would change how much of them is padding."""
        by_size: dict[tuple[int, int], list[int]] = {}
        for i, image in enumerate(images):
            by_size.setdefault(image.size, []).append(i)
        for rows in by_size.values():
            for start in range(0, len(rows), self._settings.batch_size):
                yield rows[start : start + self._settings.batch_size]

    def _predict(self, images: list[Image.Image]) -> list[YoloResult]:
        settings = self._settings
        results: list[YoloResult] = self._model.predict(
            images,
            conf=settings.confidence_threshold,
            iou=settings.iou_threshold,
            max_det=settings.max_detections,
            device=self._device,
            batch=len(images),
            verbose=False,
            save=False,
        )
        return results

    @cached_property
    def _device(self) -> str:
        return pick_device(None if self._settings.device == "auto" else self._settings.device)

    @cached_property
    def _model(self) -> YoloModel:
        ultralytics = quiet_ultralytics(self._settings.folder)
        file = self._file()
        try:
            model: YoloModel = ultralytics.YOLO(file)
        except load_failures() as error:
            reason = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
            raise MissingWeightsError(
                f"{file} cannot be read as weights of YOLO: {reason}. Give a checkpoint that "
                "ultralytics wrote, such as the `best.pt` of a training"
            ) from error
        if model.task != "detect":
            raise AutolabelError(
                f"{file} is a model for `{model.task}`, expected one for `detect`; train or fetch "
                "one without the suffix, such as yolo11n.pt"
            )
        return model

    def _file(self) -> Path:
        source = self._settings.weights
        if isinstance(source, Path):
            return source
        return published_weights(str(source), self._settings.folder)


def published_weights(name: str, folder: Path) -> Path:
    """Return weights that ultralytics publishes by `name`, kept in `folder` or fetched into it."""
    file = folder / name
    if file.is_file():
        return file
    quiet_ultralytics(folder)
    from ultralytics.utils.downloads import GITHUB_ASSETS_NAMES, attempt_download_asset

    from autolabel_core.foundation.suggestions import did_you_mean

    if name not in GITHUB_ASSETS_NAMES:
        raise MissingWeightsError(
            f"ultralytics has no weights `{name}`.{did_you_mean(name, GITHUB_ASSETS_NAMES)} Give "
            "one of its names such as yolo11n.pt, a path, `registry:active`, or null to annotate "
            "first"
        )
    if is_reachable(RELEASES):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            attempt_download_asset(str(file))
        except (OSError, RuntimeError) as error:
            raise _unreachable(name, str(error)) from error
    if not file.is_file():
        raise _unreachable(name, f"{RELEASES} does not answer")
    return file


def _unreachable(name: str, reason: str) -> MissingWeightsError:
    return MissingWeightsError(
        f"The weights `{name}` are not on this machine and cannot be fetched: {reason}. On a "
        f"machine with access, run `python -c \"from ultralytics import YOLO; YOLO('{name}')\"`, "
        f"copy the file here, and name it: `weights: /path/to/{name}`"
    )


def _detections(result: YoloResult) -> Detections:
    boxes = result.boxes
    names = [result.names[int(i)] for i in boxes.cls.tolist()]
    xyxy = boxes.xyxy.cpu().numpy().astype(np.float64)
    return Detections(xyxy, boxes.conf.cpu().numpy().astype(np.float64), tuple(names))


def yolo_detector(version: str, settings: DetectorSettings) -> YoloDetector:
    """Make the detector; its weights load when it first detects."""
    return YoloDetector(version, settings)
