"""Ledgers of every age open, once; the revisions make exactly the declared tables."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from test_ledger import label

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.ledger import Arrival, Delivery, Ledger
from autolabel_core.ledger.backup import restore
from autolabel_core.ledger.database import Database
from autolabel_core.ledger.schema import VERSION, metadata
from autolabel_core.ledger.upgrading import apply_revisions, version_of

FIRST = """
CREATE TABLE arrivals (id INTEGER NOT NULL, collection VARCHAR(200) NOT NULL,
  document_id VARCHAR(40) NOT NULL, key TEXT NOT NULL, batch VARCHAR(40) NOT NULL,
  event VARCHAR(10) NOT NULL, version TEXT NOT NULL, recorded_at VARCHAR(32) NOT NULL,
  PRIMARY KEY (id));
CREATE INDEX arrivals_by_document ON arrivals (collection, document_id, id);
CREATE TABLE annotations (id INTEGER NOT NULL, event_id VARCHAR(64) NOT NULL,
  collection VARCHAR(200) NOT NULL, document_id VARCHAR(40) NOT NULL, key TEXT NOT NULL,
  action VARCHAR(10) NOT NULL, label TEXT, fields JSON NOT NULL, content_hash VARCHAR(64) NOT NULL,
  source VARCHAR(10) NOT NULL, annotator TEXT NOT NULL, origin VARCHAR(20) NOT NULL, reason TEXT,
  provenance JSON NOT NULL, recorded_at VARCHAR(32) NOT NULL, PRIMARY KEY (id), UNIQUE (event_id));
CREATE INDEX annotations_by_document ON annotations (collection, document_id, id);
CREATE TABLE audits (id INTEGER NOT NULL, collection VARCHAR(200) NOT NULL,
  document_id VARCHAR(40) NOT NULL, key TEXT NOT NULL, content_hash VARCHAR(64) NOT NULL,
  auto_label TEXT NOT NULL, verdict VARCHAR(10) NOT NULL, corrected_label TEXT,
  auditor TEXT NOT NULL, recorded_at VARCHAR(32) NOT NULL, PRIMARY KEY (id));
CREATE INDEX audits_by_document ON audits (collection, document_id, id);
INSERT INTO arrivals VALUES (1, 'c', 'd1', 'a', 'batch_000001', 'created', 'v', 'then');
INSERT INTO annotations VALUES (1, 'e1', 'c', 'd1', 'a', 'label', 'cat', '{}', 'h', 'human', 'me',
  'cli', NULL, '{}', 'then');
"""
"""A ledger as it was before revisions had numbers."""


def write_old(file: Path, version: str | None = None) -> str:
    with sqlite3.connect(file) as connection:
        connection.executescript(FIRST)
        if version is not None:
            connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
            connection.execute("INSERT INTO alembic_version VALUES (?)", (version,))
    connection.close()
    return f"sqlite:///{file}"


def check_old_facts(url: str) -> None:
    ledger = Ledger(url)
    assert ledger.objects("c") == {"d1": Arrival("d1", "a", "batch_000001", "created", "v")}
    assert [a.label for a in ledger.annotations("c")] == ["cat"]
    assert ledger.events_after(0) == []
    ledger.append_annotations([label("d1", "dog")])
    ledger.record_arrivals("c", lambda known: [known["d1"]._replace(event="updated")])
    kinds = [e.event_type for e in ledger.events_after(0)]
    assert kinds == ["annotation.updated", "object.updated"]


@pytest.mark.parametrize("version", [None, "0001"])
def test_an_older_sqlite_ledger_is_brought_up_to_date(tmp_path, version):
    check_old_facts(write_old(tmp_path / "l.sqlite", version))


def test_an_older_postgresql_ledger_is_brought_up_to_date(postgresql):
    url = postgresql.url("older")
    postgresql.run("CREATE SCHEMA older")
    ids = FIRST.replace("id INTEGER NOT NULL,", "id BIGSERIAL NOT NULL,")
    for statement in filter(str.strip, ids.split(";")):
        text = statement.strip()
        for table in ("arrivals", "annotations", "audits"):
            text = text.replace(f"TABLE {table} ", f"TABLE older.{table} ")
            text = text.replace(f" ON {table} ", f" ON older.{table} ")
            text = text.replace(f"INTO {table} ", f"INTO older.{table} ")
        postgresql.run(text)
    for table in ("arrivals", "annotations"):
        postgresql.run(f"SELECT nextval('older.{table}_id_seq')")
    check_old_facts(url)


OLD_DELIVERIES = """
INSERT INTO deliveries (id, endpoint, event_id, attempt, outcome, status_code, detail,
  next_attempt_at, recorded_at) VALUES
  (1, 'hook', 'endpoint.declared', 0, 'delivered', NULL, '7', NULL, 'then'),
  (2, 'hook', 'e1', 1, 'failed', 429, 'Retry-After 30 s; slow down', 'later', 'then'),
  (3, 'hook', 'e2', 1, 'failed', 503, 'Retry-After was not sent', 'later', 'then'),
  (4, 'hook', 'endpoint.disabled', 0, 'delivered', NULL, 'abcd1234', NULL, 'then');
