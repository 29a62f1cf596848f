"""Chooses the encoder of a folder of pictures by what views of its own pictures show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autolabel_core.foundation.errors import AutolabelError, UnreadableItemError
from autolabel_core.foundation.statistics import wilson_interval
from autolabel_core.identify.index_encoder import load_encoder
from autolabel_core.identify.reference_folder import Reference, ReferenceFolder
from autolabel_core.matching.reference_index import ReferenceIndex
from autolabel_core.models.evaluation.augmentation import AugmentationSplit
from autolabel_core.models.evaluation.augmentation_cache import ViewCache
from autolabel_core.models.evaluation.held_out_set import HeldOutSet
from autolabel_core.models.extractors.image import DEFAULT_MODEL, DESCRIPTOR
from autolabel_core.models.projection_head import Head

MOST_COMPARED, VIEWS = 150, 4
"""Pictures that are compared, spread over the folder, and views of each."""
WIDER = 1.5
"""How much wider the network's median margin must be where the top-1 shares do not decide."""


@dataclass(frozen=True)
class EncoderFigures:
    """What views of a folder's pictures are identified as by one encoder.

    Attributes:
        model: of `image_extractor`.
        right: views whose nearest picture is of the right label.
        views: how many were shown.
        median_margin: to the best different label.
    """

    model: str
    right: int
    views: int
    median_margin: float

    @property
    def top1(self) -> float:
        """Right answers among all."""
        return self.right / self.views


@dataclass(frozen=True)
class EncoderChoice:
    """The model chosen, and why.

    Attributes:
        model: of `image_extractor`.
        compared: figures of the network's model and of the descriptor; empty where nothing had to
            be compared.
    """

    model: str
    compared: tuple[EncoderFigures, ...] = ()

    def __str__(self) -> str:
        shown = ", ".join(
            f"{figures.model} {figures.top1:.1%} (margin {figures.median_margin:.3f})"
            for figures in self.compared
        )
        return f"Encoder {self.model}, by views of these pictures: {shown}."


def model_of(
    folder: ReferenceFolder,
    views: Path,
    projection: Path | None = None,
    index_file: Path | None = None,
) -> EncoderChoice:
    """Return the encoder for a folder where none is named.

    Args:
        folder: the references.
        views: folder of the cache of views.
        projection: a head; it reads the vectors of one encoder alone.
        index_file: an index that may be there already; its encoder is kept.

    Returns:
        The choice.
    """
    if projection is not None:
        return EncoderChoice(_model_read_by(Head.load(projection)))
    known = _model_of_index(index_file) if index_file is not None else None
    return choose_encoder(folder.references, views) if known is None else EncoderChoice(known)


def choose_encoder(references: Sequence[Reference], views: Path) -> EncoderChoice:
    """Compare the default encoder with the descriptor on views of pictures.

    The descriptor sees marks better and is twenty times faster: the network is taken where its
    top-1 is surely higher, or where top-1 does not decide and its margin is wider by half.

    Args:
        references: of a folder; up to 150 of them, spread over it, are compared.
        views: folder of the cache of views.

    Returns:
        The choice; the default, and no figures, where fewer than two labels can be compared.
    """
    compared = _compared(references)
    if len({reference.card.name for reference in compared}) < 2:
        return EncoderChoice(DEFAULT_MODEL)
    network, plain = (_figures(m, compared, views) for m in (DEFAULT_MODEL, DESCRIPTOR))
    return EncoderChoice(_better(network, plain).model, (network, plain))


def _better(network: EncoderFigures, plain: EncoderFigures) -> EncoderFigures:
    low, high = wilson_interval(network.right, network.views)
    if low > plain.top1:
        return network
    if high < plain.top1:
        return plain
    return network if network.median_margin > WIDER * plain.median_margin else plain


def _figures(model: str, references: Sequence[Reference], views: Path) -> EncoderFigures:
    cache = ViewCache(views, load_encoder(model))
    labels = [reference.card.name for reference in references]
    pictures = cache.vectors(references, AugmentationSplit.ITSELF, 1)
    shown = cache.vectors(references, AugmentationSplit.HELD_OUT, VIEWS)
    judged = HeldOutSet(labels, pictures, shown).evaluate()
    return EncoderFigures(model, int(judged.correct.sum()), len(judged.truth), judged.median_margin)


def _compared(references: Sequence[Reference]) -> list[Reference]:
    """Spread the comparison over the folder; pictures that cannot be decoded are left out."""
    step = max(1, -(-len(references) // MOST_COMPARED))
    compared = []
    for reference in references[::step]:
        try:
            reference.decoded(min_side_px=None)
        except UnreadableItemError:
            continue
        compared.append(reference)
    return compared


def _model_of_index(file: Path) -> str | None:
    try:
        return ReferenceIndex.load(file).origin.model
    except AutolabelError:
        return None


def _model_read_by(head: Head) -> str:
    """Return the model whose vectors a head reads; the descriptor where it is another's."""
    models = (DEFAULT_MODEL, DESCRIPTOR)
    spaces = {load_encoder(model).manifest.feature_uri: model for model in models}
    return spaces.get(head.feature_uri, DESCRIPTOR)
