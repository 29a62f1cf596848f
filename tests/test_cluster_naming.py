"""Names of a run: given once, kept with the identity, repaired when somebody asks again."""

import base64
import io
import json

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import sweep_quietly
from PIL import Image
from support.angle_samples import NAME, label
from support.chat_server import AT_ONCE, chat_server, failing, well
from support.detection_samples import NAME as BOXES
from support.detection_samples import declaration as boxes
from support.grouped_angles import (
    TOPICS,
    ask,
    declared,
    definition,
    groups,
    named_by,
    names,
    one_defined,
    refresh,
)
from support.toy_detectors import scene

from autolabel_app.cli import root
from autolabel_core.clusters import map_export as cluster_pages
from autolabel_core.clusters.table import Clusters
from autolabel_core.documents.content_urls import sign_address
from autolabel_core.foundation.charts import MAX_PNG_BYTES

KEY = "sk-a-very-secret-key"
BOX_URI = "autolabel://block_detector@1.0.0/detection_embedding"
BOX = (5, 5, 25, 19)
RED_AND_GREEN = {f"g{i}.png": scene((*BOX, (0, 150 + i, 0))) for i in range(6)}
RED_AND_GREEN |= {f"r{i}.png": scene((*BOX, (150 + i, 0, 0))) for i in range(6)}


@pytest.fixture
def key(monkeypatch):
    monkeypatch.setenv("NAMING_KEY", KEY)


def everything_kept(home):
    files = [path for path in home.paths.home.rglob("*") if path.is_file()]
    return b"".join(path.read_bytes() for path in files)


def test_clusters_are_named_without_a_server(angles):
    ws = angles(groups(0, 90), {"000-0": "left", "000-1": "left"}, declared=declared())
    ask(ws)
    refresh(ws)
    found = one_defined(ws).history.names
    assert found["cl_0"]["label"] == "left"
    assert found["cl_0"]["source"] == "labels"
    assert found["cl_1"]["label"]
    table = ws.warehouse.read_table(one_defined(ws).files.current)
    assert set(table["cluster_label"].to_pylist()) == set(names(ws).values())
    assert not refresh(ws)


def test_a_server_names_them_once_and_the_names_stay(angles, key, home):
    with chat_server() as server:
        ws = angles(groups(0, 90), declared=named_by(server))
        ask(ws)
        refresh(ws)
        assert names(ws) == {"cl_0": "name of cl_0", "cl_1": "name of cl_1"}
        assert len(server.requests) == 1
        assert '"text": ' in server.questions[0]["messages"][1]["content"]
        report = Clusters(ws.open(NAME)).report()
        assert (report["naming calls"], report["naming input tokens"]) == (1, 1000)
        home.put(NAME, groups(180))
        sweep_quietly(home.workspace, NAME)
        ask(home.workspace, because="again")
        refresh(home.workspace)
        assert len(server.requests) == 2
        assert "cl_0" not in server.questions[1]["messages"][1]["content"]
        assert names(home.workspace)["cl_2"] == "name of cl_2"
    assert KEY.encode() not in everything_kept(home)


def test_what_a_server_failed_to_name_is_named_when_somebody_asks_again(angles, key, home):
    with chat_server(failing(500, KEY, AT_ONCE), well) as server:
        ws = angles(groups(0, 90), declared=named_by(server))
        ask(ws)
        refresh(ws)
        first = one_defined(ws).history
        assert [run.status for run in first.runs] == ["succeeded"]
        assert {name["source"] for name in first.names.values()} <= {"keywords", "number"}
        report = Clusters(ws.open(NAME)).report()
        assert "500" in report["naming"]
        assert not refresh(home.workspace)
        ask(home.workspace, because="again")
        refresh(home.workspace)
        assert names(home.workspace) == {"cl_0": "name of cl_0", "cl_1": "name of cl_1"}
    assert KEY.encode() not in everything_kept(home)


def test_another_declaration_of_names_is_followed_at_the_next_run(angles, key, home):
    ws = angles(groups(0, 90), declared=declared())
    ask(ws)
    refresh(ws)
    before = names(ws)
    with chat_server() as server:
        home.declare(NAME, named_by(server))
        refresh(home.workspace)
        assert names(home.workspace) == before
        ask(home.workspace, because="again")
        refresh(home.workspace)
        assert names(home.workspace) == {"cl_0": "name of cl_0", "cl_1": "name of cl_1"}


def shown_sizes(question):
    """The sizes of the pictures that a model is shown, in pixels."""
    parts = question["messages"][1]["content"]
    urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    files = [base64.b64decode(url.removeprefix("data:image/jpeg;base64,")) for url in urls]
    return [Image.open(io.BytesIO(file)).size for file in files]


@pytest.mark.parametrize(
    ("path", "size"),
    [("document_blobs.0.url", (20, 14)), ("0.url", (20, 14)), ("source_blobs.0.url", (64, 48))],
)
def test_of_a_box_a_server_sees_the_crop_or_the_image(blocks, key, path, size):
    with chat_server() as server:
        mapped = [{"input_key": "image_url", "source_type": "blob", "path": path}]
        (clusters,) = named_by(server, input_mappings=mapped)["clusters"]
        clusters["feature_uris"] = [BOX_URI]
        ws = blocks(RED_AND_GREEN, {**boxes(confidence_threshold=0.0), "clusters": [clusters]})
        ask(ws, collection=BOXES)
        refresh(ws, BOXES)
        assert shown_sizes(server.questions[0]) == [size] * 10


