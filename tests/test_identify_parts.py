"""What a server is made of, without one: regions, thresholds, prices, batches, the detector."""

import json
import threading

import numpy as np
import pytest
from PIL import Image, ImageDraw
from support.identify_servers import as_png, ask, on_a_table, server, write_cards, write_index

from autolabel_app.identify.batches import Batches
from autolabel_app.identify.settings import load_detector
from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.foundation.media.boxes import iou
from autolabel_core.foundation.media.region_proposals import propose_regions
from autolabel_core.identify.identify import Regions, identify
from autolabel_core.identify.prices.exchange_rates import RateSource
from autolabel_core.identify.prices.price_file import Prices
from autolabel_core.identify.thresholds_file import (
    CLIP,
    MEASURED,
    UNMEASURED,
    AcceptanceThresholds,
    save_thresholds,
    thresholds_file,
    thresholds_of,
)
from autolabel_core.matching.decision import Rule
from autolabel_core.matching.decision_engine import Match
from autolabel_core.matching.reference_index import IndexOrigin, ReferenceIndex
from autolabel_core.models.evaluation.acceptance import Acceptance, UnknownRate


def picture(*boxes, size=(640, 480), ground=(120, 130, 140)):
    image = Image.new("RGB", size, ground)
    for number, box in enumerate(boxes):
        ImageDraw.Draw(image).rectangle(box, (200, 40 * number, 30))
    return image


@pytest.mark.parametrize(
    "boxes", [[(100, 100, 300, 380)], [(20, 20, 200, 200), (300, 100, 600, 400)]]
)
def test_what_lies_on_a_plain_ground_is_found(boxes):
    found = propose_regions(picture(*boxes))
    for box in boxes:
        assert iou(np.array([box], float), found).max() > 0.9


@pytest.mark.parametrize(
    ("size", "held"), [((640, 480), (176, 60, 464, 420)), ((400, 800), (50, 212.5, 350, 587.5))]
)
def test_before_clutter_the_middle_is_looked_at(size, held):
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    found = propose_regions(Image.fromarray(noise))
    assert iou(np.array([held], float), found).max() > 0.99


@pytest.mark.parametrize("size", [(640, 480), (31, 900), (8, 8), (1, 1)])
@pytest.mark.parametrize("kind", ["plain", "noise"])
@pytest.mark.parametrize("most", [1, 2, 6])
def test_regions_are_few_within_the_picture_and_always_the_same(size, kind, most):
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    image = Image.fromarray(noise) if kind == "noise" else Image.new("RGB", size)
    found = propose_regions(image, most)
    assert 1 <= len(found) <= most and np.array_equal(found, propose_regions(image, most))
    assert (found >= 0).all() and (found[:, 2:] <= np.array(size) + 1e-6).all()
    assert all(min(crop.size) >= 1 for crop in Regions(found, True).crops(image))


def index_of(names, vectors, model="descriptor", views=0):
    n = len(names)
    origin = IndexOrigin("autolabel://image_extractor@v1/x", model, reference_views=views)
    files = tuple(map(str, range(n)))
    return ReferenceIndex(np.asarray(vectors, np.float32), names, files, files, origin, ({},) * n)


def test_thresholds_are_those_given_else_measured_else_the_usual(tmp_path):
    file = tmp_path / "cards.npz"
    index = index_of(("a", "b"), np.eye(2))
    assert thresholds_of(file, index).regions.source == UNMEASURED
    clip = thresholds_of(file, index_of(("a",), [[1, 0]], "open_clip:ViT-B-32/openai")).whole
    assert (clip.min_score, clip.min_margin, clip.source) == (0.70, 0.04, CLIP)
    save_thresholds(file, index, accepting(0.8, 0.1, 8), accepting(0.7, 0.05, 0))
    found = thresholds_of(file, index)
    measured = found.regions
    assert (found.whole.min_score, found.whole.min_margin) == (0.7, 0.05)
    assert (measured.min_score, measured.min_margin, measured.source) == (0.8, 0.1, MEASURED)
    assert measured.given(0.5, None) == AcceptanceThresholds(0.5, 0.1, f"given, {MEASURED}", 8)
    assert measured.given(0.5, 0.2).source == "given" and measured.given(None, None) == measured
    assert thresholds_of(file, index_of(("a",), [[1, 0]], views=16)).whole.source == UNMEASURED
    assert measured.served_by("8 proposed regions", 8) == measured
    other = measured.served_by("4 proposed regions", 4).source
    assert other == "verify, measured for 8 proposed regions, not for 4 proposed regions"


