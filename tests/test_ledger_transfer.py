"""What a ledger holds comes back whole from a file, in another database too."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from test_ledger import label

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.ledger import (
    AlertFiring,
    Arrival,
    AuditVerdict,
    Delivery,
    Event,
    Ledger,
    Request,
)
from autolabel_core.ledger.backup import backup, export, restore
from autolabel_core.ledger.rows import append
from autolabel_core.ledger.schema import VERSION, metadata

LATER = (
    *("cluster_runs", "cluster_events", "box_annotations", "class_ids", "gold_images"),
    *("model_versions", "gate_results", "certifications", "doubt_decisions", "rules", "exports"),
    "gold_judgements",
)


def fill(ledger: Ledger) -> None:
    arrivals = [Arrival(f"d{i}", "kéy\n", "batch_000001", "created", "1") for i in range(1500)]
    ledger.record_arrivals("c", lambda known: arrivals)
    ledger.append_annotations(
        [label("d1", "Ünïcode 🦊", fields={"a": "1"}, provenance={"score": 0.1, "from": [None]})]
    )
    ledger.append_audits("c", [AuditVerdict("d1", "a", "h", "cat", "wrong", "dog", "me")])
    ledger.append_events([Event("e1", "batch.completed", "c", "b", {"n": 1e-300})])
    ledger.append_deliveries([Delivery("hook", "e1", 1, "failed", 500, "no\u2028", "later")])
    ledger.append_requests([Request("r1", "c", "retrain")])
    ledger.append_alert_firings([AlertFiring("c", "alert", "f", 0.1 + 0.2, {"x": [1]})])
    with ledger.database.writing() as connection:
        for name in LATER:
            append(connection, metadata.tables[name], [sample_row(name)])


def sample_row(table: str) -> dict[str, object]:
    """A row with a value of each column's own kind, where nothing else writes the table here."""
    kinds = {str: "ü\u2028", int: 7, float: 0.1 + 0.2, object: {"x": [1, None]}}
    columns = metadata.tables[table].columns
    return {c.name: kinds[c.type.python_type] for c in columns if c.name != "id"}


def lines(ledger: Ledger, file: Path) -> list[str]:
    export(ledger, file)
    return file.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def other(request, tmp_path):
    """An empty ledger in the other database."""
    if "sqlite" in request.node.callspec.params["url"]:
        return Ledger(request.getfixturevalue("postgresql").url())
    return Ledger(f"sqlite:///{tmp_path / 'other.sqlite'}")


@pytest.mark.parametrize("write", [backup, export])
def test_everything_comes_back_in_the_other_database(url, other, tmp_path, write):
    ledger = Ledger(url)
    fill(ledger)
    write(ledger, tmp_path / "file")
    counts = restore(other, tmp_path / "file")
    assert counts == {
        "arrivals": 1500,
        "annotations": 1,
        "audits": 1,
        "events": 1503,
        "deliveries": 1,
        "requests": 1,
        "alert_firings": 1,
        **dict.fromkeys(LATER, 1),
    }
    assert lines(other, tmp_path / "there") == lines(ledger, tmp_path / "here")
    other.append_annotations([label("d2", "x")])
    assert [a.label for a in other.annotations("c")] == ["Ünïcode 🦊", "x"]
    other.record_arrivals("c", lambda known: [known["d1"]._replace(event="deleted")])
    assert other.objects("c")["d1"].event == "deleted"


def test_the_export_says_what_it_is(url, tmp_path):
    ledger = Ledger(url)
    ledger.append_requests([Request("r1", "c", "retrain")])
    header, *rows = map(json.loads, lines(ledger, tmp_path / "file"))
    assert (header["autolabel_ledger"], header["version"]) == (1, VERSION)
    assert sum(header["rows"].values()) == len(rows) == 1
    assert (rows[0]["table"], rows[0]["row"]["request_id"]) == ("requests", "r1")


def test_a_ledger_with_rows_is_kept_as_it_is(url, tmp_path):
    ledger = Ledger(url)
    export(ledger, tmp_path / "empty")
    fill(ledger)
    with pytest.raises(AutolabelError, match=r"holds 3020 rows already; nothing was restored"):
        restore(ledger, tmp_path / "empty")
    assert len(ledger.objects("c")) == 1500