def test_a_sheet_of_boxes_shows_what_lies_in_them(blocks):
    clusters = definition(feature_uris=[BOX_URI])
    ws = blocks(RED_AND_GREEN, {**boxes(confidence_threshold=0.0), "clusters": [clusters]})
    ask(ws, collection=BOXES)
    refresh(ws, BOXES)
    drawn = Clusters(ws.open(BOXES)).pictures("all")
    colours = [
        np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), int).reshape(-1, 3)
        for name, png in drawn.items()
        if name.startswith("cl_")
    ]
    pure = [(c > 140) & (c.sum(axis=1, keepdims=True) < 200) for c in colours]
    shown = [(pixels.sum(axis=0) > 1000).tolist() for pixels in pure]
    assert sorted(shown) == [[False, True, False], [True, False, False]]


def test_of_an_image_a_server_sees_the_image_either_way(workspace, key):
    pictures = {f"r{i}.png": (200 + i, 10, 10) for i in range(6)}
    pictures |= {f"g{i}.png": (10, 200 + i, 10) for i in range(6)}
    with chat_server() as server:
        mapped = [
            {"input_key": "image_url", "source_type": "blob", "path": f"{where}_blobs.0.url"}
            for where in ("document", "source")
        ]
        (clusters,) = named_by(server, input_mappings=mapped)["clusters"]
        extractor = {"feature_extractor_name": "colour_extractor"}
        declared = {"feature_extractor": extractor, "clusters": [clusters]}
        ws = workspace({"colours": declared}, {"colours": pictures})
        sweep_quietly(ws, "colours")
        ask(ws, collection="colours")
        refresh(ws, "colours")
        assert shown_sizes(server.questions[0]) == [(8, 8)] * 20


def test_the_report_has_a_map_and_sheets(angles):
    ws = angles(groups(0, 90), declared=declared())
    assert Clusters(ws.open(NAME)).pictures("all") == {}
    ask(ws)
    refresh(ws)
    drawn = Clusters(ws.open(NAME)).pictures("all")
    assert [name.partition(" ")[0] for name in drawn] == ["map", "cl_0", "cl_1"]
    assert all(png.startswith(b"\x89PNG") and len(png) < MAX_PNG_BYTES for png in drawn.values())


@pytest.fixture
def command(home, monkeypatch):
    for name, value in home.paths.environment.items():
        monkeypatch.setenv(name, value)

    def call(*words):
        done = CliRunner().invoke(root, ["clusters", *map(str, words)], catch_exceptions=False)
        return done

    return call


def test_the_map_command_writes_a_page(angles, command, tmp_path, home):
    ws = angles(groups(0, 90), declared=declared(definition(assignment_threshold=0.5)))
    label(ws, {"000-1": "left"})
    ask(ws)
    refresh(ws)
    home.put(NAME, groups(91, size=2, name="late"))
    sweep_quietly(home.workspace, NAME)
    out = tmp_path / "deep" / "map.html"
    done = command("map", NAME, TOPICS, "--out", out, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["documents"], found["clusters"], found["noise"]) == (18, 2, 0)
    data = json.loads(out.read_text().partition('id="data">')[2].partition("</script>")[0])
    assert "late091-0" in data["keys"]
    assert {cluster["name"] for cluster in data["clusters"]} == set(names(ws).values())


def test_the_map_needs_a_run(angles, command, tmp_path):
    angles(groups(0, 90), declared=declared())
    with pytest.raises(Exception, match="has no clusters yet"):
        command("map", NAME, "--out", tmp_path / "map.html")
    assert not (tmp_path / "map.html").exists()


def test_the_sheet_command_draws_one_cluster(angles, command, tmp_path):
    ws = angles(groups(0, 90), declared=declared())
    ask(ws)
    refresh(ws)
    out = tmp_path / "sheet.png"
    assert command("sheet", NAME, "cl_1", "--out", out).exit_code == 0
    assert out.read_bytes().startswith(b"\x89PNG")


COLOURS = {
    "feature_extractor": {"feature_extractor_name": "colour_extractor"},
    "clusters": [definition()],
}


def colours(*shades):
    near = [(i, j) for i in range(3) for j in range(3)]
    return {
        f"{s}-{i}{j}.png": tuple(min(255, v + i + j) for v in s) for s in shades for i, j in near
    }


@pytest.mark.parametrize("inline", [True, False])
def test_images_are_shown_in_the_page_or_beside_it(
    workspace, bring_up_to_date, tmp_path, monkeypatch, inline
):
    ws = workspace({"paint": COLOURS}, {"paint": colours((200, 10, 10), (10, 10, 200))})
    bring_up_to_date(ws, "paint")
    ask(ws, collection="paint")
    refresh(ws, "paint")
    if not inline:
        monkeypatch.setattr(cluster_pages, "MAX_INLINE", 5)
    one = one_defined(ws, "paint")
    out = tmp_path / "map.html"
    found = cluster_pages.write_map(one, out, lambda *_: None)
    assert (found["documents"], found["thumbnails"]) == (18, 18)
    assert ("data:image/jpeg" in out.read_text()) == inline
    beside = sorted(path.name for path in tmp_path.glob("map_files/*"))
    assert len(beside) == (0 if inline else 18)
    none = cluster_pages.write_map(one, out, lambda *_: None, with_thumbnails=False)
    assert none["thumbnails"] == 0
    assert len(Clusters(ws.open("paint")).pictures("all")) == 3


def test_addresses_on_s3_are_signed(home):
    found = sign_address(home.workspace, "s3://photos/a b.png")
    assert "X-Amz-Signature=" in found
    assert "/photos/a%20b.png" in found
