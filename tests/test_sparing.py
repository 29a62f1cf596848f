"""One bad item costs no other its vector, and a broken extractor is not taken for bad items."""

from __future__ import annotations

import re

import numpy as np
import pytest

from autolabel_core.foundation.errors import (
    AutolabelError,
    MissingWeightsError,
    StoreUnavailableError,
)
from autolabel_core.models.extractors import Manifest, embed_with_fallback


class Picky:
    """Fails by what an item says."""

    min_side_px = None
    manifest = Manifest("picky", "v1", "p", "text", 2)

    def embed(self, batch):
        for item in batch:
            if isinstance(item, Exception):
                raise item
        found = np.zeros((len(batch), 2), np.float32)
        found[:, 0] = [{"nan": np.nan, "zero": 0.0, "long": 5.0}.get(i, 1.0) for i in batch]
        return found.astype(np.float64) if "double" in batch else found


def embed(*items, before=()):
    return embed_with_fallback(Picky(), items, [item in before for item in items])


BAD = {
    "raises": (ValueError("no"), r"`picky` fails on it: ValueError\('no'\)"),
    "not finite": ("nan", "a value that is not finite"),
    "no length": ("zero", "a row of length 0"),
}


@pytest.mark.parametrize(("item", "said"), BAD.values(), ids=BAD)
def test_a_bad_item_alone_has_no_vector(item, said):
    good, bad, also_good = embed("x", item, "y")
    assert good.tolist() == also_good.tolist() == [1.0, 0.0]
    assert re.search(said, bad)


def test_a_single_bad_item_is_not_the_extractors_fault():
    (found,) = embed(ValueError("no"))
    assert "fails on it" in found


def test_failing_on_everything_is_the_extractors_fault():
    with pytest.raises(AutolabelError, match="so on all 2 items; repair it"):
        embed(ValueError("no"), KeyError("neither"))


def test_items_that_failed_before_say_nothing_of_the_extractor():
    bad = [ValueError("no"), ValueError("nor")]
    assert all(isinstance(found, str) for found in embed(*bad, before=bad))
    found = embed(*bad, ValueError("new"), before=bad)
    assert all(isinstance(one, str) for one in found)


ABOUT_ALL = [
    *(MissingWeightsError("w"), StoreUnavailableError("s"), OSError("disk"), ImportError("torch")),
    "double",
]


@pytest.mark.parametrize("item", ABOUT_ALL, ids=repr)
def test_what_concerns_all_items_quarantines_none(item):
    with pytest.raises((AutolabelError, OSError, ImportError)):
        embed("x", item)
