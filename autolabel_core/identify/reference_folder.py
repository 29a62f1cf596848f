"""Reads the folder of references: pictures in order, labels from names, unreadable files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from autolabel_core.declarations.conditions.values import text_of
from autolabel_core.declarations.file_name_labels import SUFFIXES, Card, is_picture, read_name
from autolabel_core.declarations.file_name_rules import FileNames
from autolabel_core.foundation.errors import AutolabelError, NotFoundError, UnreadableItemError
from autolabel_core.foundation.ids import content_hash
from autolabel_core.foundation.media.images import decode_image, probe_image
from autolabel_core.foundation.parallel import read_in_order
from autolabel_core.matching.reference_index import ReferenceIndex

MAX_FILE_MB = 100.0


@dataclass(frozen=True)
class Reference:
    """One picture of the folder: what its name says, and the SHA-256 of its content."""

    card: Card
    checksum: str
    path: Path

    def picture(self, min_side_px: int | None) -> Image.Image:
        """Decode the picture; JPEGs may be decoded smaller, down to that shorter side."""
        try:
            return decode_image(self.path.read_bytes(), min_side_px)
        except UnreadableItemError as error:
            raise UnreadableItemError(f"{self.path}: {error}. Replace or remove it.") from error


@dataclass(frozen=True)
class ReferenceFolder:
    """The readable references, ascending by file name, and why others are none."""

    references: tuple[Reference, ...]
    unreadable: dict[str, str]


def read_folder(folder: Path, naming: FileNames | None = None) -> ReferenceFolder:
    """List a folder's pictures; their headers are read, not their pixels.

    Args:
        folder: holds the pictures; folders in it, and names that begin with a dot, are left alone.
        naming: how names are read.

    Returns:
        References and reasons.

    Raises:
        NotFoundError: there is no such folder.
        AutolabelError: it holds no picture that can be read.
    """
    if not folder.is_dir():
        raise NotFoundError(f"There is no folder {folder}. Name the folder of the pictures: --refs")
    files = sorted(path for path in folder.iterdir() if _is_candidate(path))
    if not files:
        raise AutolabelError(_empty(folder))
    found = list(read_in_order(lambda path: _read(path, naming), files))
    unreadable = {
        path.name: said for path, said in zip(files, found, strict=True) if isinstance(said, str)
    }
    references = tuple(said for said in found if isinstance(said, Reference))
    if not references:
        name, reason = next(iter(unreadable.items()))
        raise AutolabelError(
            f"None of the {len(files)} pictures in {folder} can be read; {name}: {reason}"
        )
    return ReferenceFolder(references, unreadable)


def pictures_of(index: ReferenceIndex, refs: Path | None = None) -> list[Reference]:
    """Return the pictures of an index, in the order of its references.

    Args:
        index: the index.
        refs: the folder; None is the one that it was made from.

    Returns:
        One reference for each row.

    Raises:
        AutolabelError: a picture is gone, or was changed since.
    """
    folder = refs or Path(index.origin.refs)
    found = []
    for name, filename, checksum, fields in zip(
        index.names, index.filenames, index.checksums, index.fields, strict=True
    ):
        path = folder / filename
        if not path.is_file() or content_hash(path.read_bytes()) != checksum:
            raise AutolabelError(
                f"{path} is gone, or was changed since it was indexed. Index the folder again, or "
                "name the folder of the pictures: --refs"
            )
        card = Card(name, filename, text_of(fields.get("set_code")), text_of(fields.get("rarity")))
        found.append(Reference(card, checksum, path))
    return found


def _is_candidate(path: Path) -> bool:
    return is_picture(path.name) and not path.name.startswith(".") and path.is_file()


def _read(path: Path, naming: FileNames | None) -> Reference | str:
    try:
        size_mb = path.stat().st_size / 1e6
        if size_mb > MAX_FILE_MB:
            raise UnreadableItemError(f"is {size_mb:.0f} MB, more than {MAX_FILE_MB:g}")
        data = path.read_bytes()
        probe_image(data)
        return Reference(read_name(path.name, naming), content_hash(data), path)
    except (UnreadableItemError, OSError) as error:
        return str(error)


def _empty(folder: Path) -> str:
    below = next((path.parent for path in sorted(folder.rglob("*")) if is_picture(path.name)), None)
    hint = f" There are some in {below}: name that folder." if below else ""
    return (
        f"{folder} holds no picture ({', '.join(sorted(SUFFIXES))}).{hint} Put one picture of each "
        "thing there, named after it: `dark_magician.jpg`."
    )
