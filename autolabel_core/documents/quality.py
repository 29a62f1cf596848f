"""Quality over time: counts of arrivals, labels and corrections by day or by batch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal, TypedDict, cast

import pyarrow as pa

from autolabel_core.documents.corrections import is_correction
from autolabel_core.documents.documents import Documents
from autolabel_core.documents.label_source_sql import MACHINES, UNDECIDED
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.ids import object_of
from autolabel_core.ledger import Arrival, Ledger
from autolabel_core.ledger.annotations import MOVED
from autolabel_core.ledger.arrivals import DELETED
from autolabel_core.tables.boxes.box_labels import BOX_LABELS, MISTAKES
from autolabel_core.tables.layout import IMAGE, VIDEO
from autolabel_core.tables.workspace import OpenCollection

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
GROUPS = {"all": "'all'", "day": "substr(moment, 1, 10)", "batch": "batch"}
By = Literal["all", "day", "batch"]

_FIGURES = """
WITH arrived AS (
    SELECT {group} AS part, * FROM arrivals WHERE moment >= $since
), stands AS (
    SELECT part, count(DISTINCT arrived.document_id) AS arrived, count(reason) AS quarantined,
        count(*) FILTER (label_source = 'human') AS human,
        count(*) FILTER (label_source = 'promoted') AS promoted,
        count(*) FILTER (label_source = 'auto') AS auto,
        count(*) FILTER (reason IS NULL AND {undecided} AND takes_label) AS review_queue,
        count(*) FILTER (reason IS NULL AND takes_label) AS readable,
        median(confidence::DOUBLE) FILTER ({machines}) AS middle
    FROM arrived LEFT JOIN ({found}) AS found USING (document_id) GROUP BY part
), said AS (
    SELECT {group} AS part, count(*) FILTER (given) AS given,
        count(*) FILTER (corrected) AS corrected, count(*) FILTER (NOT given) AS withdrawn
    FROM labels WHERE moment >= $since GROUP BY part
)
SELECT part, coalesce(arrived, 0), coalesce(quarantined, 0), coalesce(human, 0),
    coalesce(promoted, 0), coalesce(auto, 0), coalesce(review_queue, 0),
    CASE WHEN readable > 0 THEN auto / readable END, middle,
    coalesce(given, 0), coalesce(corrected, 0), coalesce(withdrawn, 0)
FROM stands FULL JOIN said USING (part) ORDER BY part
"""
_OF_OBJECTS = "SELECT *, true AS takes_label FROM documents"
_OF_FRAMES = f"""
SELECT * REPLACE (coalesce(video_id, document_id) AS document_id),
    kind IS DISTINCT FROM '{VIDEO}' AS takes_label
FROM all_documents
"""
_OF_BOXES = f"""
SELECT * REPLACE (CASE WHEN kind = '{IMAGE}' THEN document_id ELSE image_id END AS document_id),
    kind <> '{IMAGE}' AS takes_label
