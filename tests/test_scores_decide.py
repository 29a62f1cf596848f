"""One decision under every score: the labels table, `classify`, a running server, `threshold`."""

import json

import numpy as np
import pytest
from conftest import sweep_quietly
from support.angle_samples import label
from support.identify_servers import server

from autolabel_core.documents.documents import Documents
from autolabel_core.documents.explain import explain
from autolabel_core.documents.threshold_tuning import leave_one_out, try_thresholds
from autolabel_core.exports.export_collection import export_collection
from autolabel_core.matching.thresholds import Thresholds
from autolabel_core.tables.applied_taxonomy import AppliedTaxonomy

NAME = "colours"
SHADES = ("red", "green", "blue")


def declared(score, **taxonomy):
    return {
        "feature_extractor": {"feature_extractor_name": "colour_extractor"},
        "taxonomy": {"field_to_enrich": "shade", "score": score, **taxonomy},
    }


def shade_of(rng, name):
    strong, weak = rng.integers(150, 256), rng.integers(0, 140, 2)
    parts = [int(strong) if shade == name else int(weak[i % 2]) for i, shade in enumerate(SHADES)]
    return tuple(parts)


@pytest.fixture
def swept(workspace, home):
    """Make a collection of 60 colours of which 24 are labelled."""

    def make(score, **taxonomy):
        rng = np.random.default_rng(3)
        pictures = {f"{SHADES[i % 3]}{i:02}.png": shade_of(rng, SHADES[i % 3]) for i in range(60)}
        ws = workspace({NAME: declared(score, **taxonomy)}, {NAME: pictures})
        sweep_quietly(ws, NAME)
        label(ws, {key: key[:-6] for key in list(pictures)[:24]}, NAME)
        sweep_quietly(home.workspace, NAME)
        return list(pictures)

    return make


@pytest.mark.parametrize("score", ["vote", "class_mean", "probe", "auto"])
def test_classify_says_what_the_table_says(swept, home, run, score):
    keys = swept(score)[24:]
    rows = {row["key"]: row for row in Documents(home.workspace.open(NAME)).find()}
    files = [home.paths.buckets / NAME / key for key in keys]
    status, out, _ = run("classify", NAME, *map(str, files), "--json")
    assert status == 0
    for key, classified in zip(keys, json.loads(out), strict=True):
        row, match = rows[key], classified["taxonomy_match"]
        assert classified["label"] == row["label"]
        assert classified["suggested_label"] == row["suggested_label"]
        expected = row["taxonomy_match"]
        rounded = {k: round(v, 6) if isinstance(v, float) else v for k, v in match.items()}
        assert rounded == expected
        assert expected["confidence"] == expected["probability"]
        assert expected["score"] == ("probe" if score == "auto" else score)
    labelled = [row for row in rows.values() if row["label_source"] == "auto"]
    assert len(labelled) > 20
    assert all(row["label"] == row["key"][:-6] for row in labelled)
    sources = {row["document_id"]: row for row in rows.values()}
    for row in labelled:
        source = sources[row["taxonomy_match"]["source_document_id"]]
        assert (source["label"], source["label_source"]) == (row["label"], "human")


def test_a_server_says_what_the_table_says(swept, home):
    keys = swept("probe", confidence_threshold=0.8)[24:34]
    rows = {row["key"]: row for row in Documents(home.workspace.open(NAME)).find()}
    with server(NAME, option="--collection", **home.paths.environment) as client:
        for key in keys:
            data = (home.paths.buckets / NAME / key).read_bytes()
            answer = client.post("/api/classify", files={"image": data}).json()
            row, match = rows[key], answer["taxonomy_match"]
            assert answer["label"] == row["label"]
            assert round(match["confidence"], 6) == row["taxonomy_match"]["confidence"]
            assert match["score"] == "probe"
            seen = client.post("/api/falcon", files={"image": data}, data={"query": ""}).json()
            assert {mask["name"] for mask in seen["masks"]} == ({row["label"]} - {None})


@pytest.mark.parametrize("score", ["vote", "class_mean", "probe"])
def test_thresholds_are_proposed_from_what_the_score_says_of_references_held_out(
    swept, home, score
):
    keys = swept(score)[:24]
    collection = home.workspace.open(NAME)
    figures = leave_one_out(collection)
    taxonomy = AppliedTaxonomy(collection)
    held_out = taxonomy.score.held_out
    assert figures.score.tolist() == held_out.probability.tolist()
    assert figures.correct.mean() > 0.7
    rows = {row["key"]: row for row in Documents(collection).find()}
    by_id = {row["document_id"]: row for row in rows.values()}
    for document, confidence in zip(taxonomy.references.document_ids, figures.score, strict=True):
        stored = by_id[document]["taxonomy_match"]["confidence"]
        assert stored == pytest.approx(float(confidence), abs=1e-6)
    assert {rows[key]["label_source"] for key in keys} == {"human"}


def test_one_label_alone_is_suggested_and_never_given(workspace, home, run):
    pictures = {f"p{i}.png": (200 + i, 20, 30) for i in range(6)}
    ws = workspace({NAME: declared("probe", confidence_threshold=0.0)}, {NAME: pictures})
    sweep_quietly(ws, NAME)
    label(ws, {"p0.png": "red", "p1.png": "red"}, NAME)
    sweep_quietly(home.workspace, NAME)
    traced = explain(home.workspace.open(NAME), "p5.png")
    assert traced["document"]["label"] is None
    assert traced["document"]["suggested_label"] == "red"
    assert traced["decision"]["outcome"] == "only_label"
    _, out, _ = run("explain", NAME, "p5.png")
    assert "label a second" in out
    _, out, _ = run("classify", NAME, str(home.paths.buckets / NAME / "p5.png"), "--json")
    (classified,) = json.loads(out)
    assert (classified["label"], classified["suggested_label"]) == (None, "red")
    assert classified["taxonomy_match"]["confidence"] is None