def cut(text: str) -> str:
    return "\n".join(text.splitlines()[:-1]) + "\n"


BROKEN = {
    "cut off after a line": (cut, "is not whole: it announces 3020 rows and holds 3019"),
    "cut off in a line": (lambda text: text[:-9], "line 3021: no JSON"),
    "a newer version": (lambda t: t.replace(f'"{VERSION}"', '"0999"', 1), "expected format 1"),
    "no header": (lambda t: t.partition("\n")[2], "expected format 1"),
    "another column": (lambda t: t.replace('"kind"', '"sort"'), "fits no table: `requests`"),
    "twice the same": (
        lambda t: t + t.splitlines()[-1] + "\n",
        "line 3022: the id 1 of `exports`",
    ),
    "no row": (lambda t: t + "[1]\n", "line 3022: no row"),
    "empty": (lambda _: "", "expected format 1"),
}


@pytest.mark.parametrize(("damage", "said"), BROKEN.values(), ids=BROKEN)
def test_a_damaged_file_restores_nothing(tmp_path, damage, said):
    ledger = Ledger(f"sqlite:///{tmp_path / 'l.sqlite'}")
    fill(ledger)
    export(ledger, tmp_path / "file")
    text = (tmp_path / "file").read_text(encoding="utf-8")
    (tmp_path / "file").write_text(damage(text), encoding="utf-8")
    fresh = Ledger(f"sqlite:///{tmp_path / 'fresh.sqlite'}")
    with pytest.raises(AutolabelError, match=said):
        restore(fresh, tmp_path / "file")
    assert len(lines(fresh, tmp_path / "after")) == 1


def edited(number: int, table: str, **changed: object) -> Callable[[str], str]:
    """Change values of the row of a table that is `number`th in the file, from 0."""

    def edit(text: str) -> str:
        rows = text.splitlines()
        places = [n for n, row in enumerate(rows) if f'{{"table":"{table}"' in row]
        row = json.loads(rows[places[number]])
        row["row"].update(changed)
        rows[places[number]] = json.dumps(row)
        return "\n".join(rows) + "\n"

    return edit


def announcing(rows: object) -> Callable[[str], str]:
    return lambda text: (
        json.dumps({"autolabel_ledger": 1, "version": VERSION, "rows": rows})
        + "\n"
        + text.partition("\n")[2]
    )


HOSTILE = {
    "a number for a text": (edited(0, "annotations", key=5), "line 1502: `key` .* is 5"),
    "a text for a number": (edited(0, "deliveries", attempt="1"), "`attempt` .*whole number"),
    "true for a number": (edited(0, "class_ids", class_id=True), "`class_id` .* is True"),
    "a huge number": (edited(0, "class_ids", class_id=10**400), "a number of 1329 bits"),
    "a huge id": (edited(0, "requests", id=2**63), "`id` of `requests` .*whole number"),
    "an id below one": (edited(0, "requests", id=0), "expected a greater one"),
    "no finite number": (edited(0, "alert_firings", value=1e999), "`value` .*finite"),
    "no finite number inside": (edited(0, "events", payload={"a": [1e999]}), "`payload` .*finite"),
    "null": (edited(0, "events", subject=None), "`subject` of `events` is null"),
    "a list for an object": (edited(0, "events", payload=[1]), "`payload` .*expected an object"),
    "half a character": (edited(0, "annotations", label="\ud800"), "without half characters"),
    "half a character inside": (edited(0, "events", payload={"\udfff": 1}), "half characters"),
    "NUL": (edited(0, "annotations", reason="a\0b"), "NUL"),
    "a repeated id": (edited(7, "arrivals", id=7), "line 9: the id 7 of `arrivals`"),
    "a repeated identity": (
        edited(5, "events", event_id="e1"),
        r"line \d+: `events` has the same event_id in an earlier row",
    ),
    "nested": (lambda t: t + "[" * 200_000 + "\n", "line 3022: JSON nested too deeply"),
    "nested inside": (
        lambda t: edited(0, "events", payload={"a": None})(t).replace(
            '{"a": null}', '{"a":' * 200 + "1" + "}" * 200, 1
        ),
        "nested deeper than 100",
    ),
    "digits": (lambda t: t + "9" * 5000 + "\n", "line 3022: no JSON"),
    "an unknown table": (
        lambda t: t.replace('"table":"audits"', '"table":"sqlite_master"'),
        "no table",
    ),
    "counts as a list": (announcing([1]), "expected format 1"),
    "a count as a text": (announcing({"events": "7"}), 'line 1: `rows` has "events"'),
    "a count of no table": (announcing({"x": 7}), 'line 1: `rows` has "x"'),
}


