"""Clusters side by side with BERTopic on the same vectors: agreement with the truth, time, order.

`python -m benchmarks.clusters_beside [--data FOLDER]`; the folder adds texts. Both have their own
defaults; BERTopic is also given our settings of UMAP and HDBSCAN, without our whitening. The CPU
time is that of reducing and grouping alone, after a run that compiles.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable

import numpy as np

from autolabel_core.clusters.algorithms.pipeline import cluster_vectors
from autolabel_core.models.extractors import embed_checked, load_extractor
from benchmarks.clusters import agreement, defaults, described_digits
from benchmarks.datasets import agnews
from benchmarks.matching import say

SEEDS = range(3)
MODELS = {"hashed": "hashed", "MiniLM": "minilm"}

Way = Callable[[np.ndarray, int], tuple[np.ndarray, float]]


def ours(vectors: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
    """Return the clusters of a full run and its CPU seconds."""
    start = time.process_time()
    found = cluster_vectors(vectors, defaults(seed)).leaf
    return found, time.process_time() - start


def bertopic(vectors: np.ndarray, seed: int, **models) -> tuple[np.ndarray, float]:
    """Return BERTopic's topics and the CPU seconds of its two steps, the topics' words left out."""
    from bertopic import BERTopic
    from bertopic.backend import BaseEmbedder

    model = BERTopic(embedding_model=BaseEmbedder(), **models)
    model.umap_model.random_state = seed
    seconds = [_timed(model, name) for name in ("_reduce_dimensionality", "_cluster_embeddings")]
    texts = [f"word{row % 97}" for row in range(len(vectors))]
    topics, _ = model.fit_transform(texts, vectors)
    return np.array(topics), sum(sum(spent) for spent in seconds)


def bertopic_with_our_settings(vectors: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
    """Return the same with UMAP to 50 dimensions and HDBSCAN as we set them."""
    from hdbscan import HDBSCAN
    from umap import UMAP

    reduce = UMAP(n_components=50, n_neighbors=30, min_dist=0.0, metric="cosine")
    group = HDBSCAN(min_cluster_size=10, min_samples=5)
    return bertopic(vectors, seed, umap_model=reduce, hdbscan_model=group)


def _timed(model: object, name: str) -> list[float]:
    """Replace a method of one object by itself with a clock; return where the seconds gather."""
    method, spent = getattr(model, name), []

    def clocked(*values, **keywords):
        start = time.process_time()
        result = method(*values, **keywords)
        spent.append(time.process_time() - start)
        return result

    setattr(model, name, clocked)
    return spent


WAYS: dict[str, Way] = {
    "ours": ours,
    "BERTopic": bertopic,
    "BERTopic with our settings": bertopic_with_our_settings,
}


def compare(name: str, vectors: np.ndarray, labels: np.ndarray) -> None:
    """Print the figures of all ways on one set of vectors."""
    spent = {}
    for way, run in WAYS.items():
        run(vectors[:300], 0)
        runs = [run(vectors, seed) for seed in SEEDS]
        figures = np.array([agreement(labels, found) for found, _ in runs])
        spent[way] = np.mean([seconds for _, seconds in runs])
        say(f"{name}, {way}: mean NMI of {len(SEEDS)} seeds", figures[:, 0].mean(), "0 to 1")
        say(f"{name}, {way}: mean ARI", figures[:, 1].mean(), "0 to 1")
        noise = np.mean([(found < 0).mean() for found, _ in runs])
        say(f"{name}, {way}: noise", noise, "share")
        say(f"{name}, {way}: CPU of reducing and grouping", spent[way], "CPU s")
        say(f"{name}, {way}: agreement under permuted input", permuted(run, vectors), "ARI, 1 same")
    for way in list(WAYS)[1:]:
        say(f"{name}: CPU of ours over {way}", spent["ours"] / spent[way], "times")


def permuted(run: Way, vectors: np.ndarray) -> float:
    """Return how far a way agrees with itself when documents arrive in another order.

    Ours sorts by document id, which is part of the way; BERTopic takes documents as they come.
    """
    order = np.random.default_rng(0).permutation(len(vectors))
    by_id = np.argsort(order) if run is ours else np.arange(len(order))
    again, _ = run(vectors[order][by_id], 0)
    first, _ = run(vectors, 0)
    return agreement(first[order][by_id], again)[1]


def main() -> None:
    """Compare on digits, and on texts where they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="folder with agnews")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    compare("digits", *described_digits())
    texts = agnews(options.data)
    for name, model in MODELS.items() if texts else ():
        extractor = load_extractor("text_extractor", "v1", model, {})
        compare(f"agnews, {name}", embed_checked(extractor, texts[0]), texts[1])


if __name__ == "__main__":
    main()
