"""What a database refuses is one line at the command line."""

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from autolabel_app import cli
from autolabel_app.database_errors import explained


def filled():
    """Fill a real database whose pages are counted."""
    with create_engine("sqlite://").begin() as connection:
        connection.execute(text("CREATE TABLE t (x)"))
        connection.execute(text("PRAGMA max_page_count = 2"))
        connection.execute(text("INSERT INTO t VALUES (zeroblob(100000))"))


def test_a_full_disk_is_told_with_the_cure():
    with pytest.raises(DBAPIError) as caught:
        filled()
    assert "The disk is full" in explained(caught.value)
    assert "run the same command again" in explained(caught.value)


def test_what_else_a_database_refuses_names_what_to_look_at():
    with pytest.raises(DBAPIError) as caught, create_engine("sqlite://").begin() as connection:
        connection.execute(text("SELECT * FROM absent"))
    assert "no such table" in explained(caught.value)
    assert "AUTOLABEL_LEDGER_URL" in explained(caught.value)


def test_the_command_line_prints_one_line_and_fails(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli.root, "main", lambda **_: filled())
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err.splitlines() == [
        (
            "Error: The disk is full (database or disk is full). Free some space and run the same "
            "command again; nothing is lost."
        )
    ]
