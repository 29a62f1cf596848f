"""Remembers what was computed from long histories, for as long as nothing it came from changes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from autolabel_core.foundation.atomic_files import write_atomically
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.tables.workspace import OpenCollection

FOLDER = "remembered"
Value = TypeVar("Value")


def remembered(
    collection: OpenCollection,
    what: str,
    made_from: Callable[[], str],
    compute: Callable[[], Value],
) -> Value:
    """Return a value as JSON holds it, computed only where its sources have changed.

    The file may be deleted at any time; where it cannot be written, the value is computed again,
    and so it is where a source changed while it was computed.

    Args:
        collection: whose value it is.
        what: names it, such as `stale_annotations`.
        made_from: gives the fingerprint of everything that it is computed from.
        compute: computes it; what it returns survives JSON.

    Returns:
        The value.
    """
    sources = made_from()
    known = recalled(collection, what, sources)
    if known is not None:
        return cast("Value", known)
    value = compute()
    if made_from() == sources:
        remember(collection, what, sources, value)
    return value


def recalled(collection: OpenCollection, what: str, made_from: str) -> Any:
    """Return what `remember` kept of these very sources; None where there is nothing.

    Args:
        collection: whose value it is.
        what: names it.
        made_from: fingerprint of everything that it is computed from.

    Returns:
        The value, as JSON holds it.
    """
    try:
        known = json.loads(file_of(collection, what).read_bytes())
        return known["value"] if known["made_from"] == made_from else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember(collection: OpenCollection, what: str, made_from: str, value: object) -> None:
    """Keep a value in place of the earlier one of its name; where nothing can be written, none is.

    Args:
        collection: whose value it is.
        what: names it.
        made_from: fingerprint of everything that it is computed from.
        value: survives JSON.
    """
    file = file_of(collection, what)
    text = json.dumps({"made_from": made_from, "value": value})
    with contextlib.suppress(OSError, AutolabelError):
        write_atomically(file, lambda part: part.write_text(text, encoding="utf-8"))


def file_of(collection: OpenCollection, what: str) -> Path:
    """Return the file of a remembered value; it may be absent or damaged."""
    return collection.paths.cache / FOLDER / collection.name / f"{what}.json"
