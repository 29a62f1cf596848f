"""What clusters are named from, and where everything that a server answered can be read."""

import json
import re

import pytest
from conftest import sweep_quietly
from support.angle_samples import NAME
from support.chat_server import chat_server, entries
from support.detection_samples import NAME as BOXES
from support.detection_samples import declaration as boxes
from support.grouped_angles import TOPICS, ask, groups, named_by, names, refresh
from support.toy_detectors import scene

BOX_URI = "autolabel://block_detector@1.0.0/detection_embedding"
BOX = (5, 5, 25, 19)
RED_AND_GREEN = {f"g{i}.png": scene((*BOX, (0, 150 + i, 0))) for i in range(6)}
RED_AND_GREEN |= {f"r{i}.png": scene((*BOX, (150 + i, 0, 0))) for i in range(6)}


@pytest.fixture
def key(monkeypatch):
    monkeypatch.setenv("NAMING_KEY", "sk-a-very-secret-key")


def test_the_first_sweep_names_clusters_from_what_the_documents_are(home, key, run):
    """Clusters wait for the table of labels, which holds the fields that they are named from."""
    groups_of_fifty = groups(0, 90, size=52)
    with chat_server() as server:
        home.declare(NAME, named_by(server, input_mappings=[{"path": "key"}]))
        home.put(NAME, groups_of_fifty)
        status, _, err = run("sweep", NAME)
        assert status == 0, err
        (question,) = server.questions
        shown = re.findall(r"Document \d: (\S+)", question["messages"][1]["content"])
        assert len(shown) == 10 and set(shown) <= groups_of_fifty.keys()
    assert names(home.workspace) == {"cl_0": "name of cl_0", "cl_1": "name of cl_1"}


SHAPE = {"sentiment": "positive | negative | neutral", "audience": {"age": "integer"}}


def test_what_a_server_adds_to_a_name_is_there_wherever_names_are(angles, key, home, run):
    def answer(entries):
        extra = {"sentiment": "positive", "audience": {"age": 30}}
        return [{**entry, **extra} for entry in entries]

    def told(*words):
        status, out, err = run(*words, "--json")
        assert status == 0, err
        return json.loads(out)

    extra = {"sentiment": "positive", "audience": {"age": 30}}
    with chat_server(entries(answer)) as server:
        made = named_by(server, response_shape=SHAPE)
        made["clusters"][0]["enrich"] = ["cluster_id", "confidence", "extra"]
        ws = angles(groups(0, 90), declared=made)
        ask(ws)
        sweep_quietly(ws, NAME)
    for row in [told("clusters", "show", NAME, "cl_0"), *told("clusters", "list", NAME)]:
        assert (row["confidence"], row["extra"]) == (0.9, extra)
    sql = (
        "SELECT DISTINCT json_extract_string(cluster_extra, '$.audience.age') AS age, "
        f"round(cluster_confidence, 3) AS sure FROM {NAME}."
    )
    for table in ("clusters", "cluster_members", "documents"):
        assert told("query", sql + table) == [{"age": "30", "sure": 0.9}]
    (first, *_) = told("clusters", "enrich", NAME)
    assert first["cluster_extra"] == extra and first["cluster_confidence"] == pytest.approx(0.9)
    for field in ("cluster_extra", f"clusters.{TOPICS}.extra"):
        found = told("documents", NAME, "--filter", f"{field}.audience.age:eq:30")
        assert len(found) == 16 and found[0]["cluster_extra"] == extra
        assert told("documents", NAME, "--filter", f"{field}.sentiment:eq:negative") == []
    assert {"sentiment", "positive"} <= set(run("clusters", "list", NAME)[1].split())
    out = home.paths.home / "enriched.csv"
    assert run("clusters", "enrich", NAME, "--out", str(out))[0] == 0
    assert '\\"' not in out.read_text() and '""sentiment"": ""positive""' in out.read_text()


def test_of_a_box_a_server_is_told_where_it_is_and_what_else_is_there(blocks, key):
    paths = ("detected_class", "bbox.w", "detections.0.class", "image_key")
    mapped = [{"input_key": "text", "path": path} for path in paths]
    with chat_server() as server:
        (first,) = named_by(server, input_mappings=mapped)["clusters"]
        (second,) = named_by(server)["clusters"]
        both = [first, {**second, "cluster_name": "whole"}]
        for clusters in both:
            clusters["feature_uris"] = [BOX_URI]
        ws = blocks(RED_AND_GREEN, {**boxes(confidence_threshold=0.0), "clusters": both})
        for clusters in both:
            ask(ws, clusters["cluster_name"], collection=BOXES)
        refresh(ws, BOXES)
        few, whole = (q["messages"][1]["content"] for q in server.questions)
    shown = re.findall(r"Document 1: (.*)\n(.*)\n(.*)\n(\S*)", few)
    assert {box[0] for box in shown} == {box[2] for box in shown} == {"red", "green"}
    assert {box[1] for box in shown} == {"20.0"} and shown[0][3].endswith(".png")
    assert whole.count('"detected_class"') == 10 and '"bbox": {' in whole
