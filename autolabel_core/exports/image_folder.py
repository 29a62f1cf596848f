"""Formats with a folder of files for each class, and a table that leads back to documents."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv

from autolabel_core.exports.export_report import ReadObject, Written
from autolabel_core.exports.file_naming import file_stem, file_suffix, safe_name, unique_names
from autolabel_core.exports.tables import texts_of
from autolabel_core.foundation.errors import AutolabelError, NotFoundError, UnreadableItemError
from autolabel_core.foundation.spreadsheet_cells import escaped_table

INDEX = "documents.csv"
INDEX_COLUMNS = ("label", "label_source", "confidence", "key", "document_id")
_UNREADABLE = (UnreadableItemError, NotFoundError, FileNotFoundError, PermissionError)


def write_image_folder(
    documents: pa.Table, folder: Path, read: ReadObject | None, plain: bool = False
) -> Written:
    """A folder for each class and `documents.csv`; texts become `.txt` files."""
    names = file_names(documents, taken=[INDEX])
    unreadable: list[tuple[str, str]] = []
    went_in = []
    for name, (key, found) in zip(names, read_each(documents, read), strict=True):
        went_in.append(isinstance(found, bytes))
        if isinstance(found, bytes):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(found)
        else:
            unreadable.append((key, found))
    named = documents.select(INDEX_COLUMNS).add_column(0, "file_name", pa.array(names, pa.string()))
    mask = pa.array(went_in, pa.bool_())
    rows = named.filter(mask)
    pa_csv.write_csv(rows if plain else escaped_table(rows), folder / INDEX)
    return refuse_nothing_readable(Written(documents.filter(mask), tuple(unreadable)))


def read_each(documents: pa.Table, read: ReadObject | None) -> Iterator[tuple[str, bytes | str]]:
    """Each key with its object's bytes, or with the reason (a text) why they could not be read.

    Args:
        documents: the documents to read, in order.
        read: gives the bytes of a key.

    Yields:
        tuple[str, bytes | str]: The key, and what was found.

    Raises:
        AutolabelError: when there is no reader.
    """
    if read is None:
        raise AutolabelError(
            "Expected a way to read the objects, found none: this format holds the files. "
            "Export to csv, parquet or jsonl where the bucket cannot be reached."
        )
    for key in texts_of(documents, "key"):
        yield key, _bytes_or_reason(key, read)


def refuse_nothing_readable(written: Written) -> Written:
    """Return what was written.

    Args:
        written: of all documents of an export.

    Returns:
        The same.

    Raises:
        AutolabelError: there were documents, and not one of the objects could be read.
    """
    if written.unreadable and not written.documents.num_rows:
        raise AutolabelError(
            f"None of the {len(written.unreadable)} labelled objects could be read; the first: "
            f"{written.unreadable[0][1]} Check that the bucket is where the collection says."
        )
    return written


def file_names(documents: pa.Table, taken: Sequence[str]) -> list[str]:
    """The path of each document's file: the folder of its label, then its own name.

    Args:
        documents: labelled documents; among equal names the earlier keeps its name.
        taken: names beside the class folders that are in use.

    Returns:
        Relative paths, all different; a file keeps its name when its label changes.
    """
    labels = texts_of(documents, "label")
    classes = sorted(set(labels))
    digests = [hashlib.sha256(label.encode()).hexdigest() for label in classes]
    folders = unique_names([safe_name(label) for label in classes], digests, taken)
    folder_of = dict(zip(classes, folders, strict=True))
    keys = texts_of(documents, "key")
    files = unique_names(
        [file_stem(key) for key in keys],
        texts_of(documents, "document_id"),
        suffixes=[*map(file_suffix, keys, texts_of(documents, "media_type"))],
    )
    return [f"{folder_of[label]}/{name}" for label, name in zip(labels, files, strict=True)]


def _bytes_or_reason(key: str, read: ReadObject) -> bytes | str:
    try:
        return bytes(read(key)) or f"{key} is empty."
    except _UNREADABLE as error:
        return str(error)
