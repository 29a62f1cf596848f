"""How often uploads that did not change raise an alarm, and which kind of change is told.

`python -m benchmarks.drift --data FOLDER`. Years: documents of eight labels, 30 a day, looked at
every day, with new references every month where it says so; at most 1 % of them may have an alarm.
Kinds: a reference day of up to 600 documents and six days of 50; one JSON line for each set and
kind with what was told (`none`: no alarm within the 300). Sets: digits, photographs that packages
ship as a moving camera sees them, and objects10 from the folder.

A new class makes up a fifth to three fifths of the uploads, as far as there are documents of it; a
shifted camera is dark, out of focus, tilted or tinted; in a changed mix half of the labels, drawn
by lot, come a fifth as often as the others.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable
from math import log

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from autolabel_core.matching.change_detection import LOTS, Uploads, detect_changes
from autolabel_core.matching.change_kind import Sample, change_figures
from autolabel_core.matching.decision import Rule
from autolabel_core.matching.decision_engine import DecisionEngine
from autolabel_core.models.extractors import embed_checked, load_extractor
from autolabel_core.models.extractors.image import DEFAULT_MODEL
from benchmarks.datasets import digits, objects10, photographs
from benchmarks.matching import say

ALARM = log(100)
YEARS, LABELS, A_DAY = 200, 8, 30
FIRST_DAY, DAYS, A_CHANGED_DAY = 600, 6, 50
REFERENCES, DRAWS, FRAMES_EACH, MOST_ITEMS = 20, 25, 60, 1_600
KINDS = ("none", "new_class", "shifted_camera", "changed_mix")

Fault = Callable[[Image.Image], Image.Image]


def tinted(image: Image.Image) -> Image.Image:
    """Return an image under a lamp of another colour."""
    pixels = np.asarray(image, np.float32) * np.array([1.25, 0.85, 0.6], np.float32)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


FAULTS: dict[str, Fault] = {
    "dark": lambda image: ImageEnhance.Brightness(image).enhance(0.35),
    "out of focus": lambda image: image.filter(ImageFilter.GaussianBlur(image.width / 60)),
    "tilted": lambda image: image.rotate(25, Image.Resampling.BICUBIC, fillcolor=(90, 90, 90)),
    "tinted": tinted,
}


def alarms_in_years(years: int, monthly: bool) -> int:
    """Count years without a change that have an alarm.

    Args:
        years: how many.
        monthly: whether references are added every month: all similarities are looked at anew.

    Returns:
        How many.
    """
    alarmed = 0
    for seed in range(years):
        rng = np.random.default_rng(seed)
        part = np.repeat(np.arange(366), [300] + [A_DAY] * 365)
        label = rng.choice(LABELS, len(part), p=rng.dirichlet(np.full(LABELS, 2.0)))
        similarity = rng.beta(12, 3, len(part)) - 0.02 * label
        lots = rng.random((LOTS, len(part)))
        looks = range(30, 366, 30) if monthly else [365]
        for day in looks:
            if monthly:
                similarity = similarity + rng.normal(0, 0.02, len(part)) * (similarity < 0.75)
            seen = part <= day
            uploads = Uploads(
                part[seen], np.arange(day + 1), label[seen], similarity[seen], similarity[seen] ** 2
            )
            if detect_changes(uploads, ALARM, lots[:, seen]).changes:
                alarmed += 1
                break
    return alarmed


class Set:
    """Images of a set, embedded as they are and under each fault."""

    def __init__(self, images: list[Image.Image], truth: np.ndarray, model: str) -> None:
        extractor = load_extractor("image_extractor", "v1", model, {})
        self.truth = truth[:MOST_ITEMS].astype(object)
        self.plain = embed_checked(extractor, images[:MOST_ITEMS])
        self.faulty = {
            name: embed_checked(extractor, [fault(image) for image in images[:MOST_ITEMS]])
            for name, fault in FAULTS.items()
        }

    def told(self, kind: str, seed: int) -> str:
        """Simulate one change, and return what is told of it."""
        rng = np.random.default_rng(seed)
        names = np.unique(self.truth)
        strange = rng.choice(names)
        known = names[names != strange] if kind == "new_class" else names
        references = np.concatenate(
            [rng.permutation(np.flatnonzero(self.truth == name))[:REFERENCES] for name in known]
        )
        rest = np.setdiff1d(np.flatnonzero(np.isin(self.truth, known)), references)
        rest = rng.permutation(rest)
        first = min(FIRST_DAY, len(rest) - DAYS * A_CHANGED_DAY)
        changed, vectors = self._changed(kind, rest[first:], strange, rng)
        documents = np.concatenate([self.plain[rest[:first]], vectors[changed]])
        engine = DecisionEngine(self.plain[references], self.truth[references], Rule(0.0))
        decided = engine.decide(documents)
        uploads = Uploads(
            np.repeat(np.arange(DAYS + 1), [first] + [A_CHANGED_DAY] * DAYS),
            np.arange(DAYS + 1),
            np.searchsorted(names.astype(str), decided.label.astype(str)),
            decided.similarity.astype(np.float64),
            decided.confidence.astype(np.float64),
        )
        found = detect_changes(uploads, ALARM, rng.random((LOTS, len(documents)))).changes
        if not found:
            return "none"
        before, after = (
            Sample(uploads.label[rows], uploads.similarity[rows], documents[rows])
            for rows in (found[0].reference, uploads.rows(found[0].first, found[0].last))
        )
        return change_figures(before, after).kind

    def _changed(
        self, kind: str, rest: np.ndarray, strange: str, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        n = DAYS * A_CHANGED_DAY
        if kind == "shifted_camera":
            return rest[:n], self.faulty[rng.choice(list(FAULTS))]
        if kind == "new_class":
            own = rng.permutation(np.flatnonzero(self.truth == strange))
            own = own[: int(rng.choice([0.2, 0.35, 0.6]) * n)]
            return rng.permutation(np.concatenate([own, rest[: n - len(own)]])), self.plain
        if kind == "changed_mix":
            names = np.unique(self.truth)
            rare = rng.choice(names, len(names) // 2, replace=False)
            weight = np.where(np.isin(self.truth[rest], rare), 1.0, 5.0)
            return rng.choice(rest, n, p=weight / weight.sum()), self.plain
        return rest[:n], self.plain


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", help="Folder with objects10.")
    parser.add_argument("--years", type=int, default=YEARS)
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    arguments = parser.parse_args()
    for monthly in (False, True):
        years = arguments.years // 8 if monthly else arguments.years
        how = "with new references every month" if monthly else "looked at every day"
        say(
            f"drift, {years} years without change, {how}", alarms_in_years(years, monthly), "alarms"
        )
    sets = {
        "digits": digits(),
        "photographs": photographs(FRAMES_EACH),
        "objects10": objects10(arguments.data),
    }
    for name, images in sets.items():
        if images is None:
            continue
        embedded = Set(*images, arguments.model)
        right = 0
        for kind in KINDS:
            told = Counter(embedded.told(kind, seed) for seed in range(arguments.draws))
            right += told[kind]
            print(json.dumps({"set": name, "kind": kind, "told": dict(told)}), flush=True)
        say(f"drift, {name}, kinds told right", right / len(KINDS) / arguments.draws, "share")


if __name__ == "__main__":
    main()
