"""Whether a collection's uploads differ from those before: since when, how, and which of them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import exp, log

import numpy as np

from autolabel_core.documents.stored_vectors import stored_vectors
from autolabel_core.documents.uploaded_documents import (
    UploadedDocument,
    uploaded_documents,
    window_of,
)
from autolabel_core.matching.change_detection import (
    LOTS,
    Change,
    Detection,
    Rows,
    Uploads,
    detect_changes,
)
from autolabel_core.matching.change_kind import ChangeFigures, Sample, change_figures
from autolabel_core.matching.conformal_ranks import Floats
from autolabel_core.tables.embeddings import Embeddings
from autolabel_core.tables.workspace import OpenCollection

RATE = 0.01
"""False alarms a year, at most."""
DAY_HOURS = 24.0
MOST_OF_PART = 500
"""So many documents of a day or batch are looked at, drawn by their ids."""
MOST_COMPARED = 2_000
"""So many documents before a change, and so many after it, tell what kind it is."""
MOST_LABELS = 50
"""Rarer labels are taken together."""
EXAMPLES = 12


@dataclass(frozen=True)
class DescribedChange:
    """A change in the words of the collection.

    Attributes:
        parts: the days or batches that speak for it, in order.
        figures: what kind it is.
        documents: how many were looked at since it began.
        p_value: how rare what was seen is without a change, from 0 to 1.
        is_over: whether later uploads are as before again.
        median_before: of similarities.
        median_now: of similarities.
        risen_label: the label whose share rose most.
        share_before: of that label, from 0 to 1.
        share_now: of that label, from 0 to 1.
        examples: keys of documents to look at: the farthest, or some of the risen label.
    """

    parts: Sequence[str]
    figures: ChangeFigures
    documents: int
    p_value: float
    is_over: bool
    median_before: float
    median_now: float
    risen_label: str
    share_before: float
    share_now: float
    examples: Sequence[str]


@dataclass(frozen=True)
class UploadDrift:
    """What was found of the uploads of one group, or of all.

    Attributes:
        group: the value of the field that uploads are grouped by; None: all documents.
        parts: names of the days or batches, in order.
        medians: (p,) of the similarities of each.
        documents: how many were looked at.
        judged: how many of them were compared with earlier ones.
        p_value: of what was seen since the last change, from 0 to 1.
        changes: in order.
    """

    group: str | None
    parts: Sequence[str]
    medians: Sequence[float]
    documents: int
    judged: int
    p_value: float
    changes: Sequence[DescribedChange]

    @property
    def lasting(self) -> DescribedChange | None:
        """The change that is not over."""
        last = self.changes[-1] if self.changes else None
        return None if last is None or last.is_over else last


def upload_drift(
    collection: OpenCollection,
    field: str | None = None,
    window_hours: float = DAY_HOURS,
    by_batch: bool = False,
    rate: float = RATE,
    until: datetime | None = None,
) -> list[UploadDrift]:
    """Compare uploads with those before them, as the present references see both.

    Args:
        collection: as the last sweep left it.
        field: such as `metadata.camera`; each of its values is watched alone, and the rate is
            divided among them.
        window_hours: uploads are judged by windows of so long.
        by_batch: whether the batches of a window are told apart.
        rate: false alarms a year, at most; above 0 and below 1.
        until: only windows that ended before this moment; None: all.

    Returns:
        One for each group with documents, by name.
    """
    documents = uploaded_documents(collection, field, window_hours)
    if until is not None:
        documents = [d for d in documents if d.window < window_of(until.timestamp(), window_hours)]
    groups: dict[str | None, list[UploadedDocument]] = {}
    for document in documents:
        groups.setdefault(document.group, []).append(document)
    return [
        _of_group(collection, found, window_hours, by_batch, rate / len(groups), len(groups))
        for _, found in sorted(groups.items(), key=lambda item: item[0] or "")
    ]


def _of_group(
    collection: OpenCollection,
    documents: list[UploadedDocument],
    window_hours: float,
    by_batch: bool,
    rate: float,
    groups: int,
) -> UploadDrift:
    parts: dict[tuple[int, str], list[UploadedDocument]] = {}
    # Within a part the order is that of ids, which are hashes: files come sorted by their names,
    # and names often tell the class.
    for document in sorted(documents):
        place = document.window, document.batch if by_batch else ""
        parts.setdefault(place, []).append(document)
    places = sorted(parts)
    chosen = [document for place in places for document in parts[place][:MOST_OF_PART]]
    names = [_part_name(*place, window_hours) for place in places]
    uploads, labels = _as_uploads(chosen, places, by_batch, window_hours)
    found = detect_changes(uploads, log(1.0 / rate), _lots(chosen))
    medians = [
        float(np.median(uploads.similarity[uploads.rows(part, part)]))
        for part in range(len(places))
    ]
    changes = [
        _described(collection, uploads, labels, chosen, names, change, groups)
        for change in found.changes
    ]
    return UploadDrift(
        documents[0].group,
        names,
        medians,
        len(chosen),
        found.judged,
        _p_value(found, groups),
        changes,
    )


def _p_value(found: Detection, groups: int) -> float:
    return min(1.0, groups * exp(-found.log_capital))


def _part_name(window: int, batch: str, window_hours: float) -> str:
    if batch:
        return batch
    begin = datetime.fromtimestamp(window * window_hours * 3600.0, UTC)
    return (
        begin.date().isoformat() if window_hours == DAY_HOURS else begin.isoformat(" ", "minutes")
    )


def _as_uploads(
    documents: list[UploadedDocument],
    places: list[tuple[int, str]],
    by_batch: bool,
    window_hours: float,
) -> tuple[Uploads, list[str]]:
    number = {place: part for part, place in enumerate(places)}
    counted = Counter(document.label for document in documents)
    labels = [label for label, _ in sorted(counted.items(), key=lambda item: (-item[1], item[0]))]
    code = {label: min(place, MOST_LABELS) for place, label in enumerate(labels)}
    uploads = Uploads(
        np.array([number[d.window, d.batch if by_batch else ""] for d in documents], np.int64),
        np.array([window for window, _ in places], np.int64),
        np.array([code[document.label] for document in documents], np.int64),
        np.array([document.similarity for document in documents]),
        np.array([document.score for document in documents]),
        window_hours,
    )
    return uploads, labels[:MOST_LABELS] + ["others"] * (len(labels) > MOST_LABELS)


def _lots(documents: list[UploadedDocument]) -> Floats:
    """Draw by hashes of ids, so that a document has the same lots at every look."""
    size = 4 * LOTS
    hashes = b"".join(
        hashlib.blake2b(document.document_id.encode(), digest_size=size).digest()
        for document in documents
    )
    numbers = np.frombuffer(hashes, dtype="<u4").reshape(len(documents), LOTS)
    return np.asarray((numbers.T + 0.5) / 2.0**32)


def _described(
    collection: OpenCollection,
    uploads: Uploads,
    labels: list[str],
    documents: list[UploadedDocument],
    names: list[str],
    change: Change,
    groups: int,
) -> DescribedChange:
    since = uploads.rows(change.first, change.last)
    (_, before), (rows, after) = _samples(collection, uploads, documents, (change.reference, since))
    figures = change_figures(before, after)
    old, new = (
        np.bincount(sample.label, minlength=len(labels)) / max(len(sample.label), 1)
        for sample in (before, after)
    )
    risen = int(np.argmax(new - old))
    is_mix = figures.kind == "changed_mix"
    shown = rows[after.label == risen] if is_mix else rows[figures.far_rows]
    return DescribedChange(
        names[change.first : change.last + 1],
        figures,
        len(since),
        min(1.0, groups * exp(-change.log_capital)),
        change.is_over,
        float(np.median(before.similarity)),
        float(np.median(after.similarity)),
        labels[risen],
        float(old[risen]),
        float(new[risen]),
        [documents[row].key for row in shown[:EXAMPLES].tolist()],
    )


def _samples(
    collection: OpenCollection,
    uploads: Uploads,
    documents: list[UploadedDocument],
    wanted: Sequence[Rows],
) -> list[tuple[Rows, Sample]]:
    """Return the latest of some rows that have a vector, with what is known of them."""
    latest = [rows[-MOST_COMPARED:].tolist() for rows in wanted]
    names = {documents[row].document_id for rows in latest for row in rows}
    ids, vectors = stored_vectors(Embeddings(collection), names)
    place = {document: row for row, document in enumerate(ids)}
    samples = []
    for rows in latest:
        there = [row for row in rows if documents[row].document_id in place]
        of_vectors = [place[documents[row].document_id] for row in there]
        sample = Sample(uploads.label[there], uploads.similarity[there], vectors[of_vectors])
        samples.append((np.array(there, np.int64), sample))
    return samples
