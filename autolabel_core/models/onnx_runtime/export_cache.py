"""The exported networks of this machine, each with a card that says what it was made from."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock

from autolabel_core.foundation.atomic_files import write_atomically
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.paths import MODEL_CACHE_VARIABLE
from autolabel_core.models.onnx_runtime.export import ExportFailedError, export
from autolabel_core.models.onnx_runtime.network import NetworkSource

LOGGER = logging.getLogger("autolabel")
READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)


@dataclass(frozen=True)
class Card:
    """What is known of an exported network.

    Attributes:
        key: of the source.
        versions: of what made it.
        sha256: of the file; empty where there is none.
        reason: why the network cannot be run by ONNX Runtime; empty where it can.
    """

    key: str
    versions: dict[str, str]
    sha256: str = ""
    reason: str = ""


def exported(source: NetworkSource, folder: Path) -> bytes | None:
    """Return a network as ONNX, exported now unless the cache holds it.

    A file that was cut short, changed, or made from something else is made anew.

    Args:
        source: the network.
        folder: the cache; made where it is missing. One that cannot be written to is told of, and
            the network is exported each time.

    Returns:
        The file's content; None where only torch can run the network, which the log says. No space
        for the file is an `AutolabelError` that says so.
    """
    with _one_at_a_time(folder, source):
        card = _read_card(_card_file(source, folder), source)
        content = _read_checked(_model_file(source, folder), card) if card else None
        if card is None or (content is None and not card.reason):
            card, content = _make(source, folder)
    if card.reason:
        LOGGER.warning(
            "The network %s is run by torch, which is slower than ONNX Runtime: %s.",
            *(source.name, card.reason),
        )
    return content


def _make(source: NetworkSource, folder: Path) -> tuple[Card, bytes | None]:
    try:
        content = export(source)
    except ExportFailedError as error:
        card = Card(source.key, source.versions, reason=str(error))
        _write(source, folder, card, None)
        return card, None
    card = Card(source.key, source.versions, sha256=hashlib.sha256(content).hexdigest())
    _write(source, folder, card, content)
    return card, content


def _write(source: NetworkSource, folder: Path, card: Card, content: bytes | None) -> None:
    model, text = _model_file(source, folder), json.dumps(asdict(card), indent=2)
    try:
        if content is not None:
            write_atomically(model, lambda part: part.write_bytes(content))
        write_atomically(
            _card_file(source, folder), lambda part: part.write_text(text, encoding="utf-8")
        )
    except AutolabelError as error:
        if getattr(error.__cause__, "errno", None) not in READ_ONLY:
            megabytes = len(content or b"") / 1e6
            raise AutolabelError(
                f"The cache of networks needs {megabytes:.0f} MB. {error} Another folder for it: "
                f"{MODEL_CACHE_VARIABLE}=/path/to/folder"
            ) from error
        LOGGER.warning(
            "%s cannot be written to, so %s is exported anew by each process, which takes seconds. "
            "Name a folder for the cache: %s=/path/to/folder",
            *(folder, source.name, MODEL_CACHE_VARIABLE),
        )


def _model_file(source: NetworkSource, folder: Path) -> Path:
    return folder / f"{source.name}-{source.key}.onnx"


def _card_file(source: NetworkSource, folder: Path) -> Path:
    return folder / f"{source.name}-{source.key}.json"


def _read_card(file: Path, source: NetworkSource) -> Card | None:
    try:
        card = Card(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return card if card.key == source.key else None


def _read_checked(file: Path, card: Card) -> bytes | None:
    try:
        content = file.read_bytes()
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == card.sha256 else None


@contextmanager
def _one_at_a_time(folder: Path, source: NetworkSource) -> Iterator[None]:
    """Let one process export while the others wait; a folder that is read-only needs no lock."""
    lock = FileLock(folder / f"{source.name}.lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError:
        yield
        return
    try:
        yield
    finally:
        lock.release()
