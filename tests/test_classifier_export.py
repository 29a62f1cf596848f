"""The exported classifier decides as `classify` does, and its script needs none of this project."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
from conftest import sweep_quietly
from PIL import Image
from support.angle_samples import label

from autolabel_core.documents.classifier import classify
from autolabel_core.exports.onnx_classifier import export_classifier
from autolabel_core.exports.onnx_classifier.encoder_network import encoder_network
from autolabel_core.exports.onnx_classifier.export_classifier import pictures_of
from autolabel_core.exports.onnx_classifier.rule_network import rule_network
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.matching.decision import Rule
from autolabel_core.matching.decision_engine import DecisionEngine
from autolabel_core.matching.scores.choice import fit_score
from autolabel_core.models.extractors import embed_checked, load_extractor
from autolabel_core.models.projection_head import Head, ProjectedExtractor

pytest.importorskip("onnx")
pytestmark = pytest.mark.slow
NAME = "angles"
DOCUMENTS = 1_000


def digits():
    from sklearn.datasets import load_digits

    loaded = load_digits()
    return (loaded.images * 15.9).astype(np.uint8), loaded.target


def png(values):
    buffer = io.BytesIO()
    Image.fromarray(values).resize((32, 32)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def exported(workspace, home, tmp_path):
    """Ten labelled digits a class, exported; gives the collection, the file and 1,000 others."""

    def make(**taxonomy):
        images, truth = digits()
        chosen = [i for c in range(10) for i in np.flatnonzero(truth == c)[:10].tolist()]
        objects = {f"{i}.png": png(images[i]) for i in chosen}
        declared = {
            "feature_extractor": {"model": "descriptor"},
            "taxonomy": {"field_to_enrich": "digit", "confidence_threshold": 0.6, **taxonomy},
        }
        made = workspace({NAME: declared}, {NAME: objects})
        sweep_quietly(made, NAME)
        label(made, {f"{i}.png": f"digit {truth[i]}" for i in chosen})
        sweep_quietly(home.workspace, NAME)
        others = [i for i in range(len(images)) if i not in set(chosen)][:DOCUMENTS]
        folder = tmp_path / "others"
        folder.mkdir()
        files = []
        for i in others:
            files.append(folder / f"{i}.png")
            files[-1].write_bytes(png(images[i]))
        collection = home.workspace.open(NAME)
        return collection, export_classifier(collection, tmp_path / "away" / "digits.onnx"), files

    return make


def answers_of(script, files):
    """Run the script where nothing of this project can be imported."""
    code = (
        "import sys, runpy\n"
        "class No:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        top = name.partition('.')[0]\n"
        "        if top.startswith('autolabel') or top in ('torch', 'onnx', 'scipy', 'sklearn'):\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, No())\n"
        f"sys.argv = [{str(script)!r}, *sys.stdin.read().split('\\n')]\n"
        f"runpy.run_path({str(script)!r}, run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input="\n".join(map(str, files)),
        capture_output=True,
        text=True,
        check=True,
        cwd=script.parent,
    )
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return {name: (None if given == "-" else given, float(sure)) for name, given, sure in rows}


def compare(collection, made, files):
    found = answers_of(made.script, files)
    for expected in classify(collection, files):
        given, sure = found[expected["file"]]
        confidence = expected["taxonomy_match"]["confidence"]
        assert abs(sure - confidence) < 2e-4
        assert given == expected["label"], (expected, sure)


def test_a_thousand_documents_take_the_labels_that_classify_gives(exported):
    collection, made, files = exported(label_thresholds={"digit 3": 0.8})
    compare(collection, made, files)
    code = made.script.read_text().splitlines()
    assert len([line for line in code if line.strip()]) <= 25
    assert (made.labels, made.references, made.score) == (10, 100, "nearest")


def test_a_probe_decides_alike_in_the_file(exported):
    collection, made, files = exported(score="probe", confidence_threshold=0.5)
    compare(collection, made, files[:200])
    assert made.score == "probe"


def test_the_file_says_what_it_is_and_an_export_again_gives_the_same_bytes(exported, tmp_path):
    import onnx

    collection, made, _ = exported()
    entries = {p.key: p.value for p in onnx.load(str(made.model)).metadata_props}
    about = json.loads(entries["autolabel"])
    assert about["labels"] == [f"digit {i}" for i in range(10)]
    assert about["thresholds"] == [0.6] * 10
    card = about["card"]
    assert card["references"] == {f"digit {i}": 10 for i in range(10)}
    assert card["feature_uri"].startswith("autolabel://image_extractor@v1/")
    again = export_classifier(collection, tmp_path / "again.onnx")
    assert again.model.read_bytes() == made.model.read_bytes()


def test_the_command_writes_both_files(exported, run, tmp_path):
    exported()
    out = tmp_path / "cli.onnx"
    status, said, _ = run("models", "export", NAME, "--format", "onnx", "--out", str(out))
    assert status == 0
    assert "10 labels from 100 references by nearest" in said
    assert out.with_suffix(".py").is_file()
    status, _, err = run("models", "export", NAME, "--format", "torchscript", "--out", str(out))
    assert status == 2
    assert "exported as onnx" in err


@pytest.mark.parametrize("model", ["descriptor", "efficientnet_lite0+descriptor"])
def test_an_encoder_gives_the_same_vectors_as_a_network(model):
    import torch

    rng = np.random.default_rng(3)
    rough = rng.integers(0, 256, (5, 12, 9, 3), dtype=np.uint8)
    pictures = [Image.fromarray(one).resize((180 + 30 * i, 200)) for i, one in enumerate(rough)]
    pictures += [Image.new("RGB", (50, 40), (255, 255, 255)), Image.new("RGB", (9, 300))]
    extractor = load_extractor("image_extractor", "v1", model, {})
    network = encoder_network(extractor)
    expected = embed_checked(extractor, pictures)
    for i, picture in enumerate(pictures):
        inputs = pictures_of(picture, network.inputs).values()
        with torch.inference_mode():
            (row,) = network.network(*(torch.from_numpy(one.copy()) for one in inputs)).numpy()
        np.testing.assert_allclose(row, expected[i], atol=2e-4)


@pytest.mark.parametrize("model", ["descriptor", "efficientnet_lite0+descriptor"])
def test_a_projection_head_is_part_of_the_exported_network(model):
    import torch

    rng = np.random.default_rng(5)
    base = load_extractor("image_extractor", "v1", model, {})
    d = base.manifest.embedding_dim
    shapes = {
        "hidden.weight": (32, d),
        "hidden.bias": (32,),
        "out.weight": (16, 32),
        "out.bias": (16,),
    }
    weights = {n: rng.normal(0, 0.3, s).astype(np.float32) for n, s in shapes.items()}
    projected = ProjectedExtractor(base, Head(weights, {"feature_uri": base.manifest.feature_uri}))
    rough = rng.integers(0, 256, (4, 12, 9, 3), dtype=np.uint8)
    pictures = [Image.fromarray(one).resize((180 + 30 * i, 200)) for i, one in enumerate(rough)]
    network = encoder_network(projected)
    expected = embed_checked(projected, pictures)
    assert expected.shape == (4, 16)
    for i, picture in enumerate(pictures):
        inputs = pictures_of(picture, network.inputs).values()
        with torch.inference_mode():
            (row,) = network.network(*(torch.from_numpy(one.copy()) for one in inputs)).numpy()
        np.testing.assert_allclose(row, expected[i], atol=2e-4)


def synthetic(seed=0, labels=4, each=6):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(labels, 12))
    rows = np.concatenate([c + 0.6 * rng.normal(size=(each, 12)) for c in centres])
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    names = np.array([f"l{i}" for i in range(labels) for _ in range(each)], dtype=object)
    queries = rng.normal(size=(300, 12)).astype(np.float32)
    return rows, names, queries / np.linalg.norm(queries, axis=1, keepdims=True)


@pytest.mark.parametrize("score", ["nearest", "voting", "vote", "class_mean", "probe", "best"])
def test_every_rule_decides_as_the_engine_does(score):
    import torch

    rows, names, queries = synthetic()
    if score in ("nearest", "voting"):
        top_k = 5 if score == "voting" else 1
        rule = Rule(0.3, {"l1": 0.6}, top_k=top_k, similarity_threshold=0.2)
        engine = DecisionEngine(rows, names, rule)
    else:
        rule = Rule(0.4, {"l1": 0.7}, score="auto", min_score=0.1)
        named = "nearest" if score == "best" else score
        fitted = fit_score(named, rows, names, rows.mean(axis=0))
        engine = DecisionEngine(rows, names, rule, fitted)
    expected = engine.decide(queries)
    made = rule_network(engine)
    with torch.inference_mode():
        label_, confidence, matched = (t.numpy() for t in made.network(torch.from_numpy(queries)))
    assert [made.labels[i] for i in label_] == expected.label.tolist()
    np.testing.assert_allclose(confidence, expected.confidence, atol=1e-4)
    assert (matched == expected.matched).mean() > 0.99


def test_what_cannot_be_exported_says_why(workspace, home, tmp_path):
    with pytest.raises(AutolabelError, match="cannot be exported as one ONNX file: texts are"):
        encoder_network(load_extractor("text_extractor", "v1", None, {}))
    declared = {"feature_extractor": {"model": "descriptor"}}
    taxonomy = {"taxonomy": {"field_to_enrich": "x"}}
    made = workspace({"bare": declared, "empty": {**declared, **taxonomy}})
    sweep_quietly(made, "empty")
    with pytest.raises(AutolabelError, match="nothing decides labels"):
        export_classifier(made.open("bare"), tmp_path / "a.onnx")
    with pytest.raises(AutolabelError, match="has no references yet"):
        export_classifier(made.open("empty"), tmp_path / "a.onnx")
    with pytest.raises(AutolabelError, match=r"ends in \.onnx"):
        export_classifier(made.open("empty"), tmp_path / "a.bin")