def test_thresholds_of_an_earlier_version_are_those_of_whole_pictures(tmp_path):
    file, index = tmp_path / "cards.npz", index_of(("a", "b"), np.eye(2))
    earlier = {"feature_uri": index.feature_uri, "reference_views": 0}
    thresholds_file(file).write_text(json.dumps({**earlier, "min_score": 0.8, "min_margin": 0.1}))
    regions = thresholds_of(file, index).regions.served_by("8 proposed regions", 8)
    assert (regions.min_score, regions.min_margin) == (0.8, 0.1)
    assert regions.source.endswith("measured for whole pictures, not for 8 proposed regions")


def accepting(score, margin, regions):
    return Acceptance(score, margin, 0.95, 0.9, True, UnknownRate(1, 50, 50), regions)


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_thresholds_that_are_none_are_told(tmp_path, text):
    file = tmp_path / "cards.npz"
    thresholds_file(file).write_text(text)
    with pytest.raises(AutolabelError, match="holds no thresholds"):
        thresholds_of(file, index_of(("a",), [[1, 0]]))


def test_an_only_label_is_judged_by_its_score():
    thresholds = AcceptanceThresholds(0.7, 0.1, "given")
    assert thresholds.confident(Match("a", 0.7, 0, True, None, ()))
    assert not thresholds.confident(Match("a", 0.9, 0, True, 0.09, ()))
    assert not thresholds.confident(Match("a", 0.69, 0, True, 0.5, ()))


def test_of_regions_that_compete_the_best_is_kept():
    index = index_of(("a", "b"), np.eye(2))
    boxes = np.array([[0, 0, 100, 100], [10, 10, 90, 90], [200, 0, 300, 100.0]])
    vectors = np.array([[0.8, 0.6], [1, 0], [0, 1]], np.float32)
    thresholds = AcceptanceThresholds(0.7, 0.1, "given")
    matches = index.engine(Rule(0.7)).match(vectors)
    kept = identify(Regions(boxes, True), matches, thresholds, (400, 100))
    assert [one.xyxy_rel for one in kept] == [(0.025, 0.1, 0.225, 0.9), (0.5, 0, 0.75, 1)]
    assert len(identify(Regions(boxes, False), matches, thresholds, (400, 100))) == 3


OFFLINE = RateSource(url=None)
WRONG_PRICES = {
    "text for a number": ({"prices": {"A-B1": {"median": "420"}}}, "prices.A-B1.median"),
    "below nothing": ({"prices": {"A-B1": {"median": -1}}}, "prices.A-B1.median"),
    "a list": ({"prices": []}, "prices"),
    "no prices": ({"currency": "JPY"}, "prices"),
    "no currency": ({"currency": "yen", "prices": {}}, "currency"),
    "a rate of nothing": ({"prices": {}, "usd_rates": {"JPY": 0}}, "usd_rates.JPY"),
}


@pytest.mark.parametrize("wrong", WRONG_PRICES)
def test_prices_of_a_wrong_type_are_told_by_their_key(tmp_path, wrong):
    content, key = WRONG_PRICES[wrong]
    (tmp_path / "prices.json").write_text(json.dumps(content))
    with pytest.raises(AutolabelError, match=f"`{key}`"):
        Prices.load(tmp_path / "prices.json", OFFLINE)


def test_prices_that_are_no_json_or_not_there_are_told(tmp_path):
    (tmp_path / "prices.json").write_text("{")
    with pytest.raises(AutolabelError, match="no JSON"):
        Prices.load(tmp_path / "prices.json", OFFLINE)
    with pytest.raises(NotFoundError):
        Prices.load(tmp_path / "none.json", OFFLINE)


