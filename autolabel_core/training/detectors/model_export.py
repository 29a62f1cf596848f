"""Exports a trained detector to TorchScript, or to ONNX where that is installed."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
import warnings
from pathlib import Path

from autolabel_core.foundation.atomic_files import write_atomically
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.models.ultralytics_setup import quiet_ultralytics
from autolabel_core.models.weights import load_failures

FORMATS = ("torchscript", "onnx")
STRIDE_PX = 32
"""The coarsest grid of YOLO11: the side of a picture is a multiple of it."""


def export_weights(weights: Path, fmt: str, imgsz: int, out: Path, cache: Path) -> None:
    """Write weights in another format, all or nothing.

    Args:
        weights: a checked file of the registry.
        fmt: one of `FORMATS`.
        imgsz: side in pixels of the pictures that the exported model takes.
        out: the file to write; it is replaced.
        cache: where ultralytics keeps its settings.

    Raises:
        AutolabelError: the format needs what is not installed, the side is no multiple of
            `STRIDE_PX`, or the weights are none of YOLO.
    """
    if imgsz % STRIDE_PX:
        below = imgsz // STRIDE_PX * STRIDE_PX
        raise AutolabelError(
            f"--imgsz is {imgsz}; expected a multiple of {STRIDE_PX}, such as "
            f"{below or STRIDE_PX} or {below + STRIDE_PX}."
        )
    if fmt == "onnx" and importlib.util.find_spec("onnxslim") is None:
        raise AutolabelError(
            "onnxslim is not installed. Install it (`pip install 'dagster-autolabel[onnx]'`), or "
            "export as torchscript, which needs nothing more."
        )
    ultralytics = quiet_ultralytics(cache)
    failures: tuple[type[Exception], ...] = load_failures()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copyfile(weights, Path(folder) / "weights.pt"))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model = ultralytics.YOLO(str(copy))
                # The description of the file would name the folder that it was trained in.
                model.model.args = {**model.model.args, "data": ""}
                made = Path(model.export(format=fmt, imgsz=imgsz, device="cpu"))
        except failures as error:
            raise AutolabelError(f"{weights} cannot be exported as {fmt}: {error}") from error
        write_atomically(out, lambda part: _copy(made, part))


def _copy(source: Path, part: Path) -> None:
    shutil.copyfile(source, part)
