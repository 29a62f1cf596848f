"""Withdraws labels: which documents are meant, and whose label ends."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from autolabel_core.declarations.conditions import Condition
from autolabel_core.documents.current_content import ExistingDocuments
from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.errors import AutolabelError, NotFoundError, UnreadableItemError
from autolabel_core.foundation.ids import document_id
from autolabel_core.foundation.media.texts import decode_text
from autolabel_core.foundation.spreadsheet_cells import unescaped
from autolabel_core.ledger import Annotation
from autolabel_core.ledger.annotations import standing_annotations
from autolabel_core.tables.workspace import OpenCollection


class Withdrawal:
    """What a withdrawal by one person ends: their own labels, and what the object itself carries.

    Args:
        collection: opened with its stores.
        annotator: who withdraws.
        content_hashes: by key, the content that is judged.
    """

    def __init__(
        self,
        collection: OpenCollection,
        annotator: str,
        content_hashes: Mapping[str, str],
    ) -> None:
        self._workspace = collection.workspace
        self._name = collection.name
        self._annotator = annotator
        self._hashes = content_hashes

    @cached_property
    def _standing(self) -> dict[str, list[Annotation]]:
        contents = {document_id(self._name, key): h for key, h in self._hashes.items()}
        return standing_annotations(
            self._workspace.ledger.annotations_of(self._name, contents), contents
        )

    def _of(self, key: str) -> list[Annotation]:
        return self._standing.get(document_id(self._name, key), [])

    def ends(self, key: str) -> bool:
        """Whether there is a label that the withdrawal ends."""
        return any(a.is_imported or a.annotator == self._annotator for a in self._of(key))

    def others(self, key: str) -> list[Annotation]:
        """Return the labels of a document that stay: those of other people."""
        return [a for a in self._of(key) if not a.is_imported and a.annotator != self._annotator]

    def problem(self, key: str) -> str:
        """Say why a label cannot be withdrawn; empty where it can, or where there is none.

        Args:
            key: of the document.

        Returns:
            Whose labels stand, and how to withdraw them.
        """
        others = self.others(key)
        if self.ends(key) or not others:
            return ""
        return (
            f"{key!r} has no label by {self._annotator}: {_given(others)} stands. A withdrawal "
            f"ends one's own label; to withdraw that one add `--annotator {others[-1].annotator}`"
        )

    def kept(self, keys: Iterable[str]) -> list[str]:
        """Say which documents keep a label by somebody else."""
        return [
            f"{key!r} keeps the label of somebody else: {_given(others)}."
            for key in keys
            if (others := self.others(key))
        ]


def _given(annotations: Sequence[Annotation]) -> str:
    return ", ".join(f"{a.label!r} by {a.annotator}" for a in annotations)


def labelled_keys(
    collection: OpenCollection,
    conditions: Sequence[Condition],
    annotator: str,
) -> tuple[list[str], list[str]]:
    """Return the labelled documents that fulfil all conditions.

    Args:
        collection: opened with its stores.
        conditions: on the documents as the last sweep left them.
        annotator: who withdraws.

    Returns:
        Keys of those whose label a withdrawal by this person ends, and of those that others
        labelled; in the order of the documents.
    """
    records = Documents(collection).find(list(conditions))
    keys = [r["key"] for r in records if r["label_source"] in ("human", "promoted")]
    hashes = ExistingDocuments(collection).content_hashes(keys)
    withdrawal = Withdrawal(collection, annotator, hashes)
    withdrawable = [key for key in keys if withdrawal.ends(key)]
    return withdrawable, [key for key in keys if withdrawal.problem(key)]


def read_key_csv(path: Path) -> list[tuple[str, str]]:
    """Read the column `key` of a CSV; other columns say nothing here.

    Args:
        path: a UTF-8 (or UTF-16 with a mark) CSV with a header.

    Returns:
        Each key once, with the line that names it first, such as `line 7`.

    Raises:
        NotFoundError: there is no such file.
        AutolabelError: it is no CSV, or has no column `key` or no row.
    """
    try:
        reader = csv.DictReader(io.StringIO(decode_text(path.read_bytes()), newline=""))
        header = [name.strip() for name in reader.fieldnames or ()]
        rows = [(f"line {reader.line_num}", row) for row in reader]
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read: {error.strerror}") from error
    except (UnreadableItemError, csv.Error) as error:
        raise AutolabelError(f"{path} is no CSV: {error}") from error
    if "key" not in header or not rows:
        raise AutolabelError(
            f"{path}: expected a column `key` and a row for each label to withdraw, found "
            f"`{','.join(header)}` and {len(rows)} rows. Nothing was recorded."
        )
    column = (reader.fieldnames or ())[header.index("key")]
    first: dict[str, str] = {}
    for where, row in rows:
        first.setdefault(unescaped(row[column] or ""), where)
    return list(first.items())
