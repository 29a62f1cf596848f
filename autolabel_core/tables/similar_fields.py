"""Finds metadata keys that resemble the label field, since a misspelt one gives no label."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from difflib import SequenceMatcher

from autolabel_core.tables.document_table import DocumentTable

MIN_SIMILARITY = 0.8


def like_label_field(objects: DocumentTable) -> dict[str, int]:
    """Count objects by metadata keys that look like the label field, which none of them has.

    Args:
        objects: what lies in the bucket.

    Returns:
        As `keys_like`.
    """
    files = [objects.path(batch) for batch in objects.batches]
    tables = [
        objects.warehouse.read_table(file, ["metadata"])
        for file in files
        if objects.warehouse.exists(file)
    ]
    texts = (text for table in tables for text in table["metadata"].to_pylist())
    return keys_like(objects.collection.declaration.label_field, texts)


def keys_like(field: str, metadata: Iterable[str | None]) -> dict[str, int]:
    """Count keys of metadata that look like a field that none of them has.

    Args:
        field: the label field.
        metadata: of the objects, as JSON.

    Returns:
        How many objects have each similar key, most first; nothing where one has the field itself.
    """
    counts = Counter(key for text in metadata if text for key in json.loads(text))
    if field in counts:
        return {}
    return {key: n for key, n in counts.most_common() if _is_like(key, field)}


def _is_like(key: str, field: str) -> bool:
    plain_key, plain_field = (re.sub(r"[\W_]", "", text).casefold() for text in (key, field))
    if not plain_key or not plain_field:
        return False
    return (
        plain_key == plain_field
        or SequenceMatcher(None, plain_key, plain_field).ratio() >= MIN_SIMILARITY
    )
