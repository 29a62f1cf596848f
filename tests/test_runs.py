import json
import os
import subprocess
import sys
from itertools import count

import pytest
from support.angle_samples import NAME, declaration, label

from autolabel_app.dagster_home import prepare_dagster_home
from autolabel_app.project_files import DAGSTER_YAML
from autolabel_app.runs import sweep
from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.operations.staleness_plan import Plan, plan

CLI = [sys.executable, "-c", "from autolabel_app.cli import main; main()"]


@pytest.fixture
def swept(home, monkeypatch):
    """Sweep in this process with an instance of its own; returns results and what was told."""
    for name, value in home.paths.environment.items():
        monkeypatch.setenv(name, value)
    dagster_home = home.paths.home / "dagster"
    dagster_home.mkdir(parents=True)
    (dagster_home / "dagster.yaml").write_text(DAGSTER_YAML)
    monkeypatch.setenv("DAGSTER_HOME", str(dagster_home))
    monkeypatch.delenv("AUTOLABEL_DEFINITIONS", raising=False)

    def make(*names):
        told = []
        return sweep(home.workspace, names, False, told.append), told

    return make


def runs_of_instance():
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
        return {run.run_id: run for run in instance.get_runs()}


def labels_of(workspace, name=NAME):
    found = Documents(workspace.open(name)).find()
    return {r["key"]: (r["label"], r["label_source"]) for r in found}


def test_a_sweep_is_a_run_that_the_instance_knows(workspace, swept):
    ws = workspace({NAME: declaration()}, {NAME: {"a": 0, "b": 5, "c": 90}})
    results, told = swept()
    assert told[0] == "angles: looking at the bucket"
    assert told[1].endswith("over 1 batch")
    assert results[0].registration.created == 3
    found = runs_of_instance()
    assert set(results[0].run_ids) == set(found)
    run = found[results[0].run_ids[0]]
    assert run.status.value == "SUCCESS"
    assert run.tags["autolabel/collection"] == NAME
    assert not plan(ws.open(NAME))
    again, told = swept()
    assert again[0].runs == ()
    assert told == ["angles: looking at the bucket"]
    label(ws, {"a": "left"})
    results, _ = swept(NAME)
    assert len(results[0].runs) == 1
    assert labels_of(ws) == {"a": ("left", "human"), "b": ("left", "auto"), "c": (None, None)}


@pytest.mark.slow
def test_a_collection_is_swept_after_the_one_it_refers_to(workspace, swept):
    declared = {"zz_known": declaration(), NAME: declaration(reference="zz_known")}
    objects = {"zz_known": {"k": 0, "k.json": '{"side": "left"}'}, NAME: {"a": 5}}
    ws = workspace(declared, objects)
    results, _ = swept(NAME)
    assert [result.collection for result in results] == ["zz_known", NAME]
    assert labels_of(ws) == {"a": ("left", "auto")}


def test_a_failed_run_is_one_clear_line(workspace, swept, monkeypatch):
    workspace({NAME: declaration()}, {NAME: {"a": 0}})
    monkeypatch.setattr(
        "autolabel_core.operations.sweep.plan", lambda *a: Plan(("raw_objects",), ("batch_000007",))
    )
    with pytest.raises(AutolabelError, match=r"^`angles` has no batch `batch_000007`"):
        swept()


def test_a_collection_that_never_settles_is_given_up(workspace, swept, monkeypatch):
    workspace({NAME: declaration()}, {NAME: {"a": 0}})
    monkeypatch.setattr("autolabel_core.operations.sweep.MAX_RUNS", 1)
    changing = (Plan(("reference_set",), (), str(n)) for n in count())
    monkeypatch.setattr("autolabel_core.operations.sweep.plan", lambda *a: next(changing))
    with pytest.raises(AutolabelError, match="still out of date after 1 runs"):
        swept()


def test_a_missing_code_location_says_where_it_was_looked_for(workspace, swept, monkeypatch):
    workspace({NAME: declaration()}, {NAME: {"a": 0}})
    monkeypatch.setenv("AUTOLABEL_DEFINITIONS", "/nowhere/definitions.py")
    with pytest.raises(AutolabelError, match=r"/nowhere/definitions.py does not exist"):
        swept()


def test_the_users_own_dagster_home_is_left_alone(home, monkeypatch, tmp_path):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    assert prepare_dagster_home(home.paths) == tmp_path
    assert list(home.paths.home.rglob("dagster.yaml")) == []
    monkeypatch.setenv("DAGSTER_HOME", "")
    assert prepare_dagster_home(home.paths) == home.paths.dagster_home
    settings = home.paths.dagster_home / "dagster.yaml"
    settings.write_text("# mine\n")
    monkeypatch.setenv("DAGSTER_HOME", "")
    prepare_dagster_home(home.paths)
    assert settings.read_text() == "# mine\n"


