"""What a COCO file holds: images, annotations, categories, and the names of the categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.labelling.import_formats.read_text import read_bytes, read_json

LISTS = ("images", "annotations", "categories")
WRITTEN_BY_US = "written by autolabel"
"""The description in `info` of our own exports."""


def is_coco(file: Path) -> bool:
    """Return whether a JSON file looks like COCO, without parsing it."""
    data = read_bytes(file)
    return data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and all(
        b'"%s"' % name.encode() in data for name in LISTS
    )


class CocoContent(NamedTuple):
    """What a COCO file holds, and whether we wrote it."""

    images: Sequence[Mapping[str, object]]
    annotations: Sequence[Mapping[str, object]]
    categories: Sequence[Mapping[str, object]]
    is_ours: bool


def coco_content(path: Path) -> CocoContent:
    """Return what a COCO file holds: the objects in its lists `LISTS`.

    Args:
        path: the JSON file.

    Returns:
        Its content.

    Raises:
        AutolabelError: it is no COCO file.
    """
    content = read_json(path)
    content = content if isinstance(content, dict) else {}
    lists = [entries for name in LISTS if isinstance(entries := content.get(name), list)]
    if len(lists) < len(LISTS):
        raise AutolabelError(f"{path} is no COCO file: expected the lists {', '.join(LISTS)}.")
    images, annotations, categories = (
        [entry for entry in entries if isinstance(entry, dict)] for entries in lists
    )
    if len(images) + len(annotations) + len(categories) < sum(map(len, lists)):
        raise AutolabelError(f"{path} is no COCO file: every entry is an object.")
    info = content.get("info")
    is_ours = isinstance(info, dict) and info.get("description") == WRITTEN_BY_US
    return CocoContent(images, annotations, categories, is_ours)


def id_text(value: object) -> str | None:
    """Return an id as a text, so that 1 and "1" are one; None for what is no id."""
    if isinstance(value, bool) or not isinstance(value, (int, str, float)):
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def category_names(categories: Sequence[Mapping[str, object]], path: Path) -> dict[str, str]:
    """Return the names of categories by their id as text.

    Args:
        categories: entries of a COCO file.
        path: what to call the file in an error.

    Returns:
        The names.

    Raises:
        AutolabelError: an id or a name is missing, or two names have one id.
    """
    names: dict[str, str] = {}
    for category in categories:
        category_id, name = id_text(category.get("id")), category.get("name")
        if isinstance(name, int) and not isinstance(name, bool):
            name = str(name)
        if category_id is None or not isinstance(name, str):
            raise AutolabelError(f"{path}: category {dict(category)!r}; expected an id and a name.")
        if names.setdefault(category_id, name) != name:
            raise AutolabelError(
                f"{path}: {names[category_id]!r} and {name!r} both have the category id "
                f"{category_id}; give each its own."
            )
    return names
