from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from autolabel_core.foundation.paths import CHECKOUT, Paths, annotator_name, definitions_file


def test_defaults_lie_in_the_working_directory_and_the_checkout(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = Paths.from_environment({})
    assert paths.home == tmp_path / ".autolabel"
    assert paths.collections == CHECKOUT / "autolabel_assets/collections"
    assert make_url(paths.ledger_url).database == str(paths.home / "ledger.sqlite")


def test_every_setting_comes_from_its_variable(tmp_path):
    environ = {
        "AUTOLABEL_HOME": str(tmp_path / "a/../h"),
        "AUTOLABEL_COLLECTIONS": "~/declared",
        "AUTOLABEL_LEDGER_URL": "postgresql+psycopg://host/db",
    }
    paths = Paths.from_environment(environ)
    assert paths.home == tmp_path / "h"
    assert paths.collections == Path.home() / "declared"
    assert paths.ledger_url == "postgresql+psycopg://host/db"


def test_an_empty_variable_counts_as_not_set(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    empty = dict.fromkeys(("AUTOLABEL_HOME", "AUTOLABEL_COLLECTIONS", "AUTOLABEL_LEDGER_URL"), "")
    assert Paths.from_environment(empty) == Paths.from_environment({})


def test_another_process_sees_the_same_paths(tmp_path):
    paths = Paths.from_environment({"AUTOLABEL_HOME": str(tmp_path / "100% ?#ü")})
    assert Paths.from_environment(paths.environment) == paths


def test_all_state_lies_under_home(tmp_path):
    paths = Paths.from_environment({"AUTOLABEL_HOME": str(tmp_path)})
    state = [paths.warehouse, paths.vector_index, paths.buckets, paths.locks, paths.dagster_home]
    assert len(set(state)) == 5
    assert all(folder.parent == tmp_path for folder in state)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("environ", "name"), [({"AUTOLABEL_ANNOTATOR": "ann"}, "ann")])
def test_the_annotator_is_named(environ, name):
    assert annotator_name(environ) == name
    assert annotator_name({})


def test_the_code_location_is_the_installed_one_or_named():
    assert definitions_file({}).resolve() == CHECKOUT / "definitions.py"
    assert definitions_file({"AUTOLABEL_DEFINITIONS": "/x.py"}) == Path("/x.py")
