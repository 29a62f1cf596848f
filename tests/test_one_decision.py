"""One decision, wherever it is asked: the labels table, `classify`, and a running server."""

import json

import numpy as np
import pytest
from conftest import sweep_quietly
from support.angle_samples import label
from support.identify_servers import server

from autolabel_core.declarations.retriever import MOST_REFERENCES
from autolabel_core.documents.documents import Documents
from autolabel_core.matching.decision import Rule
from autolabel_core.matching.decision_engine import KEPT_NEIGHBOURS, DecisionEngine

NAME = "colours"
REFERENCES = {
    **{"red1": "red", "red2": "red", "red3": "red", "green1": "green", "green2": "green"},
    **{"blue1": "blue", "blue2": "blue", "left out": "grey"},
}
SHADES = {
    **{
        "red1": (230, 20, 30),
        "red2": (200, 60, 40),
        "red3": (240, 90, 80),
        "green1": (30, 220, 40),
    },
    **{"green2": (90, 200, 60), "blue1": (20, 40, 230), "blue2": (80, 90, 210)},
    "left out": (120, 120, 120),
}
DECLARED = {
    "feature_extractor": {
        "feature_extractor_name": "colour_extractor",
        "field_passthrough": ["shade", "room"],
    },
    "taxonomy": {
        "field_to_enrich": "shade",
        "confidence_threshold": 0.9,
        "label_thresholds": {"red": 0.97, "blue": 0.7},
        "retriever": "counted",
    },
    "retrievers": [
        {
            "retriever_name": "counted",
            "stages": [
                {
                    "stage_id": "attribute_filter",
                    "parameters": {"field": "key", "operator": "ne", "value": "left out.png"},
                },
                {
                    "stage_id": "feature_search",
                    "parameters": {"searches": [{"top_k": 3, "min_score": 0.8}]},
                },
            ],
        }
    ],
}


def test_a_picture_takes_one_label_wherever_it_is_decided(workspace, home, run, tmp_path):
    rng = np.random.default_rng(0)
    asked = {f"q{i}.png": tuple(rng.integers(0, 256, 3).tolist()) for i in range(16)}
    ws = workspace({NAME: DECLARED}, {NAME: {f"{k}.png": v for k, v in SHADES.items()} | asked})
    sweep_quietly(ws, NAME)
    label(ws, {f"{key}.png": name for key, name in REFERENCES.items()}, NAME, room="hall")
    sweep_quietly(home.workspace, NAME)
    ws = home.workspace
    rows = {row["key"]: row for row in Documents(ws.open(NAME)).find()}
    files = [home.paths.buckets / NAME / key for key in asked]
    status, out, _ = run("classify", NAME, *map(str, files), "--json")
    assert status == 0
    with server(NAME, option="--collection", **home.paths.environment) as client:
        served = [post(client, "classify", file) for file in files]
        assert client.get("/health").json()["label_thresholds"] == {"blue": 0.8, "red": 0.97}
        shown = [post(client, "falcon", file) for file in files]
    sources = set()
    for key, classified, answer, told in zip(asked, json.loads(out), served, shown, strict=True):
        row = rows[key]
        for record in (classified, answer):
            assert (record["label"], record["suggested_label"], record.get("room")) == (
                *(row["label"], row["suggested_label"], row["room"]),
            )
            match, expected = record["taxonomy_match"], row["taxonomy_match"]
            assert round(match["confidence"], 6) == expected["confidence"]
            assert match["matched"] == expected["matched"]
            assert match["source_document_id"] == expected["source_document_id"]
        assert row["margin"] is None or answer["margin"] == row["margin"]
        named = {(mask["name"], mask["source_document_id"]) for mask in told["masks"]}
        expected_names = {(row["label"], match["source_document_id"])} if row["label"] else set()
        assert named == expected_names and all(mask["confident"] for mask in told["masks"])
        sources.add(row["label"])
    assert sources == {None, "red", "green", "blue"}


def post(client, route, file):
    data = {"query": ""} if route == "falcon" else {}
    answer = client.post(f"/api/{route}", files={"image": file.read_bytes()}, data=data)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_as_many_references_are_kept_as_a_retriever_may_let_vote():
    assert KEPT_NEIGHBOURS == MOST_REFERENCES


@pytest.mark.parametrize("labels", [1, 2, 30])
@pytest.mark.parametrize("top_k", [1, 4])
def test_an_engine_agrees_with_a_naive_one(labels, top_k):
    """Also where many near references share one label: a margin and three labels are told."""
    rng = np.random.default_rng(labels)
    vectors = rng.normal(size=(60, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    names = np.array(
        [f"l{min(i // 20, 2) if labels == 2 else i % labels}" for i in range(60)], object
    )
    engine = DecisionEngine(vectors, names, Rule(0.5, top_k=top_k))
    queries = np.concatenate([vectors[:5], -vectors[5:10]])
    decisions = engine.decide(queries)
    for i, match in enumerate(engine.match(queries, most=3)):
        cosines = vectors.astype(np.float64) @ queries[i].astype(np.float64)
        best = {name: cosines[names == name].max() for name in set(names)}
        order = sorted(best, key=lambda name: -best[name])
        assert [hit.label for hit in match.top] == order[:3]
        assert all(names[hit.row] == hit.label for hit in match.top)
        assert (match.label, match.row) == (decisions.label[i], decisions.position[i])
        assert match.matched == decisions.matched[i] == (match.score >= 0.5)
        others = [score for name, score in best.items() if name != match.label]
        assert (match.margin is None) == (not others)
        assert not others or match.margin == pytest.approx(match.score - max(others), abs=1e-6)
        assert top_k > 1 or match.label == order[0]
