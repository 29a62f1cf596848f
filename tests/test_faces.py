"""Faces: found, aligned, embedded, named; by the real models where the extra is installed."""

import importlib.util
import io
import json
from pathlib import Path

import numpy as np
import pytest
from conftest import sweep_quietly
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from autolabel_core.documents.documents import Documents
from autolabel_core.documents.threshold_tuning import propose_thresholds
from autolabel_core.foundation.errors import (
    AutolabelError,
    MissingWeightsError,
    NothingToEmbedError,
)
from autolabel_core.models.detectors import DetectorSettings, load_detector
from autolabel_core.models.detectors.faces import confidence_of, score_of
from autolabel_core.models.extractors import embed_checked, embed_with_fallback, load_extractor
from autolabel_core.models.extractors import faces as face_extractor
from autolabel_core.models.extractors.batch_fallback import call_with_fallback
from autolabel_core.models.extractors.faces import main_face
from autolabel_core.models.faces import dlib_models
from autolabel_core.models.faces.dlib_models import FoundFace

HAS_DLIB = importlib.util.find_spec("dlib") is not None
needs_dlib = pytest.mark.skipif(not HAS_DLIB, reason="the extra `faces` is not installed")


def photograph(name):
    """Photographs of faces that packages bring, each of one person but `bus`."""
    import matplotlib
    import ultralytics

    files = {
        "hopper": Path(matplotlib.get_data_path()) / "sample_data/grace_hopper.jpg",
        "player": Path(ultralytics.__file__).parent / "assets/zidane.jpg",
        "bus": Path(ultralytics.__file__).parent / "assets/bus.jpg",
    }
    if name == "astronaut":
        return Image.fromarray(pytest.importorskip("skimage.data").astronaut())
    return Image.open(files[name]).convert("RGB")


PORTRAITS = {
    "hopper": (60, 20, 480, 460),
    "player": (780, 20, 1240, 400),
    "astronaut": (90, 0, 360, 260),
}


def portrait(name):
    return photograph(name).crop(PORTRAITS[name])


def taken_again(picture, seed):
    """The same face in another picture: turned a little, darker or brighter, softer, moved."""
    rng = np.random.default_rng(seed)
    turned = picture.rotate(rng.uniform(-14, 14), Image.Resampling.BICUBIC, fillcolor=(128,) * 3)
    lit = ImageEnhance.Brightness(turned).enhance(rng.uniform(0.7, 1.3))
    soft = lit.filter(ImageFilter.GaussianBlur(rng.uniform(0, 1.2)))
    size = int(rng.uniform(0.6, 1.2) * picture.width)
    return soft.resize((size, round(size * picture.height / picture.width)))


def beside(*pictures, height=300):
    scaled = [p.resize((round(p.width * height / p.height), height)) for p in pictures]
    whole = Image.new("RGB", (sum(p.width for p in scaled), height), (90, 110, 90))
    left = 0
    for picture in scaled:
        whole.paste(picture, (left, 0))
        left += picture.width
    return whole


def png(picture):
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def extractor():
    return load_extractor("face_identity_extractor", "v1", None, {})


def detected(picture, **parameters):
    detector = load_detector("face_detector", "v1", DetectorSettings(), parameters)
    return detector.detect([picture])[0]


@needs_dlib
def test_one_person_is_near_and_others_are_far(extractor):
    names = list(PORTRAITS)
    pictures = [taken_again(portrait(name), seed) for name in names for seed in range(4)]
    vectors = embed_checked(extractor, pictures)
    who = np.repeat(np.arange(len(names)), 4)
    cosines, same = vectors @ vectors.T, who[:, None] == who[None, :]
    assert cosines[same].min() > 0.6
    assert cosines[~same].max() < 0.4


@needs_dlib
def test_a_picture_has_the_same_vector_in_any_batch(extractor):
    pictures = [portrait("hopper"), portrait("player")]
    together = embed_checked(extractor, pictures)
    alone = np.concatenate([embed_checked(extractor, [picture]) for picture in pictures])
    assert together.tobytes() == alone.tobytes()


@needs_dlib
def test_every_face_of_a_picture_has_a_box():
    found = detected(beside(portrait("hopper"), portrait("astronaut"), portrait("player")))
    assert found.class_names == ("face",) * 3
    assert (found.confidence > 0.25).all()


@needs_dlib
@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.rotate(20, fillcolor=(128, 128, 128)),
        lambda p: p.resize((84, 80)),
        lambda p: ImageEnhance.Color(p).enhance(0.0),
    ],
    ids=["tilted", "tiny", "grey"],
)
def test_turned_and_tiny_faces_are_found_and_known(extractor, change):
    picture = change(portrait("hopper"))
    (box,) = detected(beside(picture, height=picture.height), smallest_face_px=24).xyxy_px
    crop = picture.crop(tuple(int(v) for v in box))
    vectors = embed_checked(extractor, [crop, portrait("hopper"), portrait("astronaut")])
    assert vectors[0] @ vectors[1] > 0.5 > vectors[0] @ vectors[2]


@needs_dlib
def test_a_partly_covered_face_is_known(extractor):
    covered = portrait("hopper")
    ImageDraw.Draw(covered).rectangle([0, 0, 110, covered.height], fill=(30, 30, 30))
    vectors = embed_checked(extractor, [covered, portrait("hopper")])
    assert vectors[0] @ vectors[1] > 0.5


