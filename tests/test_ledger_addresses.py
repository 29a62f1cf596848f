"""Where a ledger is: spellings of the URL, schemas as namespaces, passwords never shown."""

from __future__ import annotations

import pytest
from test_ledger import label

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.ledger import Ledger


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_postgresql_opens(postgresql, scheme):
    url = postgresql.url().replace("postgresql+psycopg", scheme)
    assert Ledger(url).append_annotations([label("d", "a")]) == 1
    assert len(Ledger(url).annotations("c")) == 1


@pytest.mark.parametrize("path", ["{0}", "{0},{1}", "{0},public"])
def test_a_schema_is_a_namespace(postgresql, path):
    """A schema is made when it is missing, and what lies in another one is not seen."""
    one, two = (f"{name}_{abs(hash(path))}" for name in ("one", "two"))
    first = Ledger(postgresql.url(one))
    first.append_annotations([label("d", "a")])
    Ledger(postgresql.url("public"))
    other = Ledger(postgresql.url(path.format(two, one)))
    assert other.annotations("c") == []
    other.append_annotations([label("d", "b"), label("e", "b")])
    assert [a.label for a in first.annotations("c")] == ["a"]
    assert postgresql.run(f"SELECT count(*) FROM {two}.events") == [(2,)]


REFUSED = {
    "no server": ("postgresql://u:sesame@127.0.0.1:9/x", "cannot be used:.*server runs"),
    "no such host": ("postgresql://u:sesame@nowhere.invalid/x", "cannot be used:.*server runs"),
    "an @ in the password": ("postgresql://u:open@sesame@host/x", "Write it as %40"),
    "no port": ("postgresql://u@host:sesame/x", "its URL is unreadable"),
    "another driver": ("postgresql+psycopg2://u:sesame@host/x", "neither SQLite nor PostgreSQL"),
    "an unknown option": ("postgresql://u:sesame@host/x?colour=red", "cannot be used"),
    "a password as an option": ("postgresql://u@127.0.0.1:9/x?password=sesame", "cannot be used"),
    "memory": ("sqlite://", "in memory would lose"),
}


@pytest.mark.parametrize(("url", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_opened_is_said_in_one_line_without_the_password(url, said):
    with pytest.raises(AutolabelError, match=said) as caught:
        Ledger(url)
    assert "sesame" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_missing_database_is_named(postgresql):
    with pytest.raises(AutolabelError, match='database "missing" does not exist'):
        Ledger(postgresql.url().replace("/postgres?", "/missing?"))
