"""One wrong file, or one missing bucket, stops its own collection and no other."""

from __future__ import annotations

import json

import pytest
from support.angle_samples import declaration

from autolabel_core.declarations.collections_folder import load_collections, read_folder
from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.errors import DeclarationError
from autolabel_core.tables.workspace import Workspace

BAD = {
    "not YAML": "a: [",
    "unknown key": "confidence: 3",
    "empty": "",
    "no text": b"\xff\xfe\xff",
    "refers to nothing": "taxonomy: {field_to_enrich: l, reference: nowhere}",
    "another's retriever": "retrievers: [{retriever_name: r, collection_identifiers: [nowhere]}]",
}


@pytest.fixture
def environment(home, monkeypatch):
    for name, value in home.paths.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    return home


def write(home, name, content):
    file = home.paths.collections / f"{name}.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


@pytest.mark.parametrize("content", BAD.values(), ids=BAD)
def test_one_bad_file_leaves_the_others(home, content):
    home.declare("good", declaration())
    file = write(home, "bad", content)
    found = read_folder(home.paths.collections)
    assert list(found.collections) == ["good"]
    (problem,) = found.problems
    assert problem.collection == "bad" and str(problem).startswith(str(file))
    with pytest.raises(DeclarationError, match=r"bad\.yaml"):
        home.workspace.collection("bad")
    with pytest.raises(DeclarationError, match=r"bad\.yaml"):
        load_collections(home.paths.collections)


def test_what_refers_to_a_bad_one_is_told_the_cause(home):
    write(home, "base", "nonsense: 1")
    write(home, "over", "taxonomy: {field_to_enrich: l, reference: base}")
    write(home, "apart", "{}")
    found = read_folder(home.paths.collections)
    assert list(found.collections) == ["apart"]
    assert "`base` has an error of its own: correct that first" in str(found.problem_of("over"))


def test_two_files_that_declare_one_name_are_both_left_out(home):
    write(home, "a", "name: x")
    write(home, "b", "name: x")
    write(home, "c", "{}")
    found = read_folder(home.paths.collections)
    assert list(found.collections) == ["c"]
    assert "`x` is declared in a.yaml too" in str(found.problem_of("x"))


def test_a_sweep_reports_what_fails_and_sweeps_the_rest(environment, run):
    environment.declare("good", declaration())
    environment.put("good", {"a": 0})
    environment.declare("lost", {**declaration(), "source": {"uri": "../nowhere"}})
    write(environment, "bad", "confidence: 3")
    status, out, err = run("sweep", "--json")
    assert status == 1
    assert "bad.yaml:1: confidence" in err
    assert "lost: The bucket" in err and "does not exist. Create the folder" in err
    swept = json.loads(out)
    assert [(one["collection"], one["created"]) for one in swept] == [("good", 1)]
    workspace = Workspace(environment.paths)
    assert len(Documents(workspace.open("good")).find()) == 1
    assert run("sweep", "good")[0] == 0, "nothing is wrong with what was asked for"
    assert run("alerts", "list")[0] == 1


def test_the_code_location_loads_and_a_sensor_fails_with_the_problem(environment):
    import dagster as dg

    from autolabel_app.runs import _load_definitions

    environment.declare("good", declaration())
    bad = write(environment, "bad", "confidence: 3")
    loaded = _load_definitions()
    names = {spec.key.path[0] for spec in loaded.resolve_all_asset_specs()}
    assert names == {"good"}
    sensor = next(s for s in loaded.sensors if s.name == "declaration_problems")
    resources = {"workspace": loaded.resources["workspace"]}
    with dg.build_sensor_context(resources=resources) as context:
        with pytest.raises(DeclarationError, match=r"bad\.yaml:1: confidence"):
            sensor(context)
        bad.unlink()
        said = sensor(context).skip_message
    assert said == "every declaration is right now: reload the code location"
    assert all(s.name != "declaration_problems" for s in _load_definitions().sensors)
