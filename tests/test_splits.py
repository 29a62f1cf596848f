import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.box_samples import picture

from autolabel_core.foundation.media.images import decode_image
from autolabel_core.foundation.media.perceptual_hash import are_near, perceptual_hash
from autolabel_core.tables.boxes.ground_truth import ImageTruth
from autolabel_core.tables.boxes.splits import (
    BETWEEN,
    GOLD,
    NEAR_GOLD,
    NOT_REVIEWED,
    SPLITS,
    TRAIN,
    UNREADABLE,
    VAL,
    split_by_hash,
    split_images,
)

NUMBERS = np.random.default_rng(0).integers(0, 2**63, (400, 4), dtype=np.uint64)
BY_SPLIT = {s: [n for n in range(400) if split_by_hash(f"c{n}") == s] for s in SPLITS}


def truth(number, reviewed=True):
    return ImageTruth(f"doc_{number}", f"{number}.png", f"c{number}", 9, 9, (), (), reviewed)


def split(numbers, like=(), gold=()):
    """Images by number; those in `like` look like the number that they are mapped to."""
    bits = {f"c{n}": NUMBERS[dict(like).get(n, n)] for n in numbers}
    known = {f"c{n}": bits.get(f"c{n}", NUMBERS[n]) for n in gold}
    found = split_images([truth(n) for n in numbers], bits, known)
    where = {int(t.key[:-4]): s for s in SPLITS for t in found.images[s]}
    return where, {int(key[:-4]): reason for key, reason in found.left_out}


def test_shares_are_as_stated():
    where, left_out = split(range(400))
    assert not left_out
    shares = {s: list(where.values()).count(s) / 400 for s in SPLITS}
    assert shares == pytest.approx({TRAIN: 0.7, VAL: 0.1, GOLD: 0.2}, abs=0.06)


def test_a_near_duplicate_follows_the_one_reviewed_before_it():
    train, val, gold = BY_SPLIT[TRAIN][0], BY_SPLIT[VAL][0], BY_SPLIT[GOLD][0]
    assert split([train, val], {val: train}) == ({train: TRAIN, val: TRAIN}, {})
    assert split([train, gold], {gold: train}) == ({train: TRAIN, gold: TRAIN}, {})
    assert split([gold, train], {train: gold}) == ({gold: GOLD}, {train: NEAR_GOLD})


def test_an_image_between_two_splits_is_left_out():
    first, second, between = BY_SPLIT[TRAIN][0], BY_SPLIT[VAL][0], BY_SPLIT[TRAIN][1]
    bits = {f"c{n}": NUMBERS[n].copy() for n in (first, second, between)}
    half = np.uint64(0xFFFFFFFF)
    bits[f"c{second}"] = bits[f"c{first}"] ^ np.array([half, half, 0, 0], dtype=np.uint64)
    bits[f"c{between}"] = bits[f"c{first}"] ^ np.array([half, 0, 0, 0], dtype=np.uint64)
    bits[f"c{second}"][2] ^= np.uint64(0xF)
    found = split_images([truth(n) for n in (first, second, between)], bits, {})
    assert found.left_out == ((f"{between}.png", BETWEEN),)


def test_what_nobody_reviewed_or_can_be_read_is_left_out():
    found = split_images([truth(1, reviewed=False), truth(2)], {"c1": NUMBERS[1]}, {})
    assert found.left_out == (("1.png", NOT_REVIEWED), ("2.png", UNREADABLE))


def test_gold_stays_gold_and_keeps_its_likes_away_even_when_it_is_gone():
    train, other = BY_SPLIT[TRAIN][:2]
    assert split([train], gold=[train])[0] == {train: GOLD}
    assert split([other], {other: train}, gold=[train]) == ({}, {other: NEAR_GOLD})


looks = st.lists(st.integers(0, 9), min_size=1, max_size=25)


@given(looks, st.integers(0, 25))
def test_more_images_never_move_one_and_no_likes_cross(look, first):
    like = dict(enumerate(look))
    numbers = list(like)
    before, _ = split(numbers[:first], like)
    gold = [n for n, s in before.items() if s == GOLD]
    after, left_out = split(numbers, like, gold)
    assert {n: after.get(n) for n in before} == before
    assert after.keys() | left_out.keys() == set(numbers)
    assert len({like[n] for n in after}) == len({(like[n], s) for n, s in after.items()})


def changed(data, how):
    image = decode_image(data)
    width, height = image.size
    target = io.BytesIO()
    if how == "jpeg":
        image.save(target, "JPEG", quality=30)
        return Image.open(target)
    if how == "half":
        return image.resize((width // 2, height // 2))
    if how == "crop":
        return image.crop((1, 1, width - 1, height - 1))
    return Image.eval(image, lambda value: int(value * 0.8))


@pytest.mark.parametrize("how", ["jpeg", "half", "crop", "dark"])
def test_copies_are_near_and_other_pictures_are_not(how):
    hashes = np.stack([perceptual_hash(decode_image(picture(n))) for n in range(40)])
    for number in range(0, 40, 4):
        near = are_near(perceptual_hash(changed(picture(number, 400, 320), how)), hashes)
        assert np.flatnonzero(near).tolist() == [number]


def test_plain_pictures_are_near_each_other():
    plain = [perceptual_hash(Image.new("RGB", (50, 40), (grey,) * 3)) for grey in (0, 90, 255)]
    assert are_near(plain[0], np.stack(plain)).all()
