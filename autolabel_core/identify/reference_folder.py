"""Reads the folder of references: pictures in order, labels from names, unreadable files."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
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
from autolabel_core.storage.buckets.sources_csv import FILE as SOURCES

MAX_FILE_MB = 100.0


@dataclass(frozen=True)
class Reference:
    """One picture of the folder: what its name says, and the SHA-256 of its content."""

    card: Card
    checksum: str
    path: Path

    def decoded(self, min_side_px: int | None) -> Image.Image:
        """Decode the picture; JPEGs may be decoded smaller, down to that shorter side."""
        return decode_image(self.path.read_bytes(), min_side_px)

    def picture(self, min_side_px: int | None) -> Image.Image:
        """Decode the picture; an error names the file."""
        try:
            return self.decoded(min_side_px)
        except UnreadableItemError as error:
            raise UnreadableItemError(f"{self.path}: {error}. Replace or remove it.") from error


@dataclass(frozen=True)
class ReferenceFolder:
    """The readable references, ascending by file name, and why others are none.

    Attributes:
        references: what can be read.
        unreadable: why pictures cannot be read, by name.
        skipped: why what lies there beside pictures is none, by name; names that begin with a dot
            and `sources.csv` are not mentioned.
    """

    references: tuple[Reference, ...]
    unreadable: dict[str, str]
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def left_out(self) -> dict[str, str]:
        """Everything that is no reference, by name, and why."""
        return {**self.unreadable, **self.skipped}

    def decodable(self, min_side_px: int | None) -> ReferenceFolder:
        """Return the folder without the pictures whose pixels are damaged; all are decoded.

        Args:
            min_side_px: shorter side down to which JPEGs are decoded.

        Returns:
            The folder, what was left out told under `unreadable`.

        Raises:
            AutolabelError: none can be decoded.
        """

        def trouble(reference: Reference) -> str:
            try:
                reference.decoded(min_side_px)
            except (UnreadableItemError, OSError) as error:
                return str(error)
            return ""

        troubles = list(read_in_order(trouble, self.references))
        pairs = list(zip(self.references, troubles, strict=True))
        damaged = {r.card.filename: why for r, why in pairs if why}
        kept = tuple(r for r, why in pairs if not why)
        if not kept:
            raise AutolabelError(f"None of the {len(troubles)} pictures can be decoded: {damaged}")
        return replace(self, references=kept, unreadable={**self.unreadable, **damaged})


def read_folder(
    folder: Path, naming: FileNames | None = None, recursive: bool = False
) -> ReferenceFolder:
    """List a folder's pictures; their headers are read, not their pixels.

    Args:
        folder: holds the pictures; names that begin with a dot are left alone.
        naming: how names are read.
        recursive: whether pictures in its sub-folders are references too; their folders say
            nothing of labels.

    Returns:
        References and reasons.

    Raises:
        NotFoundError: there is no such folder.
        AutolabelError: it holds no picture that can be read.
    """
    if not folder.is_dir():
        raise NotFoundError(f"There is no folder {folder}. Name the folder of the pictures: --refs")
    paths = sorted(folder.rglob("*") if recursive else folder.iterdir())
    named = [(path, path.relative_to(folder).as_posix()) for path in paths]
    shown = [(path, name) for path, name in named if not _is_hidden(name)]
    files = [(path, name) for path, name in shown if is_picture(name) and path.is_file()]
    if not files:
        raise AutolabelError(_empty(folder))
    results = list(read_in_order(lambda file: _read(*file, naming), files))
    unreadable = {
        name: result
        for (_, name), result in zip(files, results, strict=True)
        if isinstance(result, str)
    }
    skipped = {name: why for path, name in shown if (why := _no_picture(path, name, recursive))}
    references = tuple(result for result in results if isinstance(result, Reference))
    if not references:
        name, reason = next(iter(unreadable.items()))
        raise AutolabelError(
            f"None of the {len(files)} pictures in {folder} can be read; {name}: {reason}"
        )
    return ReferenceFolder(references, unreadable, skipped)


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
    references = []
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
        references.append(Reference(card, checksum, path))
    return references


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))


def _no_picture(path: Path, name: str, recursive: bool) -> str:
    """Say why a file or a folder is no reference; empty where it is one, or is not expected to."""
    if path.is_dir():
        below = [] if recursive else [one for one in path.rglob("*") if is_picture(one.name)]
        return f"is a folder with {len(below)} pictures: --recursive takes them" if below else ""
    if is_picture(name) or path.name == SOURCES:
        return ""
    return f"is no {', '.join(sorted(SUFFIXES))}"


def _read(path: Path, name: str, naming: FileNames | None) -> Reference | str:
    try:
        size_mb = path.stat().st_size / 1e6
        if size_mb > MAX_FILE_MB:
            raise UnreadableItemError(f"is {size_mb:.0f} MB, more than {MAX_FILE_MB:g}")
        data = path.read_bytes()
        probe_image(data)
        card = replace(read_name(path.name, naming), filename=name)
        return Reference(card, content_hash(data), path)
    except (UnreadableItemError, OSError) as error:
        return str(error)


def _empty(folder: Path) -> str:
    below = next((path.parent for path in sorted(folder.rglob("*")) if is_picture(path.name)), None)
    hint = f" There are some in {below}: name that folder, or --recursive." if below else ""
    return (
        f"{folder} holds no picture ({', '.join(sorted(SUFFIXES))}).{hint} Put one picture of each "
        "thing there, named after it: `dark_magician.jpg`."
    )
