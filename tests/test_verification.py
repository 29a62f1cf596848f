import json
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image, ImageDraw

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.identify.build_index import build_index
from autolabel_core.identify.index_encoder import load_encoder, origin_of
from autolabel_core.identify.reference_folder import pictures_of, read_folder
from autolabel_core.identify.verification_page import verification_page
from autolabel_core.matching.reference_index import ReferenceIndex
from autolabel_core.models.evaluation.augmentation import AugmentationSplit, augmentations
from autolabel_core.models.evaluation.augmentation_cache import ViewCache
from autolabel_core.models.evaluation.retrieval_metrics import judge_scores
from autolabel_core.models.evaluation.unknown_rejection import auroc, reject_unknown
from autolabel_core.models.evaluation.verification import verify_index

CACHE = []
COLOURS = ("red", "blue", "green", "orange", "black", "white")


def draw(number):
    rng = np.random.default_rng(number)
    picture = Image.new("RGB", (90, 120), COLOURS[number % 6])
    draw = ImageDraw.Draw(picture)
    for _ in range(5):
        x, y = rng.integers(0, 80, 2).tolist()
        draw.rectangle((x, y, x + 25, y + 25), tuple(rng.integers(0, 256, 3).tolist()))
    return picture


@pytest.fixture
def refs(tmp_path):
    folder = tmp_path / "refs"
    folder.mkdir()
    for number in range(12):
        draw(number).save(folder / f"thing_{number:02d}.png")
    return folder


@pytest.fixture(scope="module", autouse=True)
def views_folder(tmp_path_factory):
    """Views are kept by content, so the tests share them."""
    CACHE.append(tmp_path_factory.mktemp("views"))
    yield
    CACHE.clear()


def verify(refs, views=0, change=lambda index: index):
    encoder = load_encoder()
    origin = origin_of(encoder, refs, None, None, views)
    index = change(build_index(read_folder(refs), encoder, origin).index)
    return verify_index(index, pictures_of(index), encoder, ViewCache(CACHE[0], encoder))


def test_a_good_index_is_verified(refs):
    found = verify(refs)
    assert found.sane and found.itself.share == 1.0
    assert found.views.queries == 96 and found.views.low < found.views.share <= found.views.high
    assert found.variants.share is None
    assert set(found.by_reference_views) == {0, 16}
    assert found.by_reference_views[0]["median_margin"] == pytest.approx(found.median_margin)
    assert len(found.worst) == 10 and found.worst[0][1] <= found.worst[-1][1]
    assert 0.5 < found.rejection.auroc_score <= 1.0
    json.dumps(found.as_json(), allow_nan=False)


def test_the_mean_of_views_is_what_the_index_holds(refs):
    found = verify(refs, views=5)
    assert set(found.by_reference_views) == {0, 5, 16}
    assert found.by_reference_views[5]["median_margin"] == pytest.approx(found.median_margin)


def test_wrong_names_are_found_by_variants_and_not_by_references_themselves(refs):
    for number in range(12):
        picture = draw(number).rotate(2, fillcolor=COLOURS[number % 6])
        picture.save(refs / f"AB-C{number}_thing_{number:02d}.png")
    assert verify(refs).variants.share > 0.9
    names = [path.name for path in sorted(refs.glob("AB-*"))]
    for path in refs.glob("AB-*"):
        path.rename(refs / f"moved-{path.name}")
    for name, other in zip(names, names[1:] + names[:1], strict=True):
        code, _, rest = name.partition("_")
        wrong = other.partition("_")[2]
        (refs / f"moved-{code}_{rest}").rename(refs / f"{code}_{wrong}")
    found = verify(refs)
    assert found.variants.share < 0.2 and found.variants.queries == 24


def test_pairs_that_look_alike_are_named(refs):
    draw(3).resize((91, 121)).save(refs / "thing_03_copy.png")
    pair = verify(refs).pairs[0]
    assert {pair.label, pair.other} == {"Thing 03", "Thing 03 Copy"}
    assert pair.cosine > 0.95 and pair.mistaken > 0


def test_vectors_of_other_pictures_are_not_sane(refs):
    def turned(index):
        embeddings = np.roll(index.embeddings, 1, axis=0)
        return ReferenceIndex(**{**vars_of(index), "embeddings": embeddings})

    found = verify(refs, change=turned)
    assert not found.sane
    assert "do not match themselves" in page_of(found)


def vars_of(index):
    return {name: getattr(index, name) for name in type(index).__dataclass_fields__}


def page_of(found):
    pictures = pictures_of(found.index)
    return verification_page(found, lambda row: pictures[row].picture(None))


def test_the_page_carries_its_pictures_and_escapes_names(refs):
    draw(7).save(refs / "a_<b>_&_c.png")
    page = page_of(verify(refs))
    seen = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            seen.append((tag, dict(attrs)))

    Reader().feed(page)
    images = [attrs for tag, attrs in seen if tag == "img"]
    assert images and all(i["src"].startswith("data:image/jpeg;base64,") for i in images)
    assert all(i["alt"] for i in images)
    assert "<b>" not in page and "A &lt;b&gt; &amp; C" in page
    assert not [attrs for _, attrs in seen if str(attrs.get("src", "")).startswith("http")]


def test_one_label_cannot_be_verified(tmp_path):
    refs = tmp_path / "refs"
    refs.mkdir()
    draw(0).save(refs / "a.png")
    with pytest.raises(AutolabelError, match='one label, "A"'):
        verify(refs)


