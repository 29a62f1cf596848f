"""The models of `training:` and `gate:`: how models are trained, and when they go into service."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

import yaml
from pydantic import Field, field_validator

from autolabel_core.declarations.model import Count, Declaration, Text
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.suggestions import did_you_mean

ACTIVE = "active"
OWN_ARGUMENTS = frozenset(
    (
        *("task", "mode", "model", "data", "project", "name", "exist_ok", "resume", "save_dir"),
        *("epochs", "imgsz", "batch", "seed", "patience", "device", "save", "save_period"),
        *("plots", "verbose", "cfg", "val", "split", "pretrained", "time", "source"),
    )
)
"""Arguments of ultralytics that the declaration's other keys, or the run itself, decide."""


class Training(Declaration):
    """How a detector is trained from what people annotated.

    Attributes:
        aliases: words that mean the same.
        base: what training begins from: `active` (the version in service), an architecture such as
            `yolo11n.yaml` (from scratch), or weights such as `models/mine.pt`.
        first_base: the same, for the first training under `base: active`.
        epochs: passes over the training images.
        imgsz: side in pixels that images are scaled to, a multiple of 32.
        batch: images in one step.
        patience: epochs without improvement after which training ends.
        recipe: `small` is for up to some thousand images; `ultralytics` is its own default.
        seed: of everything that is drawn.
        arguments: further arguments of ultralytics' `train`, such as `{fliplr: 0.5}`.
    """

    aliases: ClassVar[Mapping[str, str]] = {"model": "base"}

    base: Text = ACTIVE
    first_base: Text = "yolo11n.yaml"
    epochs: Count = 50
    imgsz: int = Field(default=640, strict=True, ge=32, multiple_of=32)
    batch: Count = 16
    patience: Count = 100
    recipe: Literal["small", "ultralytics"] = "small"
    seed: int = Field(default=0, strict=True, ge=0)
    arguments: dict[str, object] = Field(default_factory=dict)

    @field_validator("first_base")
    @classmethod
    def first_base_is_no_version(cls, value: str) -> str:
        """Before the first training nothing is in service."""
        if value == ACTIVE:
            raise ValueError("nothing is in service before the first training; use yolo11n.yaml")
        return value

    @field_validator("arguments")
    @classmethod
    def arguments_are_known(cls, value: dict[str, object]) -> dict[str, object]:
        """Refuse what ultralytics would not take, when the file is read and not after an export."""
        known = _known_arguments() if value else {}
        for name, given in value.items():
            if name in OWN_ARGUMENTS:
                raise ValueError(f"`{name}` is decided elsewhere; use the keys of `training`")
            if name not in known:
                raise ValueError(
                    f"ultralytics has no argument `{name}`.{did_you_mean(name, known)}"
                )
            if not _fits(given, known[name]):
                raise ValueError(f"`{name}` is {given!r}, expected something like {known[name]!r}")
        return value


class Gate(Declaration):
    """When a new version may replace the one in service.

    Attributes:
        min_images: fewer gold images than this decide nothing: the version is held.
        margin: how much lower the average precision of a class may be, from 0 (no class may be
            worse) to 1 (classes are not looked at).
        floor: lowest mAP50 at which a first version goes into service, from 0 (any) to 1.
        resamples: of the gold images, for the interval that is reported.
    """

    min_images: Count = 30
    margin: float = Field(default=0.02, strict=True, ge=0.0, le=1.0)
    floor: float = Field(default=0.1, strict=True, ge=0.0, le=1.0)
    resamples: Count = 1000


@functools.lru_cache(maxsize=1)
def _known_arguments() -> dict[str, object]:
    """Read ultralytics' own table of arguments and defaults, without importing it (seconds)."""
    package = importlib.util.find_spec("ultralytics")
    if package is None or package.origin is None:
        raise AutolabelError("ultralytics is not installed; expected it beside autolabel")
    table = Path(package.origin).parent / "cfg" / "default.yaml"
    return dict(yaml.safe_load(table.read_text(encoding="utf-8")))


def _fits(given: object, default: object) -> bool:
    """Whether a value is of the kind of its default; a default of nothing takes any."""
    if default is None:
        return True
    if isinstance(default, bool):
        return isinstance(given, bool | str)
    if isinstance(default, int | float):
        return isinstance(given, int | float) and not isinstance(given, bool)
    return isinstance(given, type(default))
