"""Files that lie in buckets without being objects: what systems leave behind, tables of labels."""

from __future__ import annotations

import codecs
import csv
import posixpath
from functools import lru_cache
from itertools import islice

from autolabel_core.foundation.errors import UnreadableItemError
from autolabel_core.storage.buckets.bucket_files import BucketFile

_NAMES = frozenset(
    (
        *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r"),
        *("picasa.ini", "zbthumbnail.info", "sync.ffs_db"),
    )
)
_FOLDERS = frozenset(("__macosx", "@eadir", "$recycle.bin", "system volume information"))
_UNFINISHED = (".part", ".crdownload", ".partial", ".tmp")
_TABLES = frozenset(("labels.csv", "annotations.csv", "documents.csv", "labels.tsv"))
_LABEL_COLUMNS = frozenset(("label", "class", "category"))
_KEY_COLUMNS = frozenset(("key", "file", "filename", "file_name", "path", "image", "document_id"))
HEADER_BYTES = 4_096


def is_incidental(key: str, file: BucketFile) -> bool:
    """Whether a file is none of the objects.

    Args:
        key: its key in the bucket.
        file: the file; only that of a table of labels is opened.

    Returns:
        True for what file managers, cameras and downloads leave behind, for locks of open Office
        documents, and for a table such as `labels.csv` whose first line has a column for keys and
        one for labels.
    """
    folder, _, name = key.lower().rpartition("/")
    if name in _NAMES or name.startswith("~$") or name.endswith(_UNFINISHED):
        return True
    if folder and _is_left_behind(folder):
        return True
    return name in _TABLES and _has_labels(file)


@lru_cache(maxsize=1)  # A listing goes through one folder after another.
def _is_left_behind(path: str) -> bool:
    """Whether a folder, or one that it lies in, is none of the user's."""
    return any(folder in _FOLDERS for folder in path.split("/"))


def _has_labels(file: BucketFile) -> bool:
    blob = file.blob()
    try:
        parts = blob.parts() if blob.parts else iter((blob.read(),))
        head = b"".join(islice(parts, 1))[:HEADER_BYTES]
    except UnreadableItemError:
        return False
    line = head.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace").splitlines()[:1]
    delimiter = "\t" if line and "\t" in line[0] else ","
    columns = {
        name.strip().lower() for row in csv.reader(line, delimiter=delimiter) for name in row
    }
    return bool(columns & _KEY_COLUMNS) and bool(columns & _LABEL_COLUMNS)


def shown_names(keys: list[str]) -> str:
    """Return what was ignored in a few words, such as `3 files (2 Thumbs.db, 1 labels.csv)`."""
    counts: dict[str, int] = {}
    for key in keys:
        name = posixpath.basename(key)
        counts[name] = counts.get(name, 0) + 1
    listed = [f"{n} {name}" for name, n in sorted(counts.items(), key=lambda item: -item[1])]
    more = [f"{len(listed) - 3} other names"] if len(listed) > 3 else []
    files = f"{len(keys)} file{'' if len(keys) == 1 else 's'}"
    return f"{files} ({', '.join([*listed[:3], *more])})"
