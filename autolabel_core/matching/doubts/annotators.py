"""How often each annotator is right, and which label is probable, from all labels that people gave.

Nobody knows the true labels. They and the accuracies are estimated in turn until they agree.

Source: A. P. Dawid, A. M. Skene (1979), Maximum likelihood estimation of observer error-rates using
    the EM algorithm, Applied Statistics 28, with one accuracy for each annotator, and with the
    out-of-fold probabilities of a classifier before anybody has labelled, as in H. W. Goh,
    U. Tkachenko, J. Mueller (2022), CROWDLAB: supervised learning to infer consensus labels and
    quality scores for data with multiple annotators.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

RIGHT_BEFORE, WRONG_BEFORE = 9.0, 1.0
"""Labels that everybody is taken to have given before the first: so few prove nothing."""
LEAST_PROBABILITY = 1e-3
"""No classifier is surer than this against a label that a person gave."""
ROUNDS = 100
SETTLED = 1e-9


@dataclass(frozen=True)
class CodedLabels:
    """Which label each annotator gave to what; w labels of n items.

    Attributes:
        item: (w,) from 0 to n - 1.
        annotator: (w,) from 0 to a - 1.
        code: (w,) label given, from 0 to l - 1.
        prior: (w,) probability of that label by other evidence than these, from 0 to 1; nan where
            there is none.
        labels: l, how many labels there are; at least 1.
        items: n.
        annotators: a.
    """

    item: Codes
    annotator: Codes
    code: Codes
    prior: Floats
    labels: int
    items: int
    annotators: int


@dataclass(frozen=True)
class LabelProbabilities:
    """How probable labels are, given all that were given.

    Attributes:
        probability: (w,) of each label that was given, after all that were given to its item.
        scale: (n,) what the prior of a label that nobody gave to the item is multiplied with, to be
            its probability after all that were given.
    """

    probability: Floats
    scale: Floats


def estimate_accuracy(given: CodedLabels) -> Floats:
    """Estimate accuracies and labels in turn.

    Args:
        given: at most one for each item and annotator; several count as independent.

    Returns:
        (a,) share of each annotator's labels that are right, between 0 and 1; 0.9 of those who gave
        none.
    """
    accuracy = np.full(given.annotators, RIGHT_BEFORE / (RIGHT_BEFORE + WRONG_BEFORE))
    count = np.bincount(given.annotator, minlength=given.annotators)
    for _ in range(ROUNDS):
        probability = weigh(given, accuracy).probability
        right = np.bincount(given.annotator, weights=probability, minlength=given.annotators)
        before = accuracy
        accuracy = (right + RIGHT_BEFORE) / (count + RIGHT_BEFORE + WRONG_BEFORE)
        if np.abs(accuracy - before).max(initial=0.0) < SETTLED:
            break
    return np.asarray(accuracy)


def weigh(given: CodedLabels, accuracy: Floats) -> LabelProbabilities:
    """Return how probable labels are after all that were given.

    Args:
        given: the labels.
        accuracy: (a,) of each annotator, between 0 and 1.

    Returns:
        The probabilities.
    """
    # An answer is an item with a label that somebody gave it.
    both = given.item * given.labels + given.code
    _, first, answer = np.unique(both, return_index=True, return_inverse=True)
    item, prior = given.item[first], _priors(given)[first]
    odds = np.log(accuracy * max(given.labels - 1, 1) / (1 - accuracy))
    for_it = np.bincount(answer, weights=odds[given.annotator], minlength=len(first))
    # The greatest is taken off, so that a hundred people agree without overflow.
    most = np.zeros(given.items)
    np.maximum.at(most, item, for_it)
    weight = prior * np.exp(for_it - most[item])
    named = np.bincount(item, weights=prior, minlength=given.items)
    whole = np.bincount(item, weights=weight, minlength=given.items)
    whole += np.maximum(1.0 - named, 0.0) * np.exp(-most)
    return LabelProbabilities((weight / whole[item])[answer], np.exp(-most) / whole)


def _priors(given: CodedLabels) -> Floats:
    prior = np.where(np.isnan(given.prior), 1.0 / given.labels, given.prior)
    return np.clip(prior, LEAST_PROBABILITY / given.labels, 1 - LEAST_PROBABILITY)
