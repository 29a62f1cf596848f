"""Checks a downloaded picture before it is kept: complete, and in an accepted format."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

from autolabel_core.declarations.file_name_labels import Card, write_name
from autolabel_core.declarations.file_name_rules import FileNames
from autolabel_core.foundation.atomic_files import write_atomically
from autolabel_core.foundation.media.images import decode_image, probe_image

SUFFIX_OF = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "WEBP": ".webp"}
"""Formats that references have; others are kept as PNG."""


def checked(data: bytes) -> tuple[bytes, str]:
    """Look at all pixels of a picture.

    Args:
        data: what was fetched.

    Returns:
        What is to be kept, and the suffix of its file. A page, a truncated or a damaged picture
        is an `UnreadableItemError`.
    """
    image = decode_image(data)
    suffix = SUFFIX_OF.get(probe_image(data).format)
    if suffix is not None:
        return data, suffix
    as_png = io.BytesIO()
    image.save(as_png, "PNG")
    return as_png.getvalue(), ".png"


def keep(folder: Path, data: bytes, suffix: str, card: Card, naming: FileNames) -> Card:
    """Write a picture under the first name of its label that is free.

    Args:
        folder: holds the pictures.
        data: the picture.
        suffix: of its file.
        card: what it shows.
        naming: how names are read.

    Returns:
        The card with the file's name. A file that holds this very picture is taken for it.
    """
    number = 1
    while True:
        named = write_name(card, suffix, naming, number)
        path = folder / named.filename
        if not path.exists():
            write_atomically(path, lambda part: part.write_bytes(data))
            return named
        if path.is_file() and path.read_bytes() == data:
            return named
        number += 1


def digest(data: bytes) -> str:
    """Return the SHA-256 in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
