"""Uploads that differ from those before: told by status, alert and picture; labels cure it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from support.angle_samples import NAME, label

from autolabel_core.documents.upload_drift import upload_drift
from autolabel_core.documents.upload_drift_record import drift_record
from autolabel_core.documents.upload_drift_report import drift_report
from autolabel_core.ledger import Ledger
from autolabel_core.notifications.alerts.check import check_alerts
from autolabel_core.operations.advice import findings
from autolabel_core.operations.status import collection_status

START = datetime(2030, 1, 1, 12, tzinfo=UTC)
LABELS = {f"a{i}": "left" for i in range(3)} | {f"a{i + 5}": "up" for i in range(3)}
REFERENCES = {f"a{i}": float(i) for i in range(3)} | {f"a{i + 5}": 90.0 + i for i in range(3)}


@pytest.fixture
def days(angles, home, bring_up_to_date, monkeypatch):
    """Documents near two references on the first day, and on each later day those given."""
    at = [START]
    real = Ledger.__init__
    monkeypatch.setattr(
        Ledger, "__init__", lambda self, url: real(self, url, lambda: at[0].isoformat())
    )

    def build(later, **declared):
        positions = usual(np.random.default_rng(0), 160)
        first = REFERENCES | {f"b{i:03}": place for i, place in enumerate(positions)}
        ws = angles(first, LABELS, **declared)
        for day, positions in enumerate(later, start=1):
            at[0] = START + timedelta(days=day)
            home.put(NAME, {f"d{day:02}-{i:03}": place for i, place in enumerate(positions)})
            bring_up_to_date(ws, NAME)
        return home.workspace

    return build


def usual(rng, n):
    return [float(p) for p in rng.uniform(0, 15, n) + 90 * rng.integers(0, 2, n)]


def with_strangers(rng):
    return usual(rng, 30) + [float(p) for p in rng.uniform(200, 205, 20)]


def shifted(rng):
    return [p + 25 for p in usual(rng, 40)]


def one_label(rng):
    return [float(p) for p in rng.uniform(0, 15, 40)]


@pytest.mark.parametrize(
    ("later", "kind", "text"),
    [
        (with_strangers, "new_class", "probably a new class"),
        (shifted, "shifted_camera", "whatever their label"),
        (one_label, "changed_mix", "shared out otherwise: left"),
    ],
)
def test_a_change_is_said_by_status_with_kind_day_and_cure(days, later, kind, text):
    rng = np.random.default_rng(1)
    ws = days([usual(rng, 30), *(later(rng) for _ in range(3))])
    status = collection_status(ws.open(NAME))
    assert status["drift"]["kind"] == kind
    assert status["drift"]["since"] == "2030-01-03"
    [finding] = [f for f in findings(status) if f.name == "uploads_as_before"]
    assert not finding.passed
    assert "Since 2030-01-03" in finding.text and text in finding.text and "d0" in finding.text
    report = drift_report(ws.open(NAME))
    assert report["uploads by day"].startswith(b"\x89PNG") and report["drift p-value"] < 0.01


def test_like_uploads_pass_and_say_what_was_compared(days):
    rng = np.random.default_rng(2)
    ws = days([usual(rng, 30), usual(rng, 30)])
    status = collection_status(ws.open(NAME))
    [finding] = [f for f in findings(status) if f.name == "uploads_as_before"]
    assert finding.passed and "60 documents of 3 days" in finding.text
    assert drift_report(ws.open(NAME))["drift"] == "none"


def test_labels_for_the_new_class_end_the_alarm(days, bring_up_to_date):
    rng = np.random.default_rng(3)
    ws = days([with_strangers(rng) for _ in range(3)])
    [before] = upload_drift(ws.open(NAME))
    assert before.lasting.figures.kind == "new_class"
    label(ws, dict.fromkeys(before.lasting.examples[:6], "down"))
    bring_up_to_date(ws, NAME)
    [after] = upload_drift(ws.open(NAME))
    assert after.lasting is None or after.lasting.figures.kind == "changed_mix"


def test_each_value_of_a_field_is_watched_alone(days, home, bring_up_to_date):
    ws = days([usual(np.random.default_rng(4), 30)])
    assert [drift.group for drift in upload_drift(ws.open(NAME), "suggested_label")] == [
        "left",
        "up",
    ]


def test_the_alert_says_kind_and_text_once(days):
    rng = np.random.default_rng(5)
    alert = {"name": "changes", "metric": "drift", "cool_down_minutes": 0}
    ws = days([with_strangers(rng) for _ in range(3)], alerts=[alert])
    [checked] = check_alerts(ws.open(NAME), START + timedelta(days=4))
    [fired] = checked.firing
    assert fired.reading.shown["kind"] == "new_class"
    assert "probably a new class" in fired.reading.shown["text"]
    [again] = check_alerts(ws.open(NAME), START + timedelta(days=4, hours=1))
    assert not again.firing


def test_the_same_content_and_the_same_order_of_names_say_nothing(days):
    """A folder sorted by class is uploaded on one day: its order is no change."""
    rng = np.random.default_rng(6)
    ws = days([sorted(usual(rng, 60)) for _ in range(3)] + [[3.25] * 60])
    [drift] = upload_drift(ws.open(NAME))
    assert not drift.changes
    assert drift.documents == 160 + 6 + 180 + 1


def test_what_is_kept_of_the_days_is_what_the_present_labels_and_uploads_give(
    days, bring_up_to_date
):
    rng = np.random.default_rng(7)
    ws = days([with_strangers(rng) for _ in range(3)])
    before = drift_record(ws.open(NAME))
    assert before["kind"] == "new_class" and drift_record(ws.open(NAME)) == before
    label(ws, dict.fromkeys(upload_drift(ws.open(NAME))[0].lasting.examples[:6], "down"))
    bring_up_to_date(ws, NAME)
    [anew] = upload_drift(ws.open(NAME))
    after = drift_record(ws.open(NAME))
    assert (after["judged"], after["days"]) == (anew.judged, len(anew.parts))
    assert after["p_value"] == (anew.lasting or anew).p_value and after != before
