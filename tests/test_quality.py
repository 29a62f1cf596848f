from __future__ import annotations

from datetime import UTC, datetime

import pytest
from support.angle_samples import NAME, label
from support.detection_samples import NAME as BLOCKS
from support.detection_samples import SCENES, judge, review

from autolabel_core.documents.quality import parse_since, quality
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.ledger import Ledger
from autolabel_core.tables.workspace import OpenCollection

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "begin"),
    [
        ("90m", "2026-03-10T10:30:00.000000+00:00"),
        ("24h", "2026-03-09T12:00:00.000000+00:00"),
        ("7d", "2026-03-03T12:00:00.000000+00:00"),
        ("1w", "2026-03-03T12:00:00.000000+00:00"),
        ("2026-03-01", "2026-03-01T00:00:00.000000+00:00"),
        ("2026-03-01T02:00:00+02:00", "2026-03-01T00:00:00.000000+00:00"),
    ],
)
def test_windows(text, begin):
    assert parse_since(text, NOW) == begin


@pytest.mark.parametrize("text", ["", "7", "seven days", "7y", "2026-13-01"])
def test_a_window_that_is_none_is_refused(text):
    with pytest.raises(AutolabelError, match="Use a length such as 24h or 7d"):
        parse_since(text, NOW)


@pytest.fixture
def two_days(angles, home, monkeypatch, bring_up_to_date):
    """Day one: three documents, one labelled. Day two: two more, one correction, one withdrawal."""
    day = ["2026-03-01"]
    real = Ledger.__init__
    clock = lambda: f"{day[0]}T00:00:00.000000+00:00"  # noqa: E731
    monkeypatch.setattr(Ledger, "__init__", lambda self, url: real(self, url, clock))
    ws = angles({"a": 0, "b": 5, "c": 90}, {"a": "left"}, batch_size=3)
    day[0] = "2026-03-02"
    home.put(NAME, {"d": 2, "e": b"", "f": 200})
    bring_up_to_date(ws, NAME)
    label(ws, {"b": "right", "f": "down"})
    label(ws, {"f": None})
    bring_up_to_date(ws, NAME)
    return ws


def figures(ws, *names, **asked):
    rows = quality(ws.open(NAME), **asked)
    return {row["part"]: tuple(row[name] for name in names) for row in rows}


def test_boxes_count_with_the_image_that_they_are_on(blocks, home, bring_up_to_date):
    ws = blocks({**SCENES, "broken.png": b"no picture"})
    judge(ws, "red.png", 0, "confirmed")
    judge(ws, "both.png", 0, "corrected", "blue")
    judge(ws, "both.png", 1, "false_positive", annotation_id="one")
    judge(ws, "both.png", 1, "false_positive", annotation_id="one", action="withdraw")
    review(ws, "empty.png")
    bring_up_to_date(ws, BLOCKS)
    (row,) = quality(OpenCollection(home.workspace, ws.collection(BLOCKS)), by="batch")
    assert (row["arrived"], row["quarantined"]) == (5, 1)
    assert (row["human"], row["review_queue"]) == (2, 2)
    assert (row["labels_given"], row["corrected"], row["withdrawn"]) == (3, 2, 1)


def test_by_day(two_days):
    found = figures(two_days, "arrived", "human", "auto", "labels_given", by="day")
    assert found == {"2026-03-01": (3, 2, 0, 1), "2026-03-02": (3, 0, 1, 2)}
    said = figures(two_days, "corrected", "withdrawn", "quarantined", "review_queue", by="day")
    assert said == {"2026-03-01": (0, 0, 0, 1), "2026-03-02": (1, 1, 1, 1)}


def test_by_batch_labels_belong_to_the_batch_of_their_document(two_days):
    found = figures(two_days, "labels_given", "corrected", "auto_share", by="batch")
    assert found == {"batch_000001": (2, 1, 0.0), "batch_000002": (1, 0, 0.5)}


def test_a_window_counts_what_came_and_was_said_in_it(two_days):
    assert figures(two_days, "arrived", "labels_given", since="2026-03-02") == {"all": (3, 2)}
    assert figures(two_days, "arrived", "labels_given") == {"all": (6, 3)}
    assert figures(two_days, "arrived", since="2026-03-03") == {}


def test_the_median_leaves_out_what_people_labelled(two_days):
    (row,) = quality(two_days.open(NAME), since="2026-03-02")
    assert row["median_confidence"] == pytest.approx(0.5, abs=0.6)


def test_what_was_deleted_since_has_not_arrived(two_days, home, bring_up_to_date):
    (home.paths.buckets / NAME / "f").unlink()
    bring_up_to_date(two_days, NAME)
    assert figures(two_days, "arrived", "quarantined", by="day") == {
        "2026-03-01": (3, 0),
        "2026-03-02": (2, 1),
    }
