"""What the readers share: texts and JSON that nobody vouches for, and words for their parts."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from autolabel_core.foundation.errors import AutolabelError, NotFoundError, UnreadableItemError
from autolabel_core.foundation.media.texts import decode_text
from autolabel_core.labelling.box_input import BoxInput
from autolabel_core.tables.boxes.box_labels import REVIEWED

Problem = tuple[str | None, str]


def read_text(path: Path) -> str:
    """Return the text of a file.

    Args:
        path: the file.

    Returns:
        Its text, UTF-8 or UTF-16 with a mark.

    Raises:
        NotFoundError: it cannot be read.
        AutolabelError: it is no text.
    """
    try:
        data = path.read_bytes()
        return decode_text(data) if data else ""
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read: {error.strerror}.") from error
    except UnreadableItemError as error:
        raise AutolabelError(f"{path} is no text: {error}.") from error


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Args:
        path: the file.

    Returns:
        What it holds.

    Raises:
        AutolabelError: it is not JSON.
    """
    try:
        return json.loads(read_text(path))
    except (json.JSONDecodeError, RecursionError) as error:
        raise AutolabelError(f"{path} is not valid JSON: {error}.") from error


def size_of(width: Any, height: Any) -> tuple[int, int] | None:
    """Return an image's size as a source states it; None where it states none."""
    try:
        sides = float(width), float(height)
    except (TypeError, ValueError):
        return None
    if not all(math.isfinite(side) and side >= 1 for side in sides):
        return None
    return round(sides[0]), round(sides[1])


def whole(target: str, where: str, annotator: str | None = None) -> BoxInput:
    """Return the word that all that is on an image is said."""
    return BoxInput(REVIEWED, target, annotator=annotator, where=where)