"""
"""As before deliveries had columns for what the program reads of them."""

TODAYS_DELIVERIES = [
    Delivery("hook", "endpoint.declared", 0, "delivered", recorded_at="then", settled_to=7),
    Delivery("hook", "e1", 1, "failed", 429, "Retry-After 30 s; slow down", "later", "then", 30.0),
    Delivery("hook", "e2", 1, "failed", 503, "Retry-After was not sent", "later", "then"),
    Delivery(
        "hook", "endpoint.disabled", 0, "delivered", recorded_at="then", address_hash="abcd1234"
    ),
]


def with_old_deliveries(url: str) -> Database:
    database = Database(url)
    with database.writing() as connection:
        apply_revisions(connection, "0003")
        connection.exec_driver_sql(OLD_DELIVERIES)
    return database


def test_deliveries_keep_what_older_versions_wrote_into_their_texts(url):
    with_old_deliveries(url)
    assert Ledger(url).deliveries() == TODAYS_DELIVERIES


def test_an_older_export_is_restored_as_the_revisions_leave_it(url, tmp_path):
    with with_old_deliveries(f"sqlite:///{tmp_path / 'old.sqlite'}").reading() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM deliveries").mappings().all()
    header = {"autolabel_ledger": 1, "version": "0003", "rows": {"deliveries": len(rows)}}
    entries = [header, *({"table": "deliveries", "row": dict(row)} for row in rows)]
    (tmp_path / "export").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    ledger = Ledger(url)
    assert restore(ledger, tmp_path / "export")["deliveries"] == len(rows)
    assert ledger.deliveries() == TODAYS_DELIVERIES
    ledger.append_deliveries([Delivery("hook", "e3", 1, "delivered")])
    assert len(ledger.deliveries()) == len(rows) + 1


def test_a_newer_ledger_is_refused(tmp_path):
    url = write_old(tmp_path / "l.sqlite", "9999")
    with pytest.raises(AutolabelError, match=rf"version 9999.*knows {VERSION}.*[Ii]nstall"):
        Ledger(url)


def test_a_foreign_table_is_refused(tmp_path):
    with sqlite3.connect(tmp_path / "l.sqlite") as connection:
        connection.execute("CREATE TABLE annotations (id INTEGER, text TEXT)")
    with pytest.raises(AutolabelError, match="`annotations` that is no ledger's: it lacks action"):
        Ledger(f"sqlite:///{tmp_path / 'l.sqlite'}")
    with sqlite3.connect(tmp_path / "l.sqlite") as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
    assert tables == [("annotations",)]


def test_the_revisions_make_the_declared_tables(url):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with Ledger(url).database.reading() as connection:
        assert version_of(connection) == VERSION
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_opening_at_once_makes_the_tables_once(url):
    with ThreadPoolExecutor(8) as pool:
        ledgers = list(pool.map(Ledger, [url] * 8))
    assert [ledger.append_events([]) for ledger in ledgers] == [0] * 8


def test_opening_a_ledger_of_today_needs_no_alembic(tmp_path):
    url = f"sqlite:///{tmp_path / 'l.sqlite'}"
    Ledger(url)
    script = (
        "import sys\n"
        "from autolabel_core.ledger import Ledger\n"
        "Ledger(sys.argv[1])\n"
        "print('alembic' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, url], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
