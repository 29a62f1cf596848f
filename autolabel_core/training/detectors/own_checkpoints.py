"""Checkpoints with their SHA-256 beside them: loading one runs what it holds, so only our own are.

A checkpoint of ultralytics is a pickle. Whoever could put one into the state folder would be run by
the next training.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Iterable
from pathlib import Path

from autolabel_core.foundation.atomic_files import write_atomically

LOGGER = logging.getLogger("autolabel")
ASIDE = ".not-ours"


def keep_checkpoint(source: Path, target: Path) -> None:
    """Copy a checkpoint that this process wrote, in one step, and note its SHA-256 beside it.

    Args:
        source: what ultralytics wrote.
        target: a kill at any moment leaves the earlier copy or this one there, and it is ours.
    """
    earlier = _noted(target)

    def write(part: Path) -> None:
        shutil.copyfile(source, part)
        _note(target, [_digest(part), *earlier])

    write_atomically(target, write)
    _note(target, _noted(target)[:1])


def is_ours(file: Path) -> bool:
    """Whether a file is there, and as `keep_checkpoint` wrote it."""
    return file.is_file() and _digest(file) in _noted(file)


def set_aside_others(files: Iterable[Path]) -> bool:
    """Rename those files that are not ours, and say so in the log.

    Args:
        files: checkpoints; those that are absent are left out.

    Returns:
        Whether there was one.
    """
    others = [file for file in files if file.exists() and not is_ours(file)]
    for file in others:
        aside = file.with_name(file.name + ASIDE)
        file.replace(aside)
        LOGGER.warning(
            "%s is not as a training here wrote it; it is not loaded but set aside as %s, and the "
            "training begins from the start.",
            *(file, aside.name),
        )
    return bool(others)


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _sidecar(file: Path) -> Path:
    return file.with_name(f"{file.name}.sha256")


def _noted(file: Path) -> list[str]:
    try:
        return _sidecar(file).read_text(encoding="ascii", errors="replace").split()
    except OSError:
        return []


def _note(file: Path, digests: list[str]) -> None:
    text = "".join(f"{digest}\n" for digest in digests)
    write_atomically(_sidecar(file), lambda part: part.write_text(text, encoding="ascii"))
