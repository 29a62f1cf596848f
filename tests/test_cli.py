from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from conftest import ANGLES

from autolabel_app import cli
from autolabel_app.output import emit_table, percent, shown
from autolabel_core.foundation.paths import Paths

HEAVY = ["dagster", "torch", "sklearn", "umap", "hdbscan", "numba", "duckdb", "pandas", "rich"]
READING = ["documents", "status", "retrieve", "classify", "threshold", "query", "explain"]
CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture
def swept(workspace, bring_up_to_date, run):
    stores = workspace({"c": ANGLES}, {"c": {"a.txt": 0, "b.txt": 10, "z.txt": 90}})
    bring_up_to_date(stores, "c")
    assert run("label", "c", "a.txt", "front", "--annotator", "ann")[0] == 0
    bring_up_to_date(stores, "c")
    return stores


def commands() -> dict[str, click.Command]:
    context = click.Context(cli.root)
    return {name: cli.root.get_command(context, name) for name in cli.COMMANDS}


def test_every_listed_command_is_there_and_documented():
    for name, command in commands().items():
        assert command is not None and command.name == name
        assert command.help, name
        for parameter in command.params:
            assert isinstance(parameter, click.Argument) or parameter.help, (name, parameter.name)


@pytest.mark.parametrize("name", READING)
def test_every_reading_command_gives_json(name):
    options = {option for p in commands()[name].params for option in p.opts}
    assert "--json" in options


@pytest.mark.parametrize("arguments", ["--help", "-h", "--version", "documnets"])
def test_help_answers_without_heavy_imports(arguments):
    code = (
        "import sys; sys.argv = ['autolabel', sys.argv[1]]\n"
        "from autolabel_app.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print('loaded:', [m for m in {HEAVY} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, arguments], capture_output=True, text=True, cwd=CHECKOUT
    )
    assert done.stdout.splitlines()[-1] == "loaded: []", done.stderr


def test_help_lists_all_commands(run):
    status, out, _ = run("--help")
    assert status == 0
    assert all(f"  {name} " in out for name in cli.COMMANDS)


USAGE = {
    "unknown command": (["documnets", "c"], "No command `documnets`. Did you mean `documents`?"),
    "unknown command, nothing near": (["xyzzy"], "No command `xyzzy`."),
    "unknown option": (["documents", "c", "--sorted", "x"], "--sort"),
    "no argument": (["documents"], "COLLECTION"),
    "limit": (["documents", "c", "--limit", "-1"], "-1"),
    "no label": (["label", "c", "a.txt"], "Give KEY and LABEL"),
    "withdraw without keys": (["label", "c", "--withdraw"], "Give --withdraw with KEY"),
    "filter to label": (["label", "c", "--filter", "label:eq:x"], "give --withdraw with it"),
    "csv and key": (["label", "c", "a.txt", "--csv", "x"], "--csv contains keys and labels"),
    "csv and field": (
        ["label", "c", "--csv", "x", "--field", "a=b"],
        "--csv contains keys and labels",
    ),
    "field": (["label", "c", "a.txt", "x", "--field", "a"], "expected NAME=VALUE"),
}


@pytest.mark.parametrize(("arguments", "said"), USAGE.values(), ids=USAGE)
def test_wrong_usage_is_status_2(run, home, arguments, said):
    home.declare("c")
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert said in err


ERRORS = {
    "collection": (["documents", "d"], "No collection `d`. Declared: c."),
    "field": (["documents", "c", "--filter", "labl:eq:x"], "No field `labl`"),
    "operator": (["documents", "c", "--filter", "label:equals:x"], "Unknown operator 'equals'"),
    "filter": (["documents", "c", "--filter", "label"], '"field:operator:value"'),
    "sort": (["documents", "c", "--sort", "labl"], "No field `labl`"),
    "sql": (["query", "SELEC 1"], "The query failed: Parser Error"),
    "sql writes": (["query", "DROP VIEW x"], "one reading statement"),
    "key": (["label", "c", "absent", "x"], "no object with the key 'absent'"),
    "csv": (["label", "c", "--csv", "absent.csv"], "absent.csv cannot be read"),
    "label": (["label", "c", "a.txt", " "], "found only whitespace"),
    "withdraw a label": (["label", "c", "a.txt", "x", "--withdraw"], "no object with the key 'x'"),
}


@pytest.mark.parametrize(("arguments", "said"), ERRORS.values(), ids=ERRORS)
def test_an_error_is_clear_and_status_1(run, home, arguments, said):
    home.declare("c")
    home.put("c", {"a.txt": 0})
    status, out, err = run(*arguments)
    assert (status, out) == (1, "")
    assert err.startswith("Error: ")
    assert said in err
    assert "Traceback" not in err
    assert err.splitlines()[1:] in ([], ["Nothing was recorded."])