def test_the_dearest_come_first_and_unknown_rates_last(tmp_path):
    entries = {
        "A-B1": {"median": 1000, "currency": "JPY"},
        "A-B2": {"median": 9.5},
        "A-B3": {"median": 99, "currency": "XXX"},
    }
    content = {"prices": entries, "usd_rates": {"JPY": 0.5, "EUR": 2.0}}
    (tmp_path / "prices.json").write_text(json.dumps(content))
    source = RateSource(url=None, given={"JPY": 0.01})
    prices = Prices.load(tmp_path / "prices.json", source)
    assert [(p["code"], p["usd_median"]) for p in prices.top(9)] == [
        *(("A-B1", 10.0), ("A-B2", 9.5), ("A-B3", None))
    ]
    assert len(prices.top(1)) == 1 and prices.of("A-B4") is prices.of(None) is None


class Slow:
    """Sees the first pixel's strongest colour; refuses black; waits for a signal first."""

    def __init__(self):
        self.begun, self.go = threading.Event(), threading.Event()

    def look_up(self, images):
        self.begun.set()
        self.go.wait(60)
        values = np.array([image.getpixel((0, 0)) for image in images])
        if (values.sum(axis=1) == 0).any():
            raise ValueError("black")
        return [Match("rgb"[colour], 1.0, 0, True, None, ()) for colour in values.argmax(axis=1)]


def pair(*colour):
    return [Image.new("RGB", (1, 1), colour)] * 2


def test_what_comes_in_meanwhile_is_one_batch_and_one_fault_is_its_own():
    sizes, slow = [], Slow()
    batches = Batches(sizes.append)
    asked = [batches.submit(slow, pair(9, 0, 0))]
    slow.begun.wait(60)
    asked += [batches.submit(slow, pair(*c)) for c in ((0, 9, 0), (0, 0, 0), (0, 0, 9))]
    slow.go.set()
    batches.close()
    assert isinstance(asked[2].exception(), ValueError)
    for job, label in ((asked[0], "r"), (asked[1], "g"), (asked[3], "b")):
        assert [match.label for match in job.result()] == [label] * 2
    assert sizes == [2, 6, 2, 2, 2]


def test_a_batch_waits_for_pictures_that_are_being_read_and_for_no_other(monkeypatch):
    monkeypatch.setattr("autolabel_app.identify.batches.PATIENCE", 1e6)
    sizes, slow = [], Slow()
    batches = Batches(sizes.append)
    first = batches.submit(slow, pair(9, 0, 0))
    slow.begun.wait(60)
    with batches.coming():
        waiting = batches.submit(slow, pair(0, 9, 0))
        slow.go.set()
        first.result(60)
        batches.submit(slow, pair(0, 0, 9))
    waiting.result(60)
    batches.submit(slow, pair(9, 0, 0)).result(60)
    batches.close()
    assert sizes == [2, 4, 2]


def test_a_detector_says_where_things_are(toy_extractors, tmp_path):
    write_cards(tmp_path / "refs", 2)
    for name, colour in (("red_block", (250, 0, 0)), ("blue_block", (0, 0, 250))):
        Image.new("RGB", (80, 80), colour).save(tmp_path / "refs" / f"{name}.png")
    write_index(tmp_path / "refs", tmp_path / "cards.npz")
    frame = Image.new("RGB", (400, 200))
    frame.paste((250, 0, 0), (10, 10, 110, 110))
    frame.paste((0, 0, 250), (210, 50, 310, 150))
    frame.paste((0, 250, 0), (380, 180, 390, 190))
    options = ("--detector", "block_detector", "--min-score", "0.5", "--min-margin", "0")
    with server(tmp_path / "cards.npz", *options) as client:
        assert client.get("/health").json()["has_detector"]
        found = ask(client, as_png(frame)).json()["masks"]
        at = {mask["name"]: mask["bbox_norm"] for mask in found}
        assert at["Red Block"] == pytest.approx(
            {"x1": 10 / 400, "y1": 10 / 200, "x2": 110 / 400, "y2": 110 / 200}, abs=0.01
        )
        assert len(found) == 2 and "Blue Block" in at
        assert ask(client, as_png(on_a_table(0))).status_code == 200


@pytest.mark.parametrize("named", ["no_such_plug_in", "nowhere/best.pt"])
def test_a_detector_that_cannot_be_had_is_told(named):
    with pytest.raises(AutolabelError):
        load_detector(named)
