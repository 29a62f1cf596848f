"""What `verify` promises of unknown things is kept by what is served, picture by picture."""

import json

import numpy as np
import pytest
from PIL import Image
from support.identify_servers import as_png, ask, on_a_table, server, write_cards, write_index

from autolabel_app.demos.identify.camera import photograph
from autolabel_app.demos.identify.cards import draw_card
from autolabel_core.identify.identify import Regions, identify
from autolabel_core.identify.thresholds_file import AcceptanceThresholds
from autolabel_core.matching.decision import Rule
from autolabel_core.matching.reference_index import IndexOrigin, ReferenceIndex
from autolabel_core.models.evaluation.acceptance import UnknownRate
from autolabel_core.models.evaluation.unknown_rejection import look_up, reject_unknown

KNOWN, UNKNOWN = 60, 70


def unit(rng, rows, width=12):
    drawn = rng.normal(size=(rows, width)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def index_of(labels, vectors):
    n = len(labels)
    files = tuple(map(str, range(n)))
    return ReferenceIndex(vectors, tuple(labels), files, files, IndexOrigin("x"), ({},) * n)


@pytest.mark.parametrize("margin", [0.0, 0.05, 0.2])
def test_the_region_that_decides_is_the_one_that_is_served(margin):
    """A naive reference: the server's own engine, regions and choice, label by label."""
    rng = np.random.default_rng(3)
    labels = [f"{i % 9}" for i in range(18)]
    index = index_of(labels, unit(rng, 18))
    queries = [unit(rng, rows) for rows in rng.integers(1, 6, 40).tolist()]
    truth = rng.integers(0, 9, 40)
    for left_out in (False, True):
        score, right = look_up(index, queries, truth, left_out).answers(margin)
        for i, query in enumerate(queries):
            kept = [r for r in range(18) if not left_out or index.codes[r] != truth[i]]
            served = index_of([labels[r] for r in kept], index.embeddings[kept])
            boxes = Regions(np.array([[0, 0, 10, 10.0]] * len(query)), compete=True)
            matches = served.engine(Rule(-1.0)).match(query)
            thresholds = AcceptanceThresholds(-1.0, margin, "")
            first = identify(boxes, matches, thresholds, (10, 10))[0]
            assert first.confident == bool(np.isfinite(score[i]))
            if first.confident:
                assert first.match.score == pytest.approx(score[i], abs=1e-6)
                assert (first.match.label == index.labels[truth[i]]) == right[i]


def test_no_label_chooses_the_thresholds_that_it_is_counted_under():
    """Names that mean nothing: thresholds that look precise do not look so on other labels."""
    rng = np.random.default_rng(5)
    index = index_of([str(i) for i in range(40)], unit(rng, 40, 6))
    known, unknown = ([vector[None] for vector in unit(rng, 200, 6)] for _ in range(2))
    truth = np.tile(np.arange(40), 5)
    told = reject_unknown(index, known, unknown, truth, 0.99, np.random.default_rng(0))
    accepted = told.acceptance
    assert accepted.unknown.named > 0 and accepted.unknown.high > accepted.unknown.share
    assert accepted.precision < 0.5 and not accepted.reached


def test_the_upper_end_counts_labels_and_not_their_views():
    few, many = UnknownRate(0, 200, 20), UnknownRate(0, 200, 200)
    assert few.share == many.share == 0.0 and few.high > 0.1 > many.high > 0.0


def framed(number, rng):
    """A card in a scene of patches, held askew."""
    patches = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
    scene = Image.fromarray(patches).resize((640, 480))
    scene.paste(photograph(draw_card(number), rng), (200, 90))
    return scene


@pytest.fixture(scope="module")
def verified(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unknown")
    write_cards(folder / "refs", KNOWN)
    write_index(folder / "refs", folder / "cards.npz")
    return folder


def test_of_unknown_things_no_more_are_named_than_verify_says(verified, run, home):
    index = str(verified / "cards.npz")
    status, out, _ = run("identify", "verify", "--index", index, "--json")
    assert status == 0
    told = json.loads(out)
    acceptance = told["unknown"]["acceptance"]
    assert acceptance["max_regions"] == 8 and acceptance["answered"] > 0.2
    whole = told["unknown_whole"]["acceptance"]
    rng = np.random.default_rng(11)
    strangers = range(1000, 1000 + UNKNOWN)
    shown = {
        "photographs": [photograph(draw_card(n), rng) for n in strangers],
        "on a table": [on_a_table(n) for n in strangers],
        "as they are": [draw_card(n) for n in strangers],
        "in a scene": [framed(n, rng) for n in strangers],
    }
    with server(index, **home.paths.environment) as client:
        assert client.get("/health").json()["thresholds_from"] == "verify"
        for kind, pictures in shown.items():
            named = sum(
                any(mask["confident"] for mask in ask(client, as_png(p)).json()["masks"])
                for p in pictures
            )
            assert named / UNKNOWN <= acceptance["unknown_named"]["high"], kind
        for kind in ("photographs", "as they are"):
            files = [{"image": ("a.png", as_png(p))} for p in shown[kind]]
            named = sum(
                client.post("/api/classify", files=f).json()["label"] is not None for f in files
            )
            assert named / UNKNOWN <= whole["unknown_named"]["high"], kind
    with server(index, "--max-regions", "3", **home.paths.environment) as client:
        said = client.get("/health").json()["thresholds_from"]
        assert said == "verify, measured for 8 proposed regions, not for 3 proposed regions"
