"""Trains with ultralytics: quiet, offline, resumed where a killed run stopped."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from autolabel_core.declarations.training import Training
from autolabel_core.foundation.atomic_files import write_atomically
from autolabel_core.foundation.errors import AutolabelError, MissingWeightsError
from autolabel_core.models.detectors.yolo import published_weights
from autolabel_core.models.ultralytics_setup import quiet_ultralytics
from autolabel_core.models.weights import load_failures
from autolabel_core.training.detectors.own_checkpoints import keep_checkpoint, set_aside_others

Progress = Callable[[int, int], None]

SMALL = {
    "optimizer": "AdamW",
    "lr0": 0.002,
    "mosaic": 0.0,
    "erasing": 0.0,
    "fliplr": 0.0,
    "warmup_epochs": 1.0,
}
"""Few images are few steps: the default takes 64 images a step, and on scenes of digits it was at
an mAP50 of 0.0 after three epochs; this one reached 0.87 in seven epochs of 400 scenes. A mirrored
digit is no digit: `fliplr` is for those who know that theirs may be mirrored."""
LAST, BEST, FINISHED, WEIGHTS = "last.pt", "best.pt", "finished", "weights.pt"
ULTRALYTICS = "ultralytics"
METRICS = {
    "val_map50": "metrics/mAP50(B)",
    "val_map50_95": "metrics/mAP50-95(B)",
    "val_precision": "metrics/precision(B)",
    "val_recall": "metrics/recall(B)",
}


@dataclass(frozen=True)
class TrainingRun:
    """One training: the same folder takes it up again, so it is named after what goes in.

    Attributes:
        folder: of the run; what a killed one left there is gone on with.
        data_yaml: of the exported images.
        base: an architecture (`….yaml`) or a file of weights.
        parameters: the declared ones.
        device: such as `cpu` or `cuda:0`.
    """

    folder: Path
    data_yaml: Path
    base: str
    parameters: Training
    device: str

    @property
    def arguments(self) -> dict[str, object]:
        """What ultralytics is told."""
        own = self.parameters
        recipe = {**SMALL, "nbs": own.batch} if own.recipe == "small" else {}
        return {
            **{"workers": 0, "amp": False, "plots": False, "verbose": False},
            **recipe,
            **own.arguments,
            **{"epochs": own.epochs, "imgsz": own.imgsz, "batch": own.batch},
            **{"patience": own.patience, "seed": own.seed, "device": self.device},
        }


@dataclass(frozen=True)
class TrainedDetector:
    """What came of a training.

    Attributes:
        weights: the file, without what only training needs.
        metrics: of the best epoch, on the validation images.
    """

    weights: Path
    metrics: Mapping[str, float]


def train(run: TrainingRun, cache: Path, progress: Progress) -> TrainedDetector:
    """Train, or go on with what a killed process left.

    Args:
        run: what to train.
        cache: where ultralytics keeps its settings.
        progress: told how many batches of all are done.

    Returns:
        The weights of the best epoch.

    Raises:
        AutolabelError: the base cannot be read, the disk is full, or ultralytics fails.
    """
    ultralytics = quiet_ultralytics(cache)
    failures: tuple[type[Exception], ...] = (*load_failures(), SystemError)
    run.folder.mkdir(parents=True, exist_ok=True)
    _leave_own_files(run)
    if not (run.folder / FINISHED).exists():
        try:
            _go_on(run, ultralytics.YOLO, progress)
        except AutolabelError as error:
            raise AutolabelError(_stopped(run, str(error))) from error
        except OSError as error:
            said = "The disk is full." if error.errno == errno.ENOSPC else f"{error}."
            raise AutolabelError(_stopped(run, said)) from error
        except failures as error:
            raise AutolabelError(
                f"Training on {run.data_yaml.parent} failed: {error}. Correct `detection.training` "
                "or the annotations, and run it again."
            ) from error
    return _result(run.folder)


def _leave_own_files(run: TrainingRun) -> None:
    """Leave nothing that ultralytics would unpickle but what a training here wrote."""
    kept = [run.folder / LAST, run.folder / BEST]
    if set_aside_others(kept):
        for file in (*kept, run.folder / FINISHED):
            file.unlink(missing_ok=True)
    weights = run.folder / ULTRALYTICS / "weights"
    shutil.rmtree(weights, ignore_errors=True)
    if (run.folder / BEST).exists():
        weights.mkdir(parents=True)
        shutil.copyfile(run.folder / BEST, weights / BEST)
    for cache in (run.data_yaml.parent / "labels").glob("*.cache"):
        cache.unlink()


def _go_on(run: TrainingRun, yolo: Callable[..., YoloTrainable], progress: Progress) -> None:
    last = run.folder / LAST
    place = {"data": str(run.data_yaml), "save_dir": str(run.folder / ULTRALYTICS)}
    model = yolo(str(last) if last.exists() else run.base, task="detect")
    model.add_callback("on_train_batch_end", _Counter(progress))
    model.add_callback("on_model_save", lambda trainer: _keep(trainer, run.folder))
    if last.exists():
        model.train(resume=True, **place)
    else:
        model.train(**run.arguments, **place, exist_ok=True)


class YoloTrainable(Protocol):
    """A model of ultralytics, as far as training uses it."""

    def add_callback(self, event: str, callback: Callable[[YoloTrainer], None]) -> None:
        """Call back at an event."""

    def train(self, **arguments: object) -> object:
        """Train until the last epoch, or until patience ends."""


class YoloTrainer(Protocol):
    """What ultralytics hands to a callback: epochs from 0, checkpoints of the last and the best."""

    epoch: int
    epochs: int
    train_loader: Sized
    fitness: float
    best_fitness: float
    best: Path
    last: Path
    stop: bool


class _Counter:
    """Counts batches for the progress; ultralytics tells only that one more is done."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._epoch, self._in_epoch = -1, 0

    def __call__(self, trainer: YoloTrainer) -> None:
        self._in_epoch = self._in_epoch + 1 if trainer.epoch == self._epoch else 1
        self._epoch = trainer.epoch
        batches = len(trainer.train_loader)
        self._progress(trainer.epoch * batches + self._in_epoch, trainer.epochs * batches)


