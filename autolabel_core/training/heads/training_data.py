"""Prepares labelled pictures as the training and held-out data of a projection head."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.progress import Progress, no_progress
from autolabel_core.models.evaluation.augmentation import AugmentationSplit
from autolabel_core.models.evaluation.augmentation_cache import (
    HELD_OUT_VIEWS,
    Pictured,
    ViewCache,
    reference_vectors,
)
from autolabel_core.models.evaluation.held_out_set import HeldOutSet
from autolabel_core.models.extractors import Extractor
from autolabel_core.training.heads.train_head import HeadTrainingData, Recipe

STOPPING_VIEWS = 4
FOLDS, MIN_APART = 5, 20


def gather_material(
    pictures: Sequence[Pictured],
    labels: Sequence[str],
    extractor: Extractor,
    cache: ViewCache,
    recipe: Recipe,
    progress: Progress = no_progress,
) -> HeadTrainingData:
    """Embed the views of all pictures; what the cache holds is not drawn again.

    Args:
        pictures: n of them.
        labels: (n,) theirs.
        extractor: of the features.
        cache: of the same extractor.
        recipe: how many views.
        progress: told how many pictures have their training views.

    Returns:
        The material.
    """
    itself = cache.vectors(pictures, AugmentationSplit.ITSELF, 1)
    training = cache.vectors(pictures, AugmentationSplit.TRAINING, recipe.views, progress)
    references = reference_vectors(pictures, cache, recipe.reference_views)
    stopping = cache.vectors(pictures, AugmentationSplit.EARLY_STOPPING, STOPPING_VIEWS)
    held_out = cache.vectors(pictures, AugmentationSplit.HELD_OUT, HELD_OUT_VIEWS)
    return HeadTrainingData(
        extractor.manifest.feature_uri,
        labels,
        [picture.checksum for picture in pictures],
        np.concatenate([itself, training], axis=1),
        HeldOutSet(labels, references, stopping),
        HeldOutSet(labels, references, held_out),
    )


def labelled_material(
    pictures: Sequence[Pictured],
    labels: Sequence[str],
    extractor: Extractor,
    cache: ViewCache,
    recipe: Recipe,
) -> HeadTrainingData:
    """Return material from items with labels: items kept apart judge where labels have several.

    Which items are kept apart is a function of their content, so none ever moves. Where too few
    are, views of all items judge; texts have none.

    Args:
        pictures: n of them; texts too.
        labels: (n,) theirs.
        extractor: of the features.
        cache: of the same extractor.
        recipe: how many views.

    Returns:
        The material.

    Raises:
        AutolabelError: texts, and too few of them.
    """
    parts = np.array([int(picture.checksum[:8], 16) % FOLDS for picture in pictures])
    names = np.array(labels, dtype=object)
    training = parts > 1
    known = np.isin(names, sorted(set(names[training].tolist())))
    apart = [np.flatnonzero((parts == part) & known) for part in (0, 1)]
    if len(set(names[training].tolist())) < 2 or min(map(len, apart)) < MIN_APART:
        if extractor.manifest.input == "image":
            return gather_material(pictures, labels, extractor, cache, recipe)
        raise AutolabelError(
            f"{len(labels)} labelled texts are too few: of each part kept apart (a fifth) "
            f"{MIN_APART} are needed, found {min(map(len, apart))}. Label more."
        )
    vectors = cache.vectors(pictures, AugmentationSplit.ITSELF, 1)
    taught = names[training].tolist()
    held_out, stopping = (
        HeldOutSet(taught, vectors[training], vectors[rows], names[rows].tolist()) for rows in apart
    )
    checksums = [p.checksum for p, used in zip(pictures, training.tolist(), strict=True) if used]
    return HeadTrainingData(
        extractor.manifest.feature_uri, taught, checksums, vectors[training], stopping, held_out
    )