def command(home, *arguments):
    environment = {**os.environ, **home.paths.environment, "DAGSTER_HOME": ""}
    return subprocess.run(
        [*CLI, *arguments], env=environment, capture_output=True, text=True, check=False
    )


def test_an_idle_sweep_starts_no_dagster(angles, bring_up_to_date, home):
    bring_up_to_date(angles({"a": 0}), NAME, index=True)
    script = (
        "import sys\n"
        "from autolabel_app.cli import root\n"
        "root.main(['sweep'], standalone_mode=False)\n"
        "heavy = {'dagster', 'torch', 'chromadb', 'sklearn', 'matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    environment = {**os.environ, **home.paths.environment, "DAGSTER_HOME": ""}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert "angles: 0 new, 0 changed, 0 gone; all current" in done.stdout


@pytest.mark.slow
def test_a_failing_sweep_exits_with_one_line(home):
    home.declare(NAME, declaration())
    home.put(NAME, {"a": 0})
    (home.paths.home / "warehouse" / NAME).mkdir(parents=True)
    (home.paths.home / "warehouse" / NAME / "raw_objects").write_text("in the way")
    done = command(home, "sweep")
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1


@pytest.mark.slow
def test_commands_work_in_sequence(home, tmp_path):
    home.declare(NAME, declaration())
    home.put(NAME, {"a": 0, "b": 5, "c": 90})
    assert "3 new" in command(home, "sweep").stdout
    assert command(home, "label", NAME, "a", "left").returncode == 0
    swept = command(home, "sweep", "--json")
    assert swept.returncode == 0, swept.stderr
    assert '"assets": [' in swept.stdout
    assert "1 human, 0 promoted, 1 auto" in command(home, "status", NAME).stdout
    assert "because of" in command(home, "explain", NAME, "b").stdout
    file = tmp_path / "asked.txt"
    file.write_text("3")
    assert "left" in command(home, "classify", NAME, str(file)).stdout
    assert "needed" in command(home, "threshold", NAME).stderr
    assert "newly" not in command(home, "threshold", NAME, "--try", "0.9").stdout
    assert "left" in command(home, "audit", NAME, "--sample", "5").stdout
    assert "1 promoted" in command(home, "promote", NAME, "--yes").stdout
    out = tmp_path / "out"
    exported = command(home, "export", NAME, "--format", "csv", "--out", str(out))
    assert "3 documents" in exported.stdout, exported.stderr


def test_what_cannot_be_read_for_now_ends_a_sweep_and_waits_for_the_next(workspace, home, swept):
    gone = "http://127.0.0.1:9/x"
    line = {"key": "k", "blobs": [{"type": "text", "data": gone}]}
    declared = {**declaration(), "source": {"allow": ["http://127.0.0.1:9/"]}}
    ws = workspace({NAME: declared}, {NAME: {"a": 0, "m.jsonl": json.dumps(line)}})
    results, told = swept()
    assert "left to the next sweep" in told[-1]
    assert len(results[0].runs) <= 2
    assert plan(ws.open(NAME))
    (row,) = [r for r in Documents(ws.open(NAME)).find() if r["key"] == "k"]
    assert "cannot fetch http://127.0.0.1:9/x for now" in row["reason"]


def test_a_missing_home_of_dagster_is_made(home, monkeypatch, tmp_path):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "not" / "yet"))
    made = prepare_dagster_home(home.paths)
    assert made == tmp_path / "not" / "yet"
    assert (made / "dagster.yaml").read_text() == DAGSTER_YAML


def test_what_a_user_keeps_in_a_home_of_dagster_is_left_alone(home, monkeypatch, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/history").mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "mine"))
    prepare_dagster_home(home.paths)
    assert not (tmp_path / "mine/dagster.yaml").exists()
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "file"))
    (tmp_path / "file").touch()
    with pytest.raises(AutolabelError, match="a file: name a folder"):
        prepare_dagster_home(home.paths)


def test_instances_that_we_create_tell_nobody_and_wait_for_slow_starts(home, monkeypatch):
    import dagster as dg

    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.delenv("DAGSTER_GRPC_TIMEOUT_SECONDS", raising=False)
    prepare_dagster_home(home.paths)
    with dg.DagsterInstance.get() as instance:
        assert not instance.telemetry_enabled
        assert instance.run_monitoring_start_timeout_seconds > 180
    assert int(os.environ["DAGSTER_GRPC_TIMEOUT_SECONDS"]) > 60


def test_a_sweep_does_not_repeat_advice_of_dagster(workspace, swept, monkeypatch, capfd, tmp_path):
    workspace({NAME: declaration()}, {NAME: {"a": 0}})
    (tmp_path / "mine/history").mkdir(parents=True)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "mine"))
    swept()
    assert "No dagster instance configuration file" not in capfd.readouterr().err
