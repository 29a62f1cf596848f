"""Items and labels to measure with: digits from scikit-learn, others from a folder of one's own.

The folder (option `--data`, else the variable AUTOLABEL_DATA) holds `objects10/labels.csv` with
`key,label` beside `objects10/images/`, and `agnews/documents.csv` with `key,label,text`.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
from PIL import Image

from autolabel_app.demos.photographs.moving_camera import frames
from autolabel_app.demos.photographs.shipped import shipped_photographs

DIGIT_SIDE_PX = 64
FRAMES_EACH = 20


def data_folder(path: str | Path | None = None) -> Path | None:
    """Return the folder given, else the one in AUTOLABEL_DATA, else None."""
    chosen = path or os.environ.get("AUTOLABEL_DATA")
    return Path(chosen) if chosen else None


def digits(side_px: int = DIGIT_SIDE_PX) -> tuple[list[Image.Image], np.ndarray]:
    """Return 1,797 handwritten digits as RGB images of that side, and their labels."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    grey = [Image.fromarray(np.rint(array * 255 / 16).astype(np.uint8)) for array in bunch.images]
    size = (side_px, side_px)
    images = [image.resize(size, Image.Resampling.BICUBIC).convert("RGB") for image in grey]
    return images, bunch.target.astype(str)


def objects10(path: str | Path | None = None) -> tuple[list[Image.Image], np.ndarray] | None:
    """Return the photographs of 10 classes and their labels, or None where they are absent."""
    folder = data_folder(path)
    if folder is None or not (folder / "objects10" / "labels.csv").is_file():
        return None
    rows = _rows(folder / "objects10" / "labels.csv")
    images = []
    for row in rows:
        with Image.open(folder / "objects10" / "images" / row["key"]) as image:
            images.append(image.convert("RGB"))
    return images, np.array([row["label"] for row in rows])


def photographs(frames_each: int = FRAMES_EACH) -> tuple[list[Image.Image], np.ndarray]:
    """Return what a moving camera sees of photographs that packages bring, and which they are."""
    images, labels = [], []
    for row, (name, file) in enumerate(shipped_photographs().items()):
        with Image.open(file) as opened:
            photograph = opened.convert("RGB")
        rngs = [np.random.default_rng([row, number]) for number in range(frames_each)]
        images += frames(photograph, rngs)
        labels += [name] * frames_each
    return images, np.array(labels)


def agnews(path: str | Path | None = None) -> tuple[list[str], np.ndarray] | None:
    """Return the news texts of 4 classes and their labels, or None where they are absent."""
    folder = data_folder(path)
    if folder is None or not (folder / "agnews" / "documents.csv").is_file():
        return None
    rows = _rows(folder / "agnews" / "documents.csv")
    return [row["text"] for row in rows], np.array([row["label"] for row in rows])


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
