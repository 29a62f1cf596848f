"""What the first sweeps label by the declaration of `autolabel init`, and how much of it is right.

`python -m benchmarks.first_hour [--data FOLDER]` prints a JSON line for each set: the share that is
labelled and the share of it that is right, with 3 and with 10 labels a class, and with 10 where
half of the classes have no label. The folder is that of `benchmarks.datasets`, with
`bccd/images` and Pascal VOC `bccd/annotations` beside the others.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from autolabel_core.matching.decision import Rule
from autolabel_core.matching.decision_engine import DecisionEngine
from autolabel_core.matching.scores.choice import fit_score
from autolabel_core.models.extractors import embed_checked, load_extractor
from benchmarks import datasets

DRAWS = 4
THRESHOLD = 0.70
CELL_PICTURES, SMALLEST_CELL_PX = 60, 10
COLUMNS = ((3, False), (10, False), (10, True))


def cells(path: str | None) -> tuple[list[Image.Image], np.ndarray] | None:
    """Return the blood cells of the first photographs and their kinds; None where absent."""
    folder = datasets.data_folder(path)
    if folder is None or not (folder / "bccd/annotations").is_dir():
        return None
    images, kinds = [], []
    for file in sorted((folder / "bccd/annotations").glob("*.xml"))[:CELL_PICTURES]:
        with Image.open(next((folder / "bccd/images").glob(f"{file.stem}.*"))) as opened:
            photograph = opened.convert("RGB")
        for cell in ElementTree.parse(file).getroot().iter("object"):
            left, top, right, bottom = (
                int(float(cell.findtext(f"bndbox/{side}") or 0))
                for side in ("xmin", "ymin", "xmax", "ymax")
            )
            if min(right - left, bottom - top) > SMALLEST_CELL_PX:
                images.append(photograph.crop((left, top, right, bottom)))
                kinds.append(cell.findtext("name") or "")
    return images, np.array(kinds)


def labelled(
    vectors: np.ndarray, truth: np.ndarray, a_class: int, half: bool, seed: int
) -> tuple[float, float]:
    """Return the share of documents that one draw labels, and the share of those that is right."""
    rng = np.random.default_rng(seed)
    names = np.unique(truth)
    known = rng.permutation(names)[: max(2, len(names) // 2)] if half else names
    drawn = [rng.permutation(np.flatnonzero(truth == name))[:a_class] for name in known]
    references = np.sort(np.concatenate(drawn))
    rest = np.setdiff1d(np.arange(len(truth)), references)
    labels = truth[references].astype(object)
    score = fit_score("auto", vectors[references], labels, vectors.mean(axis=0))
    engine = DecisionEngine(vectors[references], labels, Rule(THRESHOLD, score="auto"), score)
    decided = engine.decide(vectors[rest])
    right = decided.label == truth[rest]
    return float(decided.matched.mean()), float(right[decided.matched].mean())


def figures(
    name: str, data: tuple[Sequence[Any], np.ndarray], extractor: str, model: str | None
) -> dict[str, object]:
    """Return shares labelled and right of a set, by what is labelled."""
    items, truth = data
    vectors = embed_checked(load_extractor(extractor, "v1", model, {}), items)
    found: dict[str, object] = {"set": name}
    for a_class, half in COLUMNS:
        if half and len(np.unique(truth)) < 4:
            continue
        draws = [labelled(vectors, truth, a_class, half, seed) for seed in range(DRAWS)]
        covered, right = np.mean(draws, axis=0).round(3).tolist()
        what = f"{a_class} a class" + (", half of the classes unknown" if half else "")
        found[what] = {"labelled": covered, "right": right}
    return found


def main() -> None:
    """Measure all sets that are there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="folder with objects10, bccd and agnews")
    folder = parser.parse_args().data
    images = {
        "moving camera": datasets.photographs(),
        "blood cells": cells(folder),
        "digits": datasets.digits(),
        "objects10": datasets.objects10(folder),
    }
    news = datasets.agnews(folder)
    wanted = [(name, data, "image_extractor", None) for name, data in images.items()]
    wanted += [
        (f"agnews, {model}", news, "text_extractor", model) for model in ("minilm", "hashed")
    ]
    for name, data, extractor, model in wanted:
        if data is None:
            print(json.dumps({"set": name, "skipped": "no data folder"}))
        else:
            print(json.dumps(figures(name, data, extractor, model)), flush=True)


if __name__ == "__main__":
    main()
