"""Puts a large content into a temporary file, so that no more than a part of it is in memory."""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO

from autolabel_core.storage.buckets.stored_objects import Blob, check_size

IN_MEMORY_BYTES = 16_000_000
HEAD_BYTES = 64


@dataclass(frozen=True)
class SpooledContent:
    """A content that can be read from any place.

    Attributes:
        file: open for reading; larger ones lie in the folder for temporary files until it is
            closed.
        size: in bytes.
        content_hash: SHA-256, in hexadecimal.
    """

    file: IO[bytes]
    size: int
    content_hash: str

    @property
    def head(self) -> bytes:
        """The first bytes, which tell what it is."""
        self.file.seek(0)
        return self.file.read(HEAD_BYTES)

    def read(self) -> bytes:
        """Return all of it."""
        self.file.seek(0)
        return self.file.read()


def spool(blob: Blob, max_object_mb: float) -> SpooledContent:
    """Read a blob part by part.

    Args:
        blob: of an object.
        max_object_mb: limit in megabytes (1e6 bytes), itself allowed.

    Returns:
        The content; a larger one is an `UnreadableItemError`.
    """
    check_size(blob.size or 0, max_object_mb)
    digest, size = hashlib.sha256(), 0
    with ExitStack() as closing:
        file = closing.enter_context(tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES))
        for part in blob.parts() if blob.parts else iter((blob.read(),)):
            size += len(part)
            check_size(size, max_object_mb, "more than ")
            digest.update(part)
            file.write(part)
        closing.pop_all()
        return SpooledContent(file, size, digest.hexdigest())
