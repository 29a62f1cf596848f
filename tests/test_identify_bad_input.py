"""What a server is given that it cannot use: it says so, and goes on with what it has."""

import json
from dataclasses import replace

import numpy as np
import pytest
from support.identify_servers import CARDS, as_png, ask, on_a_table, server, write_all, write_index
from support.receivers import wait_for

from autolabel_app.demos.identify.cards import draw_card
from autolabel_core.identify.index_encoder import load_encoder, origin_of
from autolabel_core.matching.reference_index import ReferenceIndex
from autolabel_core.models.projection_head import LAYERS, Head

PLAIN = "autolabel://image_extractor@v1/descriptor"
OPEN = ("--min-score", "0.5", "--min-margin", "0")


def write_head(file, seed, inputs=1600):
    """Write a head of random numbers."""
    rng = np.random.default_rng(seed)
    shapes = ((32, inputs), (32,), (16, 32), (16,))
    arrays = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    Head(dict(zip(LAYERS, arrays, strict=True)), {"feature_uri": PLAIN}).save(file)


def write_projected(refs, head, out):
    """Write an index as if a head had made it; return its feature URI."""
    encoder = load_encoder(projection=head)
    index = ReferenceIndex.load(refs.parent / "cards.npz")
    vectors = np.eye(CARDS, 16, dtype=np.float32)
    replace(index, embeddings=vectors, origin=origin_of(encoder, refs, projection=head)).save(out)
    return encoder.manifest.feature_uri


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("bad"))


@pytest.fixture(scope="module")
def served(folder):
    """A server, and the index that it serves."""
    index = folder / "served.npz"
    index.write_bytes((folder / "cards.npz").read_bytes())
    with server(index, *OPEN) as client:
        yield client, index


def test_what_cannot_be_served_is_said_at_the_start(folder, run):
    cards = folder / "cards.npz"
    heads = [folder / f"{name}.safetensors" for name in ("its_own", "other")]
    for seed, head in enumerate(heads):
        write_head(head, seed)
    uri = write_projected(folder / "refs", heads[0], folder / "projected.npz")
    other = load_encoder(projection=heads[1]).manifest.feature_uri
    (folder / "text.npz").write_text("this is no index")
    (folder / "prices.json").write_text(json.dumps({"prices": {"A-B1": {"median": "420"}}}))
    wrong = {
        (folder / "text.npz",): "text.npz is no index, or a damaged one",
        (folder / "projected.npz", "--projection", heads[1]): (uri, other, "--projection"),
        (cards, "--projection", heads[0]): (PLAIN, uri),
        (cards, "--prices", folder / "prices.json"): "prices.A-B1.median",
    }
    for options, expected in wrong.items():
        status, _, said = run("identify", "serve", "--port", "0", "--index", *map(str, options))
        assert status == 1 and "Traceback" not in said
        for part in (expected,) if isinstance(expected, str) else expected:
            assert part in said


def test_a_change_for_the_worse_changes_nothing(served, folder, tmp_path):
    client, index = served
    good, head = index.read_bytes(), tmp_path / "head.safetensors"
    write_head(head, 0)
    uri = write_projected(folder / "refs", head, tmp_path / "projected.npz")
    write_head(head, 1)
    other = load_encoder(projection=head).manifest.feature_uri
    bent = tmp_path / "bent.safetensors"
    write_head(bent, 2, inputs=7)
    write_projected(folder / "refs", bent, tmp_path / "bent.npz")

    def trouble():
        return client.get("/health").json()["reload_error"] or ""

    changes = (
        (b"this is no index", ("is no index",)),
        (good[:-2000], ("is no index",)),
        ((tmp_path / "projected.npz").read_bytes(), (uri, other)),
        ((tmp_path / "bent.npz").read_bytes(), ("ValueError",)),
        (None, ("There is no index",)),
    )
    for content, expected in changes:
        index.unlink() if content is None else index.write_bytes(content)
        wait_for(lambda expected=expected: all(part in trouble() for part in expected))
        health = client.get("/health").json()
        assert (health["index_size"], health["feature_uri"]) == (CARDS, PLAIN)
        (mask,) = ask(client, as_png(on_a_table(1))).json()["masks"]
        assert mask["ref_filename"].startswith("DEMO-EN001")
    index.write_bytes(good)
    wait_for(lambda: not trouble())


def test_a_hundred_megabytes_are_refused_and_the_server_goes_on(served):
    client, _ = served
    answer = ask(client, bytes(100_000_000))
    assert answer.status_code == 413 and "more than 20 MB" in answer.json()["detail"]
    assert ask(client, as_png(on_a_table(1))).json()["count"] == 1


def test_one_picture_and_two_of_a_name_can_be_served(tmp_path):
    refs, index = tmp_path / "refs", tmp_path / "few.npz"
    refs.mkdir()
    draw_card(1).save(refs / "amber_tower.png")
    write_index(refs, index)
    with server(index, *OPEN) as client:
        (mask,) = ask(client, as_png(on_a_table(1))).json()["masks"]
        assert mask["name"] == "Amber Tower" and mask["margin"] is None and mask["confident"]
        draw_card(2).save(refs / "AB-C001_amber_tower.png")
        draw_card(3).save(refs / "silent_gate.png")
        write_index(refs, index)
        wait_for(lambda: client.get("/health").json()["index_size"] == 3)
        assert client.get("/health").json()["labels"] == 2
        for number, filename in ((1, "amber_tower.png"), (2, "AB-C001_amber_tower.png")):
            (mask,) = ask(client, as_png(on_a_table(number))).json()["masks"]
            assert (mask["name"], mask["ref_filename"]) == ("Amber Tower", filename)
            assert [hit["name"] for hit in mask["top_k"]] == ["Amber Tower", "Silent Gate"]


def test_a_folder_without_pictures_makes_no_index(run, tmp_path):
    refs, out = tmp_path / "refs", tmp_path / "cards.npz"
    refs.mkdir()
    (refs / "notes.txt").write_text("no picture")
    (refs / "a.png").write_text("no picture either")
    status, _, said = run("identify", "index", "--refs", str(refs), "--out", str(out))
    assert status == 1 and "a.png: not an image" in said and not out.exists()
    (refs / "a.png").unlink()
    status, _, said = run("identify", "index", "--refs", str(refs), "--out", str(out))
    assert status == 1 and "holds no picture" in said and not out.exists()
