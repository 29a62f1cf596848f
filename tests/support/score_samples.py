"""References in clouds around one direction a label, and a score fitted to them."""

import numpy as np

from autolabel_core.matching.scores.choice import fit_score

SCORES = ("nearest", "vote", "class_mean", "probe")
KINDS = 3


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def clouds(rng, a_label, labels=KINDS, d=12, noise=0.12):
    """References around one direction a label, sorted by nothing."""
    middles = np.random.default_rng(7).normal(size=(labels, d))
    codes = np.repeat(np.arange(labels), a_label)
    rows = unit(middles)[codes] + noise * rng.normal(size=(len(codes), d))
    order = rng.permutation(len(codes))
    names = np.array([f"kind {code:03}" for code in codes[order]], dtype=object)
    return unit(rows[order]), names


def fitted(score, vectors, labels, centre=None):
    return fit_score(score, vectors, labels, np.zeros(vectors.shape[1], np.float32))