@pytest.mark.parametrize(("damage", "said"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_export_restores_nothing_and_is_told_by_its_line(tmp_path, damage, said):
    test_a_damaged_file_restores_nothing(tmp_path, damage, said)


def test_a_line_that_is_no_utf_8_is_named(tmp_path):
    ledger = Ledger(f"sqlite:///{tmp_path / 'l.sqlite'}")
    fill(ledger)
    export(ledger, tmp_path / "file")
    content = (
        (tmp_path / "file").read_bytes().replace(b'"collection":"c"', b'"collection":"\xff"', 1)
    )
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(AutolabelError, match="line 2: no UTF-8"):
        restore(Ledger(f"sqlite:///{tmp_path / 'fresh.sqlite'}"), tmp_path / "file")


ENDLESS = "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id FROM n"
ALTERED = {
    "an endless view": (
        f"ALTER TABLE audits RENAME TO real; CREATE VIEW audits AS {ENDLESS}",
        "view `audits`: a backup has nothing but tables",
    ),
    "a trigger": (
        "CREATE TRIGGER t AFTER INSERT ON audits BEGIN DELETE FROM audits; END",
        "trigger `t`: a backup has nothing but tables",
    ),
    "no JSON": ("UPDATE events SET payload = '{' WHERE id = 3", "is damaged or no backup"),
    "a text for a number": (
        "UPDATE deliveries SET attempt = 'one'",
        "row 1 of `deliveries`: `attempt`",
    ),
    "another table": ("DROP TABLE audits; CREATE TABLE audits (id)", "cannot be used"),
}


@pytest.mark.parametrize(("sql", "said"), ALTERED.values(), ids=ALTERED)
def test_an_altered_backup_restores_nothing(tmp_path, sql, said):
    ledger = Ledger(f"sqlite:///{tmp_path / 'l.sqlite'}")
    fill(ledger)
    backup(ledger, tmp_path / "file")
    with closing(sqlite3.connect(tmp_path / "file")) as connection:
        connection.executescript(sql)
    fresh = Ledger(f"sqlite:///{tmp_path / 'fresh.sqlite'}")
    with pytest.raises(AutolabelError, match=said):
        restore(fresh, tmp_path / "file")
    assert len(lines(fresh, tmp_path / "after")) == 1


def test_no_file_is_written_over(url, tmp_path):
    ledger = Ledger(url)
    (tmp_path / "file").write_text("mine")
    for write in (backup, export):
        with pytest.raises(AutolabelError, match="exists and is kept"):
            write(ledger, tmp_path / "file")
        with pytest.raises(AutolabelError, match="no folder"):
            write(ledger, tmp_path / "missing" / "file")
    with pytest.raises(AutolabelError, match="no file"):
        restore(ledger, tmp_path / "nothing")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(AutolabelError, match="no backup or export"):
        restore(ledger, tmp_path / "bytes")


def test_the_command_line_moves_a_ledger(home, tmp_path):
    fill(home.workspace.ledger)
    first, second = home.paths.environment, {"AUTOLABEL_HOME": str(tmp_path / "second")}
    first["AUTOLABEL_LEDGER_URL"] = home.paths.ledger_url

    def run(environment: dict[str, str], *words: str, given: str | None = None) -> str:
        code = "from autolabel_app.cli import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", code, "ledger", *words],
            input=given,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=True,
            env={"PYTHONPATH": str(Path(__file__).parent.parent), "PYTHONUTF8": "1", **environment},
        )
        return done.stdout

    text = run(first, "export", "--out", "-")
    assert len(text.splitlines()) == 3021
    told = run(second, "restore", "-", given=text)
    assert told.startswith("Restored 1500 arrivals, 1 annotations")
    assert run(second, "export", "--out", "-") == text
    assert "MB" in run(second, "backup", str(tmp_path / "copy.sqlite"))
    assert "1500 arrivals" in run(first, "export", "--out", str(tmp_path / "lines"))
