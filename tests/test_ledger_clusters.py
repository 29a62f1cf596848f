"""Runs of cluster definitions and the life of identities: all or nothing, once, in order."""

from __future__ import annotations

import pytest

from autolabel_core.ledger import ClusterEvent, ClusterRun, Event, Ledger


def run(run_id: str, name: str = "topics", **further: object) -> ClusterRun:
    return ClusterRun(run_id, "c", name, "full", "succeeded", **further)


def change(event_id: str, kind: str = "birth", name: str = "topics") -> ClusterEvent:
    return ClusterEvent(event_id, "c", name, "cl_0", kind, "r1", {"size": 3})


def test_a_run_is_kept_once_with_what_followed_from_it(url):
    ledger = Ledger(url, now=lambda: "now")
    told = [Event("e1", "cluster.completed", "c", "topics")]
    assert ledger.append_cluster_run(run("r1", payload={"documents": 9}), [change("b1")], told)
    assert not ledger.append_cluster_run(run("r1"), [change("b2")], [Event("e2", "x", "c", "y")])
    assert ledger.append_cluster_run(run("r2", name="other"))
    assert [r.run_id for r in ledger.cluster_runs("c")] == ["r1", "r2"]
    (found,) = ledger.cluster_runs("c", "topics")
    assert (found.payload, found.recorded_at, found.id) == ({"documents": 9}, "now", 1)
    assert [c.event_id for c in ledger.cluster_events("c", "topics")] == ["b1"]
    assert [e.event_id for e in ledger.events_after(0)] == ["e1"]


def test_a_run_whose_event_cannot_be_kept_is_not_kept_either(url):
    ledger = Ledger(url, now=lambda: "now")
    with pytest.raises(Exception, match=r"(?i)null|not serializable"):
        ledger.append_cluster_run(run("r1"), [change("b1")], [Event("e1", None, "c", "topics")])
    assert ledger.cluster_runs() == [] and ledger.cluster_events() == []


def test_the_life_of_identities_is_read_by_kind_and_run(url):
    ledger = Ledger(url, now=lambda: "now")
    assert ledger.append_cluster_events([change("1"), change("2", "promotion")]) == 2
    assert ledger.append_cluster_events([change("2", "promotion"), change("3", name="o")]) == 1
    assert [c.event_id for c in ledger.cluster_events("c", "topics")] == ["1", "2"]
    assert [c.event_id for c in ledger.cluster_events("c", kind="promotion")] == ["2"]
    assert len(ledger.cluster_events(run_id="r1")) == 3 and not ledger.cluster_events(run_id="r2")