@needs_dlib
def test_overlapping_faces_are_two_documents():
    left, right = portrait("hopper"), portrait("astronaut").resize((420, 404))
    whole = Image.new("RGB", (620, 440), (90, 110, 90))
    whole.paste(right, (200, 20))
    whole.paste(left.crop((0, 0, 330, 440)), (0, 0))
    assert len(detected(whole)) == 2


@needs_dlib
def test_what_shows_no_face_has_no_vector_and_is_told(extractor):
    grass = Image.effect_noise((300, 200), 60).convert("RGB")
    assert len(detected(grass)) == 0
    with pytest.raises(NothingToEmbedError, match="no face that looks at the camera"):
        extractor.embed([grass])
    with pytest.raises(NothingToEmbedError, match="of about the same size"):
        extractor.embed([beside(portrait("hopper"), portrait("astronaut"))])


@needs_dlib
@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 2), (20, 20)])
def test_images_of_odd_sizes_stop_nothing(extractor, size):
    assert len(detected(Image.new("RGB", size))) == 0
    with pytest.raises(NothingToEmbedError):
        extractor.embed([Image.new("RGB", size)])


@needs_dlib
def test_faces_on_photographs_are_named_by_portraits_with_their_fields(workspace, home):
    extractor = {"feature_extractor_name": "face_identity_extractor"}
    employees = {
        "feature_extractor": {**extractor, "field_passthrough": ["person_name", "employee_id"]},
        "taxonomy": {"field_to_enrich": "person_name", "confidence_threshold": 0.5},
    }
    photographs = {
        "feature_extractor": {**extractor, "field_passthrough": []},
        "detection": {"detector_name": "face_detector"},
        "taxonomy": {
            **{"field_to_enrich": "person_name", "confidence_threshold": 0.5},
            "reference": "employees",
            "enrichment_fields": [
                {"source": "person_name", "target": "person_name"},
                {"source": "employee_id", "target": "employee_id"},
            ],
        },
    }
    known = {"hopper": "E-1", "astronaut": "E-2"}
    objects = {}
    for name, number in known.items():
        for seed in range(3):
            objects[f"{name}{seed}.png"] = png(taken_again(portrait(name), 20 + seed))
            objects[f"{name}{seed}.png.json"] = json.dumps(
                {"person_name": name, "employee_id": number}
            )
    scenes = {
        "both.png": png(beside(portrait("astronaut"), portrait("hopper"))),
        "stranger.png": png(photograph("player")),
        "nobody.png": png(Image.effect_noise((200, 200), 50).convert("RGB")),
    }
    made = workspace(
        {"employees": employees, "photographs": photographs},
        {"employees": objects, "photographs": scenes},
    )
    for name in ("employees", "photographs"):
        sweep_quietly(made, name)
    records = Documents(home.workspace.open("photographs")).find()
    faces = {r["key"]: (r["label"], r["employee_id"]) for r in records if r["kind"] == "detection"}
    assert set(faces.values()) == {("hopper", "E-1"), ("astronaut", "E-2"), (None, None)}
    assert faces["stranger.png#det_0"] == (None, None)
    nobody = next(r for r in records if r["key"] == "nobody.png")
    assert (nobody["detections"], nobody["reason"]) == ([], None)
    proposal = propose_thresholds(home.workspace.open("employees"), 0.95)
    assert proposal is not None


def test_a_face_in_the_middle_goes_before_a_larger_one_at_the_side(monkeypatch):
    middle = FoundFace((60, 60, 140, 140), 0.4)
    side = FoundFace((0, 0, 110, 110), 1.5)
    monkeypatch.setattr(face_extractor, "find_faces", lambda *_: [side, middle])
    assert main_face(Image.new("RGB", (200, 200))) == middle


def test_confidence_and_score_are_one_curve():
    for confidence in (0.05, 0.25, 0.5, 0.9):
        assert confidence_of(score_of(confidence)) == pytest.approx(confidence)
    assert score_of(0.25) == pytest.approx(0.2, abs=0.01)
    assert (score_of(0.0), score_of(1.0)) == (-1.0, 3.0)


def test_items_without_anything_to_embed_stop_no_batch():
    def ask(items):
        if any(item == "empty" for item in items):
            raise NothingToEmbedError("no face")
        return [len(item) for item in items]

    assert call_with_fallback(ask, "x", ["empty", "empty"], [False, False]) == ["no face"] * 2
    assert call_with_fallback(ask, "x", ["empty", "ab"], [False, False]) == ["no face", 2]


def test_without_the_extra_the_error_names_it(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        dlib_models.importlib.util,
        "find_spec",
        lambda name: None if name in ("dlib", "face_recognition_models") else find(name),
    )
    with pytest.raises(MissingWeightsError, match=r"pip install 'dagster-autolabel\[faces\]'"):
        load_extractor("face_identity_extractor", "v1", None, {})


@needs_dlib
def test_wrong_parameters_are_refused():
    with pytest.raises(AutolabelError, match="expected 16 to 400"):
        detected(Image.new("RGB", (9, 9)), smallest_face_px=3)
    with pytest.raises(AutolabelError, match="does not know the model `arcface`"):
        load_extractor("face_identity_extractor", "v1", "arcface", {})


@needs_dlib
def test_a_batch_keeps_the_good_faces(extractor):
    found = embed_with_fallback(
        extractor, [portrait("hopper"), Image.new("RGB", (80, 80))], [False, False]
    )
    assert isinstance(found[0], np.ndarray)
    assert found[1].startswith("no face")
