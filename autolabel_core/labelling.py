"""Giving and withdrawing labels: which document a key means, what was judged, all or nothing."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from autolabel_core.declarations import Collection
from autolabel_core.derived.raw_objects import RawObjects
from autolabel_core.errors import AutolabelError, NotFoundError, UnreadableItemError
from autolabel_core.identity import content_hash, document_id
from autolabel_core.labels import NameWarning, check_label, inconsistent_names
from autolabel_core.ledger import Annotation, effective_annotations
from autolabel_core.registration import DELETED
from autolabel_core.texts import decode_text
from autolabel_core.workspace import Workspace

MAX_ERRORS_SHOWN = 20


@dataclass(frozen=True)
class GivenLabel:
    """One label as a person gives it; `label` None withdraws.

    Attributes:
        where: what to call the line in an error, such as `line 7`; empty for a single label.
    """

    key: str
    label: str | None
    fields: Mapping[str, str] = field(default_factory=dict)
    where: str = ""


class ExistingDocuments:
    """Which documents exist, and the hash of the content that a person sees now."""

    def __init__(self, workspace: Workspace, collection: Collection) -> None:
        """Bind to a collection."""
        self._raw = RawObjects(workspace, collection)
        self._source = workspace.source(collection)
        self._collection = collection
        self._kind = workspace.extractor(collection).manifest.input

    def content_hashes(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the present content hash of each key that exists.

        What the last sweep read is used where the object's version has not changed since; other
        objects are read from the bucket.
        """
        recorded = self._recorded({document_id(self._collection.collection_name, k) for k in keys})
        found: dict[str, str] = {}
        for key in dict.fromkeys(keys):
            version = self._version(key)
            known = recorded.get(key)
            if version is None:
                continue
            if known is not None and known[0] == version and known[1]:
                found[key] = known[1]
            else:
                found[key] = self._read_hash(key)
        return found

    def near(self, key: str) -> str:
        """Return a hint for a key that does not exist."""
        known = [a.key for a in self._raw.objects.values() if a.event != DELETED]
        near = difflib.get_close_matches(key, known, n=1)
        if near:
            return f"Did you mean {near[0]!r}?"
        return f"The collection has {len(known)} objects; see `autolabel documents`."

    def _version(self, key: str) -> str | None:
        try:
            return self._source.version(key)
        except (UnreadableItemError, AutolabelError):
            return None

    def _recorded(self, documents: set[str]) -> dict[str, tuple[str, str | None]]:
        wanted = pa.array(sorted(documents), pa.string())
        found: dict[str, tuple[str, str | None]] = {}
        columns = ["document_id", "key", "version", "content_hash"]
        for batch in self._raw.batches:
            path = self._raw.path(batch)
            if path.exists():
                table = self._raw.warehouse.read_table(path, columns)
                kept = table.filter(pc.is_in(table["document_id"], value_set=wanted))
                for row in kept.to_pylist():
                    found[row["key"]] = (row["version"], row["content_hash"])
        return found

    def _read_hash(self, key: str) -> str:
        mapped = self._collection.feature_extractor.input_mappings.get(self._kind)
        return content_hash(self._source.open(key).input_blob(self._kind, mapped).read())


def give_labels(
    workspace: Workspace,
    collection: Collection,
    given: Sequence[GivenLabel],
    annotator: str,
    origin: str,
    reason: str | None = None,
) -> list[NameWarning]:
    """Record labels or withdrawals in the ledger, all or nothing.

    Args:
        workspace: the stores.
        collection: the declaration.
        given: what a person said.
        annotator: who said it.
        origin: the door it came through, such as `cli` or `csv`.
        reason: why, if a person said so.

    Returns:
        Labels that look like another spelling of one in use; they are recorded all the same.

    Raises:
        AutolabelError: a key is unknown, a label unfit or a field undeclared; nothing is recorded,
            and the message lists the lines.
    """
    documents = ExistingDocuments(workspace, collection)
    problems, cleaned = _clean(collection, given)
    hashes: dict[str, str] = {}
    if not problems:
        hashes = documents.content_hashes([g.key for g in cleaned])
        for g in cleaned:
            if g.key not in hashes:
                hint = documents.near(g.key) if len(problems) < MAX_ERRORS_SHOWN else ""
                problems.append(_at(g, f"no object with the key {g.key!r}. {hint}"))
    if problems:
        shown = "\n".join(problems[:MAX_ERRORS_SHOWN])
        more = len(problems) - MAX_ERRORS_SHOWN
        rest = f"\n… and {more} more" if more > 0 else ""
        raise AutolabelError(f"{shown}{rest}\nNothing was recorded.".removeprefix("\n"))
    warnings = _name_warnings(workspace, collection, cleaned)
    workspace.ledger.append_annotations(
        [
            Annotation(
                collection=collection.collection_name,
                document_id=document_id(collection.collection_name, g.key),
                key=g.key,
                label=g.label,
                action="withdraw" if g.label is None else "label",
                content_hash=hashes[g.key],
                annotator=annotator,
                origin=origin,
                fields=dict(g.fields),
                reason=reason,
            )
            for g in cleaned
        ]
    )
    return warnings