def _keep(trainer: YoloTrainer, folder: Path) -> None:
    """Copy the checkpoints in one step each: ultralytics writes over its own in place."""
    if trainer.best_fitness == trainer.fitness:
        keep_checkpoint(trainer.best, folder / BEST)
    keep_checkpoint(trainer.last, folder / LAST)
    if trainer.stop:
        write_atomically(folder / FINISHED, lambda part: part.touch())


def _result(folder: Path) -> TrainedDetector:
    """Take the best weights out of their checkpoint, with what was measured in that epoch."""
    from ultralytics.utils.torch_utils import strip_optimizer

    checkpoint = strip_optimizer(str(folder / BEST), str(folder / WEIGHTS))
    measured = checkpoint["train_metrics"]
    metrics = {name: float(measured[key]) for name, key in METRICS.items() if key in measured}
    return TrainedDetector(folder / WEIGHTS, {**metrics, "best_epoch": _epoch_of(folder / BEST)})


def _epoch_of(file: Path) -> int:
    import torch

    return int(torch.load(file, map_location="cpu", weights_only=False)["epoch"]) + 1


def base_file(base: str, folder: Path) -> str:
    """Return what training begins from, if it is there or can be fetched.

    Args:
        base: an architecture that ultralytics knows (`….yaml`), a file of weights, or the name of
            weights that it publishes.
        folder: where fetched weights are kept.

    Returns:
        The architecture, or a file.

    Raises:
        MissingWeightsError: the weights cannot be had; the message says the cure.
    """
    if base.endswith((".yaml", ".yml")) or Path(base).is_file():
        return base
    if "/" in base:
        raise MissingWeightsError(
            f"`{base}`, from which training should begin, is no file on this machine. Give the "
            "path of weights in `detection.training`, or an architecture such as yolo11n.yaml."
        )
    return str(published_weights(base, folder))


def _stopped(run: TrainingRun, said: str) -> str:
    kept = "The last whole epoch is kept" if (run.folder / LAST).exists() else "Nothing is lost"
    return (
        f"Training stopped in {run.folder}: {said} {kept}; correct that and train again, and it "
        "goes on from there."
    )
