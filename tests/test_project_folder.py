"""A project is found from every folder below it, and its settings are the same in each."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from autolabel_app.dev import run_dagster_dev
from autolabel_app.project_files import COLLECTION, FILES, write_project
from autolabel_core.declarations import load_collections
from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.foundation.paths import Paths
from autolabel_core.foundation.project_folder import (
    MARKER,
    check_state_exists,
    find_project,
    with_project,
)
from autolabel_core.matching.decision import Rule
from autolabel_core.matching.decision_engine import DecisionEngine
from autolabel_core.matching.scores.choice import fit_score
from autolabel_core.models.extractors import embed_checked, load_extractor
from benchmarks.datasets import digits


@pytest.fixture
def project(tmp_path):
    write_project(tmp_path / "shop")
    return tmp_path / "shop"


def command(folder, *arguments, **environ):
    """Run the command line in a folder, as a user who exported nothing."""
    code = "from autolabel_app.cli import main; main()"
    clean = {name: v for name, v in os.environ.items() if not name.startswith("AUTOLABEL_")}
    clean.pop("DAGSTER_HOME", None)
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(Path(__file__).parent.parent), **environ},
        capture_output=True,
        text=True,
    )


def test_a_project_is_found_from_every_folder_below(project):
    deep = project / "a" / "b"
    deep.mkdir(parents=True)
    assert find_project(project) == find_project(deep) == project
    assert find_project(project.parent) is None
    (deep / MARKER).touch()
    assert find_project(deep) == deep, "the nearest one"


def test_a_project_names_its_own_folders(project):
    environ = with_project({}, project / "collections")
    paths = Paths.from_environment(environ)
    assert paths.home == project / ".autolabel"
    assert paths.collections == project / "collections"
    assert environ["DAGSTER_HOME"] == str(project), "where its dagster.yaml lies"


def test_the_environment_wins_over_env_and_env_over_the_folders(project, tmp_path):
    (project / ".env").write_text("AUTOLABEL_COLLECTIONS=declared\nAUTOLABEL_ANNOTATOR=ann\n")
    environ = with_project({"AUTOLABEL_ANNOTATOR": "bo", "AUTOLABEL_HOME": ""}, project)
    assert environ["AUTOLABEL_ANNOTATOR"] == "bo"
    assert environ["AUTOLABEL_COLLECTIONS"] == str(project / "declared")
    assert environ["AUTOLABEL_HOME"] == str(project / ".autolabel"), "empty is not set"
    elsewhere = with_project({"AUTOLABEL_HOME": str(tmp_path)}, project)
    assert "DAGSTER_HOME" not in elsewhere, "runs belong to the state that they speak of"
    assert with_project({"A": "1"}, tmp_path) == {"A": "1"}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("AUTOLABEL_HOME=state", "state"),
        ("AUTOLABEL_WAREHOUSE=s3://bucket/prefix", None),
        ("AUTOLABEL_WAREHOUSE='../w h'", "../w h"),
        ("AUTOLABEL_LEDGER_URL=sqlite:///ledger.sqlite", "ledger.sqlite"),
        ("AUTOLABEL_LEDGER_URL=postgresql://host/db", None),
    ],
)
def test_paths_in_env_are_relative_to_the_project(project, written, expected):
    (project / ".env").write_text(written + "\n")
    name, _, text = written.partition("=")
    value = with_project({}, project / "collections")[name]
    if expected is None:
        assert value == text
    else:
        plain = Path(value.removeprefix("sqlite:///"))
        assert plain == (project / expected).resolve()


def test_what_init_writes_can_be_read(project):
    (collection,) = load_collections(project / "collections").values()
    assert collection.collection_name == "products"
    assert collection.source.buckets[0].uri == str(project / "data/products")
    assert (project / "data/products").is_dir()
    assert len((project / "README.md").read_text().splitlines()) <= 10


def test_init_leaves_what_is_there(tmp_path):
    (tmp_path / "collections").mkdir()
    (tmp_path / "collections/mine.yaml").write_text("{}")
    (tmp_path / "README.md").write_text("mine")
    written = write_project(tmp_path)
    assert (tmp_path / "README.md").read_text() == "mine"
    assert not written["README.md"] and not written["collections/products.yaml"]
    assert not (tmp_path / "data").exists()
    assert not any(write_project(tmp_path).values())


def test_init_says_what_to_do_next(tmp_path):
    done = command(tmp_path, "init", "shop")
    assert done.returncode == 0, done.stderr
    for name in FILES:
        assert name in done.stdout and (tmp_path / "shop" / name).is_file()
    assert "cd shop" in done.stdout and "autolabel sweep" in done.stdout
    again = command(tmp_path, "init", "shop")
    assert again.returncode == 0 and "was a project already" in again.stdout
    (tmp_path / "file").touch()
    refused = command(tmp_path, "init", "file")
    assert refused.returncode == 1 and "name a folder" in refused.stderr


def test_a_command_below_the_project_needs_no_variable(project):
    done = command(project / "data", "documents", "products")
    assert (done.returncode, done.stdout, done.stderr) == (0, "No documents.\n", "")


def test_no_collections_are_one_line_with_the_cure(tmp_path):
    done = command(tmp_path, "status", "x", AUTOLABEL_COLLECTIONS=str(tmp_path / "none"))
    assert done.returncode == 1 and "autolabel init" in done.stderr


def test_dagster_is_not_started_where_env_and_environment_disagree(project, monkeypatch):
    (project / ".env").write_text("AUTOLABEL_HOME=state\n")
    monkeypatch.chdir(project)
    monkeypatch.setenv("AUTOLABEL_HOME", "/elsewhere")
    with pytest.raises(AutolabelError, match="unset one"):
        run_dagster_dev([])


def test_the_example_is_the_commented_one():
    assert COLLECTION.count("#") >= 8


READING = [
    *(["status", "products"], ["documents", "products"], ["threshold", "products"]),
    *(["query", "SELECT 1"], ["webhooks", "deliveries"], ["label", "products", "a", "b"]),
]


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_outside_of_any_project_nothing_is_written(tmp_path, arguments):
    done = command(tmp_path, *arguments)
    assert done.returncode == 1
    assert f"no {MARKER} in {tmp_path} or in a folder above it" in done.stderr
    assert "autolabel init FOLDER" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_where_state_was_begun_it_is_read_without_a_project(tmp_path):
    check_state_exists({"AUTOLABEL_HOME": str(tmp_path / "to be made")}, tmp_path)
    with pytest.raises(NotFoundError, match="AUTOLABEL_HOME is not set"):
        check_state_exists({"AUTOLABEL_HOME": ""}, tmp_path)
    (tmp_path / ".autolabel").mkdir()
    check_state_exists({}, tmp_path)


def test_a_first_sweep_of_a_new_project_labels_neither_all_nor_nothing(project):
    """Half of the digits have three labels each, the other half is unknown."""
    (declared,) = load_collections(project / "collections").values()
    images, truth = digits(32)
    extractor = load_extractor(declared.feature_extractor.feature_extractor_name, "v1", None, {})
    vectors = embed_checked(extractor, images[:400])
    first = [np.flatnonzero(truth[:400] == name)[:3] for name in "01234"]
    references = np.sort(np.concatenate(first))
    labels = truth[references].astype(object)
    rest = np.setdiff1d(np.arange(400), references)
    rule = Rule(declared.taxonomy.lowest_confidence, score=declared.taxonomy.score)
    score = fit_score(rule.score, vectors[references], labels, vectors.mean(axis=0))
    engine = DecisionEngine(vectors[references], labels, rule, score)
    decided = engine.decide(vectors[rest])
    right = (decided.label == truth[rest])[decided.matched]
    assert 0.2 < decided.matched.mean() < 0.7
    assert right.mean() > 0.7
