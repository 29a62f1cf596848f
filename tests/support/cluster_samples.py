"""Vectors with groups that are known, and definitions that need no UMAP."""

import numpy as np

from autolabel_core.declarations.cluster import Cluster


def definition(**keys):
    """A definition whose vectors are grouped as they are, unless steps are given."""
    return Cluster.model_validate({"cluster_name": "c", "preprocessing_steps": [], **keys})


def unit(rows):
    """Rows of unit length."""
    rows = np.asarray(rows, np.float64)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def blobs(sizes, seed=0, dimensions=16, spread=0.05, noise=0):
    """Groups around random directions, and noise (-1), in random order: rows and truth."""
    rng = np.random.default_rng(seed)
    centres = unit(rng.standard_normal((len(sizes), dimensions)))
    truth = np.repeat(np.arange(len(sizes)), sizes)
    rows = centres[truth] + spread * rng.standard_normal((len(truth), dimensions))
    truth = np.concatenate([truth, np.full(noise, -1)])
    rows = np.vstack([rows, rng.standard_normal((noise, dimensions))])
    order = rng.permutation(len(truth))
    return unit(rows[order]), truth[order]