def test_two_labels_are_too_few_to_leave_half_out(tmp_path):
    refs = tmp_path / "refs"
    refs.mkdir()
    for number in range(2):
        draw(number).save(refs / f"{number}.png")
    found = verify(refs)
    assert found.rejection is None and found.as_json()["unknown"] is None
    assert "Four labels at least" in page_of(found)


def test_pictures_that_changed_are_told(refs):
    def change(index):
        draw(99).save(refs / "thing_05.png")
        return index

    with pytest.raises(AutolabelError, match=r"thing_05\.png is gone, or was changed"):
        verify(refs, change=change)


def test_judging_agrees_with_a_naive_judge():
    rng = np.random.default_rng(0)
    scores, truth = rng.normal(size=(50, 7)).astype(np.float32), rng.integers(0, 7, 50)
    judged = judge_scores(scores, truth)
    for row, label in enumerate(truth.tolist()):
        others = {c: s for c, s in enumerate(scores[row].tolist()) if c != label}
        rival = max(others, key=others.get)
        ordered = sorted(scores[row].tolist(), reverse=True)
        assert judged.rival[row] == rival and judged.found[row] == scores[row].argmax()
        assert judged.margin[row] == pytest.approx(scores[row, label] - others[rival])
        assert judged.gap[row] == pytest.approx(ordered[0] - ordered[1])
        assert judged.correct[row] == (judged.margin[row] > 0)


def test_auroc_agrees_with_counting_pairs():
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 6, 40), rng.integers(0, 5, 30)
    wins = np.mean([(a > b) + 0.5 * (a == b) for a in one for b in other])
    assert auroc(one, other) == pytest.approx(wins)


def test_thresholds_keep_the_wanted_precision():
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(40, 16)).astype(np.float32)
    unit = centres / np.linalg.norm(centres, axis=1, keepdims=True)
    names = tuple(f"{i:02d}" for i in range(40))
    index = ReferenceIndex(unit, names, names, names, origin_of(load_encoder(), "r"), ({},) * 40)
    noisy = np.repeat(centres, 5, axis=0) + 0.5 * rng.normal(size=(200, 16)).astype(np.float32)
    queries = noisy / np.linalg.norm(noisy, axis=1, keepdims=True)
    told = rejected(index, queries, np.repeat(np.arange(40), 5), 0.9)
    assert told.acceptance.precision >= 0.89
    assert told.acceptance.reached == (told.acceptance.precision >= 0.9)
    assert told.auroc_score > 0.8 and told.acceptance.answered > 0.5
    stricter = rejected(index, queries, np.repeat(np.arange(40), 5), 1.0).acceptance
    assert stricter.answered <= told.acceptance.answered
    assert stricter.unknown.share <= told.acceptance.unknown.share <= told.acceptance.unknown.high


def rejected(index, queries, truth, precision):
    shown = [query[None] for query in queries]
    return reject_unknown(index, shown, shown, truth, precision, np.random.default_rng(0))


def test_where_the_unknown_lie_far_away_little_of_the_known_is_given_up():
    unit = np.eye(40, dtype=np.float32)
    names = tuple(f"{i:02d}" for i in range(40))
    index = ReferenceIndex(unit, names, names, names, origin_of(load_encoder(), "r"), ({},) * 40)
    noise = np.random.default_rng(1).normal(size=(400, 40)).astype(np.float32)
    noisy = np.repeat(unit, 10, axis=0) + 0.05 * noise
    queries = noisy / np.linalg.norm(noisy, axis=1, keepdims=True)
    told = rejected(index, queries, np.repeat(np.arange(40), 10), 0.95).acceptance
    assert told.precision == 1.0 and 0.93 <= told.answered <= 0.95
    assert told.unknown.named == 0 and told.unknown.high == pytest.approx(0.0876, abs=1e-3)


def test_views_are_functions_of_purpose_content_and_number():
    picture = draw(0)
    once = augmentations(picture, "ab" * 32, AugmentationSplit.TRAINING, range(4), 48)
    again = augmentations(picture, "ab" * 32, AugmentationSplit.TRAINING, [3], 48)
    assert once[3].tobytes() == again[0].tobytes()
    every = {
        view.tobytes()
        for purpose in (
            AugmentationSplit.TRAINING,
            AugmentationSplit.EARLY_STOPPING,
            AugmentationSplit.HELD_OUT,
        )
        for checksum in ("ab" * 32, "cd" * 32)
        for view in augmentations(picture, checksum, purpose, range(4), 48)
    }
    assert len(every) == 24
    assert all(min(view.size) == 48 and view.mode == "RGB" for view in once)


def test_cached_views_are_what_would_be_drawn_again(refs, tmp_path):
    encoder = load_encoder()
    references = read_folder(refs).references
    cache = ViewCache(tmp_path / "views", encoder)
    two, five = (cache.vectors(references, AugmentationSplit.TRAINING, n) for n in (2, 5))
    fresh = ViewCache(tmp_path / "fresh", encoder).vectors(
        references, AugmentationSplit.TRAINING, 5
    )
    np.testing.assert_array_equal(five, fresh)
    np.testing.assert_array_equal(five[:, :2], two)
    damaged = next((tmp_path / "views").rglob("*.npy"))
    damaged.write_bytes(b"hello")
    np.testing.assert_array_equal(cache.vectors(references, AugmentationSplit.TRAINING, 5), fresh)
