"""Quality of clusters on real digits, identities that persist, and the speed of figures.

`python -m benchmarks.clusters`; four minutes of CPU. NMI and ARI count noise as one more group.
"""

from __future__ import annotations

import time

import numpy as np

from autolabel_core.clusters.algorithms.assignment import assign
from autolabel_core.clusters.algorithms.id_matching import match_identities
from autolabel_core.clusters.algorithms.metrics import measure
from autolabel_core.clusters.algorithms.pipeline import cluster_vectors
from autolabel_core.declarations.cluster import Cluster
from autolabel_core.models.extractors import embed_checked, load_extractor
from benchmarks.datasets import digits
from benchmarks.matching import say, share_of_peak, unit_rows

SEEDS = range(5)
SHARE_OF_NEW_DATA = 0.1
WAYS = {
    "no whitening": ["umap"],
    "whitening 1e-5": [{"method": "whitening", "regularization": 1e-5}, "umap"],
    "whitening auto": ["whitening", "umap"],
}


def defaults(seed: int = 0, **keys) -> Cluster:
    """Return the definition that a name alone declares."""
    return Cluster.model_validate({"cluster_name": "c", "seed": seed, **keys})


def described_digits() -> tuple[np.ndarray, np.ndarray]:
    """Return digits as the embedded descriptor sees them, and their labels."""
    images, labels = digits()
    return embed_checked(load_extractor("image_extractor", "v1", None, {}), images), labels


def raw_pixels() -> tuple[np.ndarray, np.ndarray]:
    """Return the 64 pixels of each digit, and the labels."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    rows = bunch.data / np.linalg.norm(bunch.data, axis=1, keepdims=True)
    return rows.astype(np.float32), bunch.target.astype(str)


def agreement(labels: np.ndarray, found: np.ndarray) -> tuple[float, float]:
    """Return NMI and ARI with the truth."""
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    return normalized_mutual_info_score(labels, found), adjusted_rand_score(labels, found)


def measure_quality(name: str, vectors: np.ndarray, labels: np.ndarray) -> None:
    """Print the mean figures over the seeds, with and without whitening."""
    for way, steps in WAYS.items():
        runs = [
            agreement(labels, cluster_vectors(vectors, defaults(s, preprocessing_steps=steps)).leaf)
            for s in SEEDS
        ]
        for figure, values in zip(("NMI", "ARI"), np.transpose(runs), strict=True):
            say(f"{name}, {way}: mean {figure} of {len(runs)} seeds", values.mean(), "0 to 1")
            say(f"{name}, {way}: least {figure}", values.min(), "0 to 1")


def members_by_id(ids: np.ndarray, vectors: np.ndarray, seed: int = 0) -> dict[str, set[str]]:
    """Run over documents sorted by id; return the members of each cluster."""
    order = np.argsort(ids)
    found = cluster_vectors(vectors[order], defaults(seed))
    return {node.local_id: set(ids[order][node.members]) for node in found.nodes}


def measure_identity(vectors: np.ndarray) -> None:
    """Add a tenth of new documents and run in full again; permute the input."""
    ids = np.array([f"doc_{i:05}" for i in np.random.default_rng(9).permutation(len(vectors))])
    old = np.random.default_rng(1).permutation(len(ids))[int(SHARE_OF_NEW_DATA * len(ids)) :]
    before, after = members_by_id(ids[old], vectors[old]), members_by_id(ids, vectors)
    first = match_identities({}, before, ())
    previous = {first.ids[local]: members for local, members in before.items()}
    found = match_identities(previous, after, previous)
    kept = [c for c in found.changes if c.kind == "kept"]
    documents = [len(previous[c.cluster_id]) for c in kept]
    say("identity, 10 % new data: ids kept", len(kept) / len(previous), "share of clusters")
    known = sum(len(members) for members in previous.values())
    say("identity, 10 % new data: documents below a kept id", sum(documents) / known, "share")
    weight = np.average([c.jaccard for c in kept], weights=documents)
    say("identity, 10 % new data: Jaccard of kept clusters, weighted by size", weight, "0 to 1")
    shuffled = np.random.default_rng(2).permutation(len(ids))
    same = members_by_id(ids[shuffled], vectors[shuffled]) == after
    say("permuted input: the same members", float(same), "1 is yes")


def measure_silhouette() -> None:
    """Compare the silhouette by algebra with scikit-learn's at 4,000 rows."""
    from sklearn.metrics import silhouette_score

    vectors = unit_rows(1, 4000)
    assigned = np.random.default_rng(0).integers(0, 20, len(vectors)).astype(np.int32)
    vectors[:] += 2.0 * unit_rows(2, 20)[assigned]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    mine, theirs = [], []
    for _ in range(3):
        start = time.process_time()
        ours = measure(vectors, assigned, 20).silhouette_score
        mine.append(time.process_time() - start)
        start = time.process_time()
        reference = silhouette_score(vectors, assigned, metric="cosine")
        theirs.append(time.process_time() - start)
    say("silhouette of 4000 rows: difference to scikit-learn", abs(ours - reference), "absolute")
    times = min(theirs) / min(mine)
    say(
        "all figures of 4000 rows: faster than scikit-learn's silhouette alone", times, "times, CPU"
    )


def measure_assigning() -> None:
    """Compare assigning 10,000 documents with the machine's own matmul."""
    vectors = unit_rows(1, 10_000)
    for k in (100, 1000):
        centroids = unit_rows(3, k)
        flops = 2.0 * len(vectors) * k * vectors.shape[1]
        share = share_of_peak(lambda c=centroids: assign(vectors, c, 0.5), flops)
        say(f"assign 10,000 documents to {k} centroids", share, "of sgemm peak")


def main() -> None:
    """Run everything."""
    vectors, labels = described_digits()
    measure_silhouette()
    measure_assigning()
    measure_quality("digits, descriptor", vectors, labels)
    measure_quality("digits, raw pixels", *raw_pixels())
    measure_identity(vectors)


if __name__ == "__main__":
    main()
