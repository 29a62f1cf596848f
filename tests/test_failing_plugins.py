"""A plug-in that fails stops its own collection alone, and the error names it."""

from __future__ import annotations

import os

import dagster as dg
import pytest
from support.daemon import Daemon
from support.failing_extractors import ENTRY_POINTS, NAMES, POISON

from autolabel_app.runs import sweep
from autolabel_core.documents.documents import Documents

SOON = 200
TEXTS = {"1.txt": "apple pear", "2.txt": "apple plum", "3.txt": "cherry"}
DECLARATION = """\
feature_extractor: {feature_extractor_name: %s}
taxonomy: {field_to_enrich: topic, confidence_threshold: 0.2}
automation: {check_every_seconds: 1, full_reconciliation: null}
"""
SAID = {
    "unloadable": "The extractor `unloadable` fails when it is loaded: OSError",
    "failing": "the extractor `failing` fails: OSError('no such device')",
    "exiting": "the extractor `exiting` fails on it: SystemExit(3), and so on all 3 items",
}


@pytest.fixture
def stores(workspace, tmp_path, monkeypatch):
    info = tmp_path / "site" / "failing_extractors-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: failing-extractors\nVersion: 1\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(str(info.parent))
    known = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(info.parent), known]))
    names = {**dict(zip(NAMES, NAMES, strict=True)), "good": "text_extractor"}
    texts = {name: {**TEXTS, **({"4.txt": POISON} if name == "choosy" else {})} for name in names}
    return workspace({name: DECLARATION % used for name, used in names.items()}, texts)


def reasons(stores, name):
    return {row["key"]: row["reason"] for row in Documents(stores.open(name)).find()}


def check_tables(stores):
    assert reasons(stores, "good") == dict.fromkeys(TEXTS)
    found = reasons(stores, "choosy")
    assert found.pop("4.txt") == "the extractor `choosy` fails on it: KeyError('poison')"
    assert found == dict.fromkeys(TEXTS)


def test_a_sweep_names_each_and_brings_the_others_up_to_date(stores, monkeypatch):
    for name, value in stores.paths.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DAGSTER_HOME", str(stores.paths.dagster_home))
    with pytest.raises(ValueError) as caught:
        sweep(stores, (), False, lambda line: None)
    for text in SAID.values():
        assert text in str(caught.value)
    assert "Stack Trace" not in str(caught.value)
    check_tables(stores)


@pytest.mark.parametrize("name", SAID)
def test_commands_that_read_name_it_or_do_without(stores, run, name):
    for command in ("status", "documents"):
        status, out, err = run(command, name)
        assert status == 0 or SAID[name] in err, (out, err)


@pytest.mark.slow
def test_the_daemon_goes_on_with_all_others(stores):
    with Daemon(stores.paths) as daemon:
        daemon.until(lambda: len(reasons(stores, "good")) == 3, SOON, "the good collection")
        daemon.until(lambda: len(reasons(stores, "choosy")) == 4, SOON, "all but one text")
        with dg.DagsterInstance.from_config(str(stores.paths.dagster_home)) as instance:

            def failures(name):
                failed = dg.RunsFilter(
                    tags={"autolabel/collection": name}, statuses=[dg.DagsterRunStatus.FAILURE]
                )
                return instance.get_runs(failed)

            daemon.until(lambda: failures("failing") and failures("exiting"), SOON, "failed runs")
            for name in ("failing", "exiting"):
                events = instance.all_logs(failures(name)[0].run_id)
                said = " ".join(str(event.dagster_event) for event in events)
                assert f"the extractor `{name}` fails" in said
    check_tables(stores)
    assert SAID["unloadable"] in daemon.log.read_text(errors="replace")