def test_a_wrong_declaration_is_told_by_every_command(run, home):
    home.declare("c", "batch_sise: 1")
    status, _, err = run("documents", "c")
    assert status == 1
    assert "c.yaml:1: batch_sise (found `1`): unknown key. Did you mean `batch_size`?" in err


def test_a_disk_that_refuses_is_one_line(run, home):
    home.declare("c")
    (home.paths.home / "buckets").write_text("a file where a folder should be")
    status, _, err = run("label", "c", "a.txt", "x")
    assert (status, len(err.splitlines())) == (1, 1)


def test_documents_as_table_and_as_json(run, swept):
    status, out, _ = run("documents", "c", "--sort", "-key")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == ["key", "z.txt", "b.txt", "a.txt"]
    _, out, _ = run("documents", "c", "--filter", "label_source:eq:auto", "--json")
    (record,) = json.loads(out)
    assert (record["key"], record["label"], record["side"]) == ("b.txt", "front", "front")
    assert run("documents", "c", "--filter", "label:eq:nothing")[1] == "No documents.\n"
    assert run("documents", "c", "--filter", "label:eq:nothing", "--json")[1] == "[]\n"
    assert run("documents", "c", "--limit", "1", "--json")[1].count('"key"') == 1


def test_query_as_table_and_as_json(run, swept):
    sql = "SELECT side, count(*) AS n, 1/0 AS x FROM c.documents GROUP BY side ORDER BY n DESC"
    assert json.loads(run("query", sql, "--json")[1]) == [
        {"side": "front", "n": 2, "x": None},
        {"side": None, "n": 1, "x": None},
    ]
    assert "front" in run("query", sql)[1]
    assert run("query", "SELECT 1 AS a WHERE false")[1] == "No rows.\n"
    long = "SELECT range(100) AS numbers"
    _, out, err = run("query", long)
    assert "0, 1, 2" in out and len(out.splitlines()) == 2 and "--json" in err
    assert json.loads(run("query", long, "--json")[1])[0]["numbers"] == list(range(100))


def test_labels_come_one_by_one_from_a_csv_and_go_again(run, swept, tmp_path):
    file = tmp_path / "labels.csv"
    file.write_text("key,side\nb.txt,front\nz.txt,Front\n")
    status, out, err = run("label", "c", "--csv", str(file))
    assert (status, out) == (
        0,
        "2 labels recorded; `autolabel sweep c` applies them to all data.\n",
    )
    assert err.startswith('Warning: "Front" differs only in case')
    _, out, _ = run("label", "c", "z.txt", "--withdraw", "--reason", "a slip", "--json")
    assert json.loads(out) == {"recorded": 1, "warnings": []}
    events = swept.ledger.annotations("c")
    assert [(e.key, e.label, e.origin) for e in events] == [
        ("a.txt", "front", "cli"),
        ("b.txt", "front", "csv"),
        ("z.txt", "Front", "csv"),
        ("z.txt", None, "cli"),
    ]
    assert (events[0].annotator, events[-1].reason) == ("ann", "a slip")


@pytest.mark.slow
def test_output_survives_an_old_terminal(swept, home):
    home.put("c", {"ü 文.txt": 5})
    environ = {**os.environ, **home.paths.environment, "PYTHONIOENCODING": "ascii"}
    code = "import sys; from autolabel_app.cli import main; main()"
    label = [sys.executable, "-c", code, "label", "c", "ü 文.txt", "größe"]
    subprocess.run(label, env=environ, cwd=CHECKOUT, check=True, capture_output=True)
    sql = "SELECT key, label FROM c.annotations WHERE key LIKE '%文%'"
    for form in ([], ["--json"]):
        query = [sys.executable, "-c", code, "query", sql, *form]
        done = subprocess.run(query, env=environ, cwd=CHECKOUT, capture_output=True)
        assert done.returncode == 0, done.stderr
        assert done.stdout.decode("ascii")
    assert json.loads(done.stdout) == [{"key": "ü 文.txt", "label": "größe"}]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (True, "yes"),
        (0.5, "0.5000"),
        (7, "7"),
        ({"a": 1, "b": None}, "a 1, b –"),
        ("two\nlines", "two\\nlines"),
        ("\x1b[2Jcleared", "\\x1b[2Jcleared"),
    ],
)
def test_values_are_shown_for_people(value, text):
    assert shown(value) == text


def test_tables_fold_and_never_read_markup(capsys):
    emit_table([{"key": "[red]x[/red]", "n": 1.0}, {"key": "y" * 300, "n": None}])
    out = capsys.readouterr().out
    assert "[red]x[/red]" in out
    assert out.count("y") == 300 + len("key") - 2
    emit_table([], empty="nothing")
    assert capsys.readouterr().out == "nothing\n"


def test_percent():
    assert (percent(0.125), percent(None)) == ("12.5%", "–")


def test_paths_come_from_the_environment(run, home):
    assert Paths.from_environment() == home.paths