def test_a_stranger_is_explained_as_unknown(swept, home, run):
    swept("probe", confidence_threshold=0.0, similarity_threshold=0.999)
    rows = Documents(home.workspace.open(NAME)).find()
    unlike = next(r for r in rows if r["label"] is None and not r["reason"])
    traced = explain(home.workspace.open(NAME), unlike["key"])
    assert traced["decision"]["outcome"] == "unlike_references"
    _, out, _ = run("explain", NAME, unlike["key"])
    assert "less similar to the references than 0.999" in out


@pytest.mark.parametrize("score", ["nearest", "probe"])
def test_a_threshold_that_is_tried_counts_only_what_is_like_the_references(swept, home, score):
    swept(score, confidence_threshold=1.0, similarity_threshold=0.98)
    rows = Documents(home.workspace.open(NAME)).find()
    before = sum(row["label_source"] == "auto" for row in rows)
    counted = try_thresholds(home.workspace.open(NAME), Thresholds(0.5))
    home.declare(NAME, declared(score, confidence_threshold=0.5, similarity_threshold=0.98))
    sweep_quietly(home.workspace, NAME)
    rows = Documents(home.workspace.open(NAME)).find()
    given = [row for row in rows if row["label_source"] == "auto"]
    assert 0 < counted.newly_labelled == len(given) - before < 36


def test_an_export_says_what_its_confidence_is(swept, home, tmp_path):
    swept("probe")
    export_collection(home.workspace.open(NAME), "jsonl", tmp_path / "out")
    lines = (tmp_path / "out/documents.jsonl").read_text().splitlines()
    records = {row["key"]: row for row in Documents(home.workspace.open(NAME)).find()}
    for row in map(json.loads, lines):
        match = row["taxonomy_match"]
        rounded = {k: round(v, 6) if isinstance(v, float) else v for k, v in match.items()}
        assert rounded == records[row["key"]]["taxonomy_match"]


def test_status_says_what_decides_and_why(swept, home, run):
    swept("auto")
    _, out, _ = run("status", NAME, "--json")
    score = json.loads(out)["score"]
    assert (score["declared"], score["decides"]) == ("auto", "probe")
    assert score["reason"].startswith(("least area", "area", f"{score['judged']} references"))
    _, out, _ = run("status", NAME)
    assert "score          probe (auto): " in out


@pytest.mark.parametrize("mode", ["materialize", "on_demand"])
def test_another_collection_s_references_are_fitted_for_the_documents_at_hand(
    workspace, home, run, mode
):
    rng = np.random.default_rng(5)
    known = {f"{SHADES[i % 3]}{i:02}.png": shade_of(rng, SHADES[i % 3]) for i in range(24)}
    asked = {f"{SHADES[i % 3]}{i:02}.png": shade_of(rng, SHADES[i % 3]) for i in range(12)}
    catalogue = declared("nearest")
    taxonomy = {"field_to_enrich": "shade", "score": "probe", "reference": "catalogue"}
    photos = {**catalogue, "taxonomy": {**taxonomy, "execution_mode": mode}}
    ws = workspace({"catalogue": catalogue, NAME: photos}, {"catalogue": known, NAME: asked})
    sweep_quietly(ws, "catalogue")
    label(ws, {key: key[:-6] for key in known}, "catalogue")
    sweep_quietly(home.workspace, "catalogue")
    sweep_quietly(home.workspace, NAME)
    rows = {row["key"]: row for row in Documents(home.workspace.open(NAME)).find()}
    files = [home.paths.buckets / NAME / key for key in asked]
    _, out, _ = run("classify", NAME, *map(str, files), "--json")
    for key, classified in zip(asked, json.loads(out), strict=True):
        assert classified["taxonomy_match"]["score"] == "probe"
        assert classified["suggested_label"] == key[:-6]
        stored = rows[key]["taxonomy_match"]
        if mode == "on_demand":
            assert (rows[key]["label"], stored["score"], stored["confidence"]) == (None, None, None)
        else:
            assert rows[key]["label"] == classified["label"]
            confidence = classified["taxonomy_match"]["confidence"]
            assert round(confidence, 6) == stored["confidence"]


def test_uploads_to_later_batches_leave_older_labels_alone(workspace, home):
    rng = np.random.default_rng(4)
    pictures = {f"{SHADES[i % 3]}{i:02}.png": shade_of(rng, SHADES[i % 3]) for i in range(12)}
    ws = workspace({NAME: {**declared("probe"), "batch_size": 12}}, {NAME: pictures})
    sweep_quietly(ws, NAME)
    label(ws, {key: key[:-6] for key in pictures}, NAME)
    sweep_quietly(home.workspace, NAME)
    table = next(home.paths.warehouse.rglob("taxonomy_labels/batch_000001.parquet"))
    before = table.stat().st_mtime_ns
    home.put(NAME, {"late.png": (10, 10, 10)})
    sweep_quietly(home.workspace, NAME)
    assert table.stat().st_mtime_ns == before
    assert list(home.paths.warehouse.rglob("taxonomy_labels/batch_000002.parquet"))
