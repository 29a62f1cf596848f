"""Weights on this machine: their content-addressed names, and the device they run on."""

from __future__ import annotations

import functools
import hashlib
import pickle
import platform
import re
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

from autolabel_core.foundation.errors import AutolabelError


def feature_name(*parts: str) -> str:
    """Join parts by `_`, every character that a feature name must not hold replaced by `-`."""
    return "_".join(re.sub(r"[^A-Za-z0-9._-]+", "-", part).strip("-") for part in parts)


def content_digest(files: Iterable[Path]) -> str:
    """Return the first 8 hexadecimal digits of the SHA-256 of the files, read in the order given.

    Digests are remembered while size and time of modification stay the same.
    """
    stats = ((file, file.stat()) for file in files)
    return _digest(tuple((str(file), stat.st_size, stat.st_mtime_ns) for file, stat in stats))


@functools.lru_cache(maxsize=32)
def _digest(files: tuple[tuple[str, int, int], ...]) -> str:
    digest = hashlib.sha256()
    for path, _, _ in files:
        with Path(path).open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:8]


def load_failures() -> tuple[type[Exception], ...]:
    """Return what loading weights raises where they are absent, damaged or of another model."""
    import safetensors

    return (
        RuntimeError,
        OSError,
        ValueError,
        LookupError,
        AssertionError,
        AttributeError,
        TypeError,
        EOFError,
        pickle.UnpicklingError,
        safetensors.SafetensorError,
        zipfile.BadZipFile,
    )


def may_have_gpu() -> bool:
    """Whether torch should be asked for a GPU: a driver is there, or this is a newer Mac.

    Asking torch itself takes seconds for its import.
    """
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    drivers = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
    return sys.platform == "win32" or any(Path(driver).exists() for driver in drivers)


def fastest_device(device: str | None) -> str:
    """Return what `pick_device` returns; torch is only imported where a GPU may be there."""
    return "cpu" if device is None and not may_have_gpu() else pick_device(device)


def pick_device(device: str | None) -> str:
    """Return the torch device to run on: the one named, else `cuda`, `mps` or `cpu`.

    Args:
        device: such as `cuda:1`; None takes the fastest that this machine has.

    Returns:
        The device's name.

    Raises:
        AutolabelError: torch does not know the device, or this machine lacks it.
    """
    import torch

    has = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device is None:
        return next(kind for kind, present in has.items() if present)
    try:
        kind = torch.device(device).type
    except RuntimeError as error:
        raise AutolabelError(
            f"`device` is `{device}`, expected cuda, cuda:1, mps or cpu"
        ) from error
    if not has.get(kind, True):
        present = ", ".join(kind for kind, found in has.items() if found)
        raise AutolabelError(
            f"`device` is `{device}`, which this machine lacks; it has: {present}. "
            "Leave `device` out to take the fastest"
        )
    return device
