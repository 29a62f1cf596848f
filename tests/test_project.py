"""The handle for notebooks does what the commands do, and the page about it is executed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.angle_samples import NAME, declaration, label

from autolabel_app.project_files import write_project
from autolabel_core import Project
from autolabel_core.declarations.conditions import parse_text
from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.tables.embeddings import Embeddings

ROOT = Path(__file__).resolve().parent.parent
ANGLES = {"a": 0, "b": 5, "c": 90, "d": "no number"}
QUIET = {"tell": lambda line: None}


@pytest.fixture
def angles_collection(workspace):
    return Project(workspace({NAME: declaration()}, {NAME: ANGLES})).collection(NAME)


def files_of(workspace):
    """Every derived file with its bytes."""
    root = workspace.paths.warehouse
    return {p.relative_to(root): p.read_bytes() for p in root.rglob("batch_*") if p.is_file()}


def test_a_project_opens_from_below_and_by_its_folder(tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.startswith(("AUTOLABEL_", "DAGSTER_")):
            monkeypatch.delenv(name)
    write_project(tmp_path / "shop")
    monkeypatch.chdir(tmp_path / "shop/data")
    assert Project.open().collections == ["products"]
    assert Project.open().workspace.paths.home == tmp_path / "shop/.autolabel"
    monkeypatch.setenv("AUTOLABEL_HOME", str(tmp_path / "other"))
    assert Project.open().workspace.paths.home == tmp_path / "other", "the environment wins"
    opened = Project.open(tmp_path / "shop/data")
    assert opened.workspace.paths.home == tmp_path / "shop/.autolabel", "what is named wins"
    shop = str(tmp_path / "shop/.autolabel")
    assert repr(opened.collection("products")) == f"ProjectCollection('products', {shop!r})"
    assert repr(opened) == f"Project({shop!r})"
    assert "NAMING_KEY" not in os.environ
    (tmp_path / "shop/.env").write_text("NAMING_KEY=k1\nAUTOLABEL_ANNOTATOR=ann\n")
    monkeypatch.setenv("NAMING_KEY", "")
    assert Project.open(tmp_path / "shop").annotator == "ann"
    assert os.environ["NAMING_KEY"] == "k1", "keys of other services are read from there"
    assert "AUTOLABEL_ANNOTATOR" not in os.environ, "another project may be opened next"
    with pytest.raises(AutolabelError, match="lies in no project"):
        Project.open(tmp_path)
    with pytest.raises(NotFoundError, match="products"):
        opened.collection("product")


def test_the_settings_of_one_project_are_not_those_of_another_in_one_process(tmp_path, monkeypatch):
    for name in ("NAMING_KEY", "AWS_ENDPOINT_URL"):
        monkeypatch.setenv(name, "x")
        monkeypatch.delenv(name)
    for name in "abc":
        write_project(tmp_path / name)
    (tmp_path / "a/.env").write_text("NAMING_KEY=k1\nAWS_ENDPOINT_URL=http://127.0.0.1:9000\n")
    (tmp_path / "b/.env").write_text("NAMING_KEY=k1\n")
    (tmp_path / "c/.env").write_text("NAMING_KEY=k2\n")
    assert Project.open(tmp_path / "a").workspace.s3.endpoint_url == "http://127.0.0.1:9000"
    assert Project.open(tmp_path / "b").workspace.s3.endpoint_url is None
    with pytest.raises(AutolabelError, match=r"NAMING_KEY has one value in .* two processes"):
        Project.open(tmp_path / "c")
    monkeypatch.setenv("NAMING_KEY", "k3")
    Project.open(tmp_path / "c")


def test_labels_from_a_data_frame_are_texts_and_a_missing_one_is_refused(angles_collection):
    angles_collection.label({"a": np.int64(3), "b": 4})
    given = angles_collection.opened.ledger.annotations(NAME)
    assert [event.label for event in given] == ["3", "4"]
    with pytest.raises(AutolabelError, match="'a': the label is nan; expected a text or a number"):
        angles_collection.label({"a": float("nan")})


def test_a_declaration_that_changed_is_read_anew(workspace, home):
    project = Project(workspace({NAME: declaration()}))
    assert project.collections == [NAME]
    home.declare("more", declaration())
    assert project.reload().collections == [NAME, "more"]


def test_a_sweep_without_dagster_writes_the_bytes_of_one_with(angles_collection, home, workspace):
    pytest.importorskip("dagster")
    registration = angles_collection.sweep(**QUIET)
    assert registration.created == 4
    angles_collection.label({"a": "left"})
    angles_collection.sweep(**QUIET)
    own = files_of(home.workspace)
    assert any("taxonomy_labels" in str(path) for path in own)
    from autolabel_app.runs import sweep

    assert sweep(home.workspace, [NAME], False, lambda line: None)[0].runs == ()
    assert files_of(home.workspace) == own


def test_a_sweep_tells_of_finished_batches_once(angles_collection):
    angles_collection.sweep(**QUIET)
    angles_collection.label({"a": "left"})
    angles_collection.sweep(**QUIET)
    angles_collection.sweep(**QUIET)
    kinds = [event.event_type for event in angles_collection.opened.ledger.events_after(0)]
    assert kinds.count("batch.completed") == 1


def test_a_sweep_brings_the_references_of_another_collection_first(workspace):
    declared = {"known": declaration(), NAME: declaration(reference="known")}
    objects = {"known": {"k": 0, "k.json": '{"side": "left"}'}, NAME: {"a": 5}}
    project = Project(workspace(declared, objects))
    told = []
    project.collection(NAME).sweep(told.append)
    assert told[0] == "known: looking at the bucket"
    assert project.collection(NAME).documents()["label"].tolist() == ["left"]


def test_documents_are_those_of_the_command_line(angles_collection):
    assert list(angles_collection.documents()["key"]) == [], "columns are there before a sweep"
    angles_collection.sweep(**QUIET)
    angles_collection.label({"a": "left"})
    angles_collection.sweep(**QUIET)
    frame = angles_collection.documents(sort="-taxonomy_match.confidence", limit=2)
    view = Documents(angles_collection.opened)
    rows = view.find([], "-taxonomy_match.confidence", 2)
    assert frame["key"].tolist() == [row["key"] for row in rows]
    assert frame["taxonomy_match.confidence"].tolist() == [
        row["taxonomy_match"]["confidence"] for row in rows
    ]
    one = angles_collection.documents("label:eq:left")
    both = angles_collection.documents(["label:eq:left", "label_source:eq:auto"])
    assert one["key"].tolist() == ["a", "b"] and both["key"].tolist() == ["b"]
    assert len(view.find([parse_text("label:eq:left")])) == len(one)
    nothing = angles_collection.documents("label:eq:up")
    assert len(nothing) == 0 and list(nothing.columns) == list(frame.columns)


def test_labels_are_all_or_none_and_are_withdrawn_by_none(angles_collection):
    angles_collection.sweep(**QUIET)
    with pytest.raises(AutolabelError, match="Nothing was recorded"):
        angles_collection.label({"a": "left", "nothing": "left"})
    assert angles_collection.label({"a": "left", "c": "up"}).labelled == 2
    assert angles_collection.label({"c": None}).withdrawn == 1
    (first, *_) = angles_collection.opened.ledger.annotations(NAME)
    assert first.origin == "notebook"


def test_vectors_stand_beside_their_ids(angles_collection):
    ids, matrix = angles_collection.embeddings()
    assert ids == [] and matrix.shape == (0, 0)
    angles_collection.sweep(**QUIET)
    ids, matrix = angles_collection.embeddings()
    frame = angles_collection.documents().set_index("document_id")
    assert ids == sorted(ids) and set(frame.loc[ids, "key"]) == {"a", "b", "c"}
    np.testing.assert_allclose(np.linalg.norm(matrix, axis=1), 1.0, atol=1e-6)
    table = Embeddings(angles_collection.opened)
    stored = table.warehouse.read_vectors(table.path(table.batches[0]))
    for id_, vector in zip(ids, matrix, strict=True):
        assert np.array_equal(vector, stored.vectors[stored.document_ids.index(id_)])


def test_the_rest_is_what_the_commands_print(angles_collection, tmp_path):
    angles_collection.sweep(**QUIET)
    label(angles_collection.opened.workspace, {"a": "left", "b": "left", "c": "up"})
    angles_collection.sweep(**QUIET)
    assert angles_collection.status()["objects"] == 4
    assert angles_collection.explain("a")["key"] == "a"
    assert angles_collection.threshold(0.9).overall.support == 3
    (tmp_path / "q.txt").write_text("3")
    (record,) = angles_collection.classify([tmp_path / "q.txt"])
    assert record["label"] == "left"
    report = angles_collection.export("csv", tmp_path / "out", ["human"])
    assert report.written == 3


def test_importing_the_handle_imports_nothing_heavy():
    code = (
        "import sys; from autolabel_core import Project; heavy = "
        "('dagster', 'torch', 'pandas', 'duckdb', 'sklearn'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "[]\n", done.stderr


def test_the_page_about_notebooks_is_executed(tmp_path, monkeypatch):
    write_project(tmp_path)
    for n in range(1, 4):
        for name, colour in (("red", (250 - 40 * n, 30, 30)), ("blue", (30, 30, 250 - 40 * n))):
            image = Image.new("RGB", (32, 32), "white")
            image.paste(colour, (0, 4 * n, 32, 32))
            image.save(tmp_path / f"data/products/{name}-{n}.png")
    for name in ("AUTOLABEL_HOME", "AUTOLABEL_COLLECTIONS", "AUTOLABEL_LEDGER_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs/notebooks.md").read_text(encoding="utf-8")
    names: dict = {}
    for number, block in enumerate(re.findall(r"^```python\n(.*?)^```", text, re.S | re.M)):
        exec(compile(block, f"docs/notebooks.md, block {number}", "exec"), names)
    assert names["record"]["label"] == "Red"
    labels = names["table"]["label"]
    assert set(labels.dropna()) == {"Red", "Blue"}
    assert len(names["ids"]) == 6 and len(names["queue"]) == labels.isna().sum()
    assert names["report"].written == 6