FROM all_documents
"""


class QualityRow(TypedDict):
    """What came in and was said, over all, on one day or in one batch.

    `arrived` and what follows up to `median_confidence` are of documents that are there now;
    `auto_share` is of the readable ones, from 0 to 1, None without any.
    """

    part: str
    arrived: int
    quarantined: int
    human: int
    promoted: int
    auto: int
    review_queue: int
    auto_share: float | None
    median_confidence: float | None
    labels_given: int
    corrected: int
    withdrawn: int


_NAMES = tuple(QualityRow.__annotations__)


def quality(collection: OpenCollection, since: str = "", by: By = "all") -> list[QualityRow]:
    """Return what came in and what was said in a window of time.

    Documents that are there now belong to the day on which they arrived first, labels to the
    day on which they were given; by batch both belong to the document's batch. A label counts
    as corrected when a person gave another one than the auto-label that stood in the tables at
    that moment. Where boxes are documents, images arrive and are quarantined, their boxes are
    counted with them, and corrected are those of which a person said that the detector was
    wrong.

    Args:
        collection: opened with its stores.
        since: begin of the window, ISO 8601 in UTC; empty is from the beginning.
        by: one row for all, for each day, or for each batch.

    Returns:
        Rows with part (the day or batch), arrived, quarantined, human, promoted, auto,
        review_queue (readable and without a label), auto_share (of the readable documents, from
        0 to 1), median_confidence (of those that no person labelled), labels_given, corrected,
        withdrawn. Of what arrived, the counts say how it stands now.
    """
    declared = collection.declaration
    whole = _OF_OBJECTS if declared.frames is None else _OF_FRAMES
    found = whole if declared.detection is None else _OF_BOXES
    labels = _labels if collection.declaration.detection is None else _box_labels
    sql = _FIGURES.format(group=GROUPS[by], found=found, undecided=UNDECIDED, machines=MACHINES)
    name = collection.name
    objects = collection.ledger.objects(name)
    with Documents(collection).connect() as connection:
        connection.register("arrivals", _arrivals(collection.ledger, name, objects))
        connection.register("labels", labels(collection.ledger, name, objects))
        rows = connection.execute(sql, {"since": since}).fetchall()
    return [cast("QualityRow", dict(zip(_NAMES, row, strict=True))) for row in rows]


def _arrivals(ledger: Ledger, name: str, objects: Mapping[str, Arrival]) -> pa.Table:
    first = ledger.first_arrivals(name)
    there = [i for i in first if objects[i].event != DELETED]
    return pa.table(
        {
            "document_id": pa.array(there, pa.string()),
            "batch": pa.array([objects[i].batch for i in there], pa.string()),
            "moment": pa.array([first[i] for i in there], pa.string()),
        }
    )


def _labels(ledger: Ledger, name: str, objects: Mapping[str, Arrival]) -> pa.Table:
    events = [event for event in ledger.annotations(name) if event.origin != MOVED]
    return _events_table(
        [objects.get(object_of(e.document_id)) for e in events],
        [e.recorded_at for e in events],
        [e.action == "label" for e in events],
        [is_correction(e) for e in events],
    )


def _box_labels(ledger: Ledger, name: str, objects: Mapping[str, Arrival]) -> pa.Table:
    given_there = (e for e in ledger.box_annotations(name) if e.origin != MOVED)
    events = [e for e in given_there if e.label in BOX_LABELS]
    given = [e.action != "withdraw" for e in events]
    return _events_table(
        [objects.get(e.image_id) for e in events],
        [e.recorded_at for e in events],
        given,
        [stands and e.label in MISTAKES for e, stands in zip(events, given, strict=True)],
    )


def _events_table(
    of: list[Arrival | None], moments: list[str], given: list[bool], corrected: list[bool]
) -> pa.Table:
    return pa.table(
        {
            "batch": pa.array(
                [None if state is None else state.batch for state in of], pa.string()
            ),
            "moment": pa.array(moments, pa.string()),
            "given": pa.array(given, pa.bool_()),
            "corrected": pa.array(corrected, pa.bool_()),
        }
    )


def parse_since(text: str, now: datetime) -> str:
    """Return the begin of a window as the ledger writes moments.

    Args:
        text: a length such as 90m, 24h, 7d, 2w, or a date or moment in ISO 8601 (UTC where it
            names no zone).
        now: the present moment.

    Returns:
        ISO 8601 in UTC, which sorts by time.

    Raises:
        AutolabelError: the text is neither.
    """
    length = re.fullmatch(r"(\d{1,6})([mhdw])", text.strip())
    if length:
        moment = now - timedelta(**{UNITS[length[2]]: int(length[1])})
    else:
        try:
            moment = datetime.fromisoformat(text.strip())
        except ValueError as error:
            raise AutolabelError(
                f"{text!r} is no window of time. Use a length such as 24h or 7d, or a date such as "
                f"{now.date().isoformat()}."
            ) from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