def _clean(
    collection: Collection, given: Sequence[GivenLabel]
) -> tuple[list[str], list[GivenLabel]]:
    problems: list[str] = []
    cleaned: list[GivenLabel] = []
    for g in given:
        unknown = sorted(set(g.fields) - set(collection.fields))
        if unknown:
            known = ", ".join(collection.fields) or "none"
            problems.append(_at(g, f"unknown field {unknown[0]!r}; declared fields: {known}"))
        try:
            label = None if g.label is None else check_label(g.label)
            cleaned.append(GivenLabel(g.key, label, g.fields, g.where))
        except AutolabelError as error:
            problems.append(_at(g, str(error)))
    return problems, cleaned


def _at(given: GivenLabel, problem: str) -> str:
    return f"{given.where}: {problem}" if given.where else problem


def _name_warnings(
    workspace: Workspace, collection: Collection, given: Sequence[GivenLabel]
) -> list[NameWarning]:
    in_use = labels_in_use(workspace, collection)
    return inconsistent_names({g.label for g in given if g.label is not None}, in_use)


def labels_in_use(workspace: Workspace, collection: Collection) -> dict[str, int]:
    """Return how many documents people and promotions gave each label, stale ones included."""
    events = workspace.ledger.annotations(collection.collection_name)
    contents = {event.document_id: event.content_hash for event in events}
    counts: dict[str, int] = {}
    for event in effective_annotations(events, contents).values():
        counts[event.label or ""] = counts.get(event.label or "", 0) + 1
    return counts


def read_label_csv(path: Path, label_field: str) -> list[GivenLabel]:
    """Read a CSV of labels: columns `key` and `label` (or the label field); others are fields.

    Args:
        path: a UTF-8 (or UTF-16 with a mark) CSV with a header.
        label_field: the collection's label field, accepted as the header of the label column.

    Returns:
        One label for each row, knowing its line.

    Raises:
        NotFoundError: there is no such file.
        AutolabelError: the header is wrong, a row is too long, or a key stands twice with
            different labels; the message names the line.
    """
    try:
        text = decode_text(path.read_bytes())
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read: {error.strerror}") from error
    except UnreadableItemError as error:
        raise AutolabelError(f"{path} is no CSV: it {error}") from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    header = [name.strip() for name in reader.fieldnames or []]
    reader.fieldnames = header
    label_column = "label" if "label" in header else label_field
    if "key" not in header or label_column not in header:
        raise AutolabelError(
            f"{path}, line 1: expected the columns `key,label`, found `{','.join(header)}`"
        )
    extra = [name for name in header if name not in ("key", label_column)]
    given: list[GivenLabel] = []
    problems: list[str] = []
    seen: dict[str, tuple[str, int]] = {}
    for row in reader:
        where = f"line {reader.line_num}"
        key, label = row["key"], row[label_column]
        if None in row or key is None or label is None:
            problems.append(f"{where}: expected {len(header)} columns, found another number")
            continue
        if key in seen and seen[key][0] != label:
            problems.append(
                f"{where}: {key!r} is {label!r} here and {seen[key][0]!r} in line {seen[key][1]}"
            )
        seen.setdefault(key, (label, reader.line_num))
        fields = {name: row[name] for name in extra if row[name]}
        given.append(GivenLabel(key, label, fields, where))
    if problems:
        shown = "\n".join(problems[:MAX_ERRORS_SHOWN])
        raise AutolabelError(f"{path}:\n{shown}\nNothing was recorded.")
    return given
