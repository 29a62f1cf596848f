"""How often the nearest reference, or the nearest class mean, is right for the built-in extractors.

Each line is one figure as JSON: `{"name", "value", "unit"}`. Run
`python -m benchmarks.embedding_quality [--data FOLDER] [--text-model MODEL] [--image-model MODEL]`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from autolabel_core.models.extractors import embed_checked, load_extractor
from benchmarks import datasets

DRAWS = 10


def accuracies(
    vectors: np.ndarray, labels: np.ndarray, references_per_class: int, draws: int = DRAWS
) -> tuple[float, float]:
    """Return the mean share of right labels by nearest reference and by nearest class mean."""
    classes = np.unique(labels)
    nearest, means = [], []
    for draw in range(draws):
        rng = np.random.default_rng(draw)
        picked = [
            rng.permutation(np.flatnonzero(labels == name))[:references_per_class]
            for name in classes
        ]
        references = np.concatenate(picked)
        rest = np.setdiff1d(np.arange(len(labels)), references)
        found = (vectors[rest] @ vectors[references].T).argmax(axis=1)
        nearest.append(np.mean(labels[references][found] == labels[rest]))
        centres = np.stack([vectors[rows].mean(axis=0) for rows in picked])
        centres /= np.linalg.norm(centres, axis=1, keepdims=True)
        means.append(np.mean(classes[(vectors[rest] @ centres.T).argmax(axis=1)] == labels[rest]))
    return float(np.mean(nearest)), float(np.mean(means))


def measure(
    name: str,
    extractor_name: str,
    model: str | None,
    data: tuple[Sequence[Any], np.ndarray] | None,
    references_per_class: int,
) -> None:
    """Print the figures of one extractor on one data set; say so where the data is absent."""
    if data is None:
        print(json.dumps({"name": name, "value": None, "unit": "skipped: no data folder"}))
        return
    items, labels = data
    extractor = load_extractor(extractor_name, "v1", model, {})
    embed_checked(extractor, items[:1])
    begun = time.process_time()
    vectors = embed_checked(extractor, items)
    cpu_ms = (time.process_time() - begun) * 1000 / len(items)
    nearest, mean = accuracies(vectors, labels, references_per_class)
    what = f"{name} with {references_per_class} a class, {extractor.manifest.feature_name}"
    for figure, value, unit in (
        ("nearest reference", nearest, "share"),
        ("class mean", mean, "share"),
        ("embedding", cpu_ms, "CPU ms an item"),
    ):
        print(json.dumps({"name": f"{what}: {figure}", "value": round(value, 4), "unit": unit}))


def main() -> None:
    """Measure all data sets that are there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="folder with objects10 and agnews")
    parser.add_argument("--image-model", help="model of image_extractor")
    parser.add_argument("--text-model", help="model of text_extractor")
    options = parser.parse_args()
    image, text = options.image_model, options.text_model
    measure("digits", "image_extractor", image, datasets.digits(), 10)
    measure("objects10", "image_extractor", image, datasets.objects10(options.data), 20)
    measure("agnews", "text_extractor", text, datasets.agnews(options.data), 20)


if __name__ == "__main__":
    main()
