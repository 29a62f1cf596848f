"""Reads the text of pictures of papers, where the extra `ocr` is installed; no network is used."""

from __future__ import annotations

import importlib.util
import threading
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL import Image

INSTALL = "pip install 'dagster-autolabel[ocr]'"
MAX_SIDE_PX = 3_000
SAME_LINE = 0.5
"""Share of a line's height by which the middles of its pieces may differ."""
_ENGINE_LOCK = threading.Lock()


def has_ocr() -> bool:
    """Whether the extra is installed."""
    return importlib.util.find_spec("rapidocr") is not None


def picture_text(image: Image.Image) -> str:
    """Return the text that a picture shows, line by line from the top; empty where there is none.

    Args:
        image: RGB, upright; one with a longer side than 3,000 pixels is made smaller.

    Returns:
        The text.
    """
    import numpy as np

    shown = image if max(image.size) <= MAX_SIDE_PX else image.copy()
    shown.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX))
    with _ENGINE_LOCK:
        found = _engine()(np.ascontiguousarray(np.asarray(shown)[:, :, ::-1]))
    if not found.txts:
        return ""
    return _in_lines(np.asarray(found.boxes), list(found.txts))


@cache
def _engine() -> Any:
    import logging

    from rapidocr import RapidOCR

    engine = RapidOCR(params={"Global.log_level": "error"})
    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    return engine


def _in_lines(corners_px: npt.NDArray[Any], texts: list[str]) -> str:
    """Join pieces `(n, 4, 2)` that stand side by side: a table's row is one line."""
    top, bottom = corners_px[:, :, 1].min(axis=1), corners_px[:, :, 1].max(axis=1)
    middle, left = (top + bottom) / 2, corners_px[:, :, 0].min(axis=1)
    lines: list[list[int]] = []
    for piece in middle.argsort(kind="stable").tolist():
        last = lines[-1][0] if lines else None
        height = bottom[piece] - top[piece]
        if last is not None and middle[piece] - middle[last] < SAME_LINE * height:
            lines[-1].append(piece)
        else:
            lines.append([piece])
    return "\n".join(
        " ".join(texts[i] for i in sorted(line, key=lambda i: left[i])) for line in lines
    )
