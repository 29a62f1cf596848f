"""Records labels and withdrawals: finds the documents of keys, and writes all or none."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from autolabel_core.declarations import Collection
from autolabel_core.documents.corrections import STOOD_BEFORE, standing_auto_labels
from autolabel_core.documents.current_content import ExistingDocuments
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.ids import document_id
from autolabel_core.foundation.label_names import (
    NameWarning,
    check_label,
    inconsistent_names,
    is_null,
)
from autolabel_core.foundation.spreadsheet_cells import unescaped
from autolabel_core.labelling.import_formats.read_text import read_text
from autolabel_core.labelling.withdrawal import Withdrawal
from autolabel_core.ledger import Annotation, effective_annotations
from autolabel_core.tables.lost_ledger import check_ledger
from autolabel_core.tables.workspace import OpenCollection

MAX_ERRORS_SHOWN = 20
MAX_HINTS = 3


@dataclass(frozen=True)
class GivenLabel:
    """One label as a person gives it; `label` None, or the word `null`, withdraws.

    `where` is what to call the line in an error, such as `line 7`; empty for a single label.
    """

    key: str
    label: str | None
    fields: Mapping[str, str] = field(default_factory=dict)
    where: str = ""


@dataclass(frozen=True)
class LabelReport:
    """What became of labels and withdrawals.

    Attributes:
        labelled: how many labels were recorded.
        withdrawn: how many documents lost the labels of this person.
        without_label: keys of withdrawals that found no label; nothing was recorded of them.
        warnings: labels that look like another spelling of one in use; recorded all the same.
        notes: about documents that are quarantined, or that keep the label of somebody else.
    """

    labelled: int
    withdrawn: int
    without_label: tuple[str, ...]
    warnings: list[NameWarning]
    notes: list[str]


def give_labels(
    collection: OpenCollection,
    given: Sequence[GivenLabel],
    annotator: str,
    origin: str,
    reason: str | None = None,
) -> LabelReport:
    """Record labels or withdrawals in the ledger, all or nothing.

    Args:
        collection: opened with its stores.
        given: what a person said.
        annotator: who said it.
        origin: where it comes from, such as `cli` or `csv`.
        reason: why, if a person said so.

    Returns:
        What was recorded, and what should be known of it.

    Raises:
        AutolabelError: a key is unknown, a label unfit, a field undeclared, or a label to be
            withdrawn is another person's; nothing is recorded, and the message lists the lines.
    """
    if collection.declaration.detection is not None:
        raise AutolabelError(
            f"The documents of `{collection.name}` are boxes on images, which "
            "`autolabel annotate` judges. Nothing was recorded."
        )
    check_ledger(collection.workspace, collection.name)
    documents = ExistingDocuments(collection)
    problems, cleaned = _clean(collection.declaration, given)
    hashes: dict[str, str] = {}
    if not problems:
        hashes = documents.content_hashes([g.key for g in cleaned])
        forms = documents.other_forms([g.key for g in cleaned if g.key not in hashes])
        if forms:
            cleaned = [replace(g, key=forms.get(g.key, g.key)) for g in cleaned]
            hashes |= documents.content_hashes(list(forms.values()))
        for g in cleaned:
            if g.key not in hashes:
                hint = documents.near(g.key) if len(problems) < MAX_HINTS else ""
                problems.append(_at(g, f"no object with the key {g.key!r}. {hint}".rstrip()))
        problems += [_at(g, why) for g in cleaned if (why := documents.without_label(g.key))]
    withdrawal = Withdrawal(collection, annotator, hashes)
    problems += [
        _at(g, problem)
        for g in cleaned
        if g.label is None and (problem := withdrawal.problem(g.key))
    ]
    if problems:
        raise AutolabelError(f"{listed_problems(problems)}\nNothing was recorded.")
    without_label = [g.key for g in cleaned if g.label is None and not withdrawal.ends(g.key)]
    recorded = [g for g in cleaned if g.key not in without_label]
    warnings = _name_warnings(collection, recorded)
    before = standing_auto_labels(collection, hashes)
    collection.ledger.append_annotations(
        [
            Annotation(
                collection=collection.name,
                document_id=document_id(collection.name, g.key),
                key=g.key,
                label=g.label,
                action="withdraw" if g.label is None else "label",
                content_hash=hashes[g.key],
                annotator=annotator,
                origin=origin,
                fields=dict(g.fields),
                reason=reason,
                provenance={STOOD_BEFORE: before[g.key]} if g.key in before else {},
            )
            for g in recorded
        ]
    )
    withdrawn = [g.key for g in recorded if g.label is None]
    labelled = [g.key for g in recorded if g.label is not None]
    notes = withdrawal.kept(withdrawn) + _quarantine_notes(documents.quarantined(labelled))
    return LabelReport(len(labelled), len(withdrawn), tuple(without_label), warnings, notes)


def _quarantine_notes(reasons: Mapping[str, str]) -> list[str]:
    return [
        f"{key!r} is quarantined ({reason}): its label is kept, and is no reference until the "
        "object can be read."
        for key, reason in reasons.items()
    ]


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
            takes_away = g.label is None or is_null(g.label)
            label = None if takes_away or g.label is None else check_label(g.label)
            cleaned.append(GivenLabel(g.key, label, g.fields, g.where))
        except AutolabelError as error:
            problems.append(_at(g, str(error)))
    return problems, cleaned


def _at(given: GivenLabel, problem: str) -> str:
    return f"{given.where}: {problem}" if given.where else problem


def _name_warnings(collection: OpenCollection, given: Sequence[GivenLabel]) -> list[NameWarning]:
    labels = list(dict.fromkeys(g.label for g in given if g.label is not None))
    if len(labels) == 1:
        return _warnings_of_one(collection, labels[0])
    return inconsistent_names(labels, labels_in_use(collection))


def _warnings_of_one(collection: OpenCollection, label: str) -> list[NameWarning]:
    """Look at those labels alone that resemble one, so that its history is not read."""
    ledger, name = collection.ledger, collection.name
    if ledger.is_in_use(name, label):
        return []
    unlike = dict.fromkeys(ledger.labels_given(name), 1)
    unlike.pop(label, None)
    resembling: dict[str, int] = {}
    while warnings := inconsistent_names([label], unlike):
        unlike.pop(warnings[0].existing)
        if uses := ledger.uses_of(name, warnings[0].existing):
            resembling[warnings[0].existing] = uses
    return inconsistent_names([label], resembling)


def labelled_keys_of(collection: OpenCollection) -> set[str]:
    """Return the keys of documents to which a person gave a label that nobody took back."""
    events = collection.ledger.annotations(collection.name)
    contents = {event.document_id: event.content_hash for event in events}
    effective = effective_annotations(events, contents).values()
    return {event.key for event in effective if event.source == "human"}


def labels_in_use(collection: OpenCollection) -> dict[str, int]:
    """Return how many documents people and promotions gave each label, stale ones included."""
    events = collection.ledger.annotations(collection.name)
    contents = {event.document_id: event.content_hash for event in events}
    counts: dict[str, int] = {}
    for event in effective_annotations(events, contents).values():
        counts[event.label or ""] = counts.get(event.label or "", 0) + 1
    return counts


def read_label_csv(
    path: Path, label_field: str, columns: tuple[str, str] | None = None
) -> list[GivenLabel]:
    """Read a CSV of labels: columns `key` and `label` (or the label field); others are fields.

    Args:
        path: a UTF-8 (or UTF-16 with a mark) CSV with a header.
        label_field: the collection's label field, accepted as the header of the label column.
        columns: the names of the columns of keys and labels in a CSV of another tool, whose other
            columns say nothing.

    Returns:
        One label for each row, knowing its line.

    Raises:
        AutolabelError: it is not UTF-8, the header is wrong, there is no row, a row is too long, or
            a key occurs twice with different labels; the message names the line.
    """
    text = read_text(path)
    if not text.strip():
        raise AutolabelError(f"{path} is no CSV: it has 0 bytes of text. Nothing was recorded.")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader)]
        rows = [(f"line {reader.line_num}", row) for row in reader if row]
    except csv.Error as error:
        raise AutolabelError(
            f"{path}, line {reader.line_num}: not valid CSV: {error}. Put a value that holds a "
            'comma or a quote in double quotes, and write a quote as "".'
        ) from error
    key_column, label_column = columns or ("key", "label" if "label" in header else label_field)
    problems = _header_problems(header, key_column, label_column)
    if not problems and not rows:
        problems = ["line 2: expected a row for each label, found none"]
    problems = problems or [
        f"{where}: expected {len(header)} columns, found {len(row)}"
        for where, row in rows
        if len(row) != len(header)
    ]
    given = []
    if not problems:
        given = [_given(header, row, key_column, label_column, where) for where, row in rows]
    if columns is not None:
        given = [replace(label, fields={}) for label in given]
    problems = problems or _contradictions(given)
    if problems:
        raise AutolabelError(f"{path}:\n{listed_problems(problems)}\nNothing was recorded.")
    return given


def _header_problems(header: list[str], key_column: str, label_column: str) -> list[str]:
    if key_column not in header or label_column not in header:
        cure = "; name them with --columns KEY_COLUMN,LABEL_COLUMN"
        cure = "; separate columns by commas" if len(header) == 1 else cure
        expected, found = f"{key_column},{label_column}", ",".join(header)
        return [f"line 1: expected the columns `{expected}`, found `{found}`{cure}"]
    repeated = [name for name in header if name and header.count(name) > 1]
    return [f"line 1: the column `{repeated[0]}` occurs twice; remove one"] if repeated else []


def _given(
    header: list[str], values: list[str], key_column: str, label_column: str, where: str
) -> GivenLabel:
    row = dict(zip(header, map(unescaped, values), strict=True))
    fields = {k: v for k, v in row.items() if v and k not in (key_column, label_column)}
    return GivenLabel(row[key_column], row[label_column], fields, where)


def _contradictions(given: Sequence[GivenLabel]) -> list[str]:
    first: dict[str, GivenLabel] = {}
    return [
        f"{g.where}: {g.key!r} is {g.label!r} here, and {other.label!r} in {other.where}"
        for g in given
        if (other := first.setdefault(g.key, g)).label != g.label
    ]


def listed_problems(problems: Sequence[str]) -> str:
    """Return the first problems, a line each, and how many more there are."""
    more = len(problems) - MAX_ERRORS_SHOWN
    rest = [f"… and {more} more"] if more > 0 else []
    return "\n".join([*problems[:MAX_ERRORS_SHOWN], *rest])
