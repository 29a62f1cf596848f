"""A run of clusters whose files are lost is made again under the same ids."""

from __future__ import annotations

import shutil

from conftest import sweep_quietly
from support.angle_samples import NAME
from support.grouped_angles import (
    UNLABELLED,
    ask,
    clusters_by_key,
    declared,
    definition,
    groups,
    refresh,
    statuses,
)


def test_a_lost_run_whose_documents_are_gone_keeps_its_clusters(angles, home):
    """Too few are left to be found as clusters; the run in force is what it was."""
    ws = angles(groups(0, 90), declared=declared())
    ask(ws)
    refresh(ws)
    before, told = clusters_by_key(ws), ws.ledger.last_event_id()
    for i in range(1, 8):
        (home.paths.buckets / NAME / f"090-{i}").unlink()
        home.put(NAME, {f"000-{i}": 180 + i})
    sweep_quietly(ws, NAME)
    told = ws.ledger.last_event_id()
    shutil.rmtree(ws.warehouse.path(NAME, "clusters"))
    refresh(ws)
    after = clusters_by_key(ws)
    assert statuses(ws) == ["succeeded"] and ws.ledger.last_event_id() == told
    assert (after["000-0"], after["090-0"]) == (before["000-0"], before["090-0"])
    assert not refresh(ws)


def test_a_lost_run_of_a_filter_that_nobody_can_repeat_keeps_its_clusters(angles, home):
    made = {**declared(definition(filter="unlabelled")), "retrievers": [UNLABELLED]}
    ws = angles(groups(0, 90, 180) | {"odd": 45}, {"090-0": "up"}, declared=made)
    ask(ws)
    refresh(ws)
    before = clusters_by_key(ws)
    (home.paths.buckets / NAME / "odd").unlink()
    home.put(NAME, {"000-1": 2})
    sweep_quietly(ws, NAME)
    told = ws.ledger.last_event_id()
    shutil.rmtree(ws.warehouse.path(NAME, "clusters"))
    refresh(ws)
    after = clusters_by_key(ws)
    assert statuses(ws) == ["succeeded"] and ws.ledger.last_event_id() == told
    for key in ("000-0", "000-3", "180-0", "180-4"):
        assert after[key] == before[key]
