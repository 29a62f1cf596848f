"""Loads an extractor by name from the installed plug-ins, and checks what it returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from autolabel_core.foundation.errors import AutolabelError, UnreadableItemError
from autolabel_core.models.deployed_extractors import deployed_factory
from autolabel_core.models.extractors.manifest import Extractor, Manifest, TextEmbedder
from autolabel_core.models.plugins import PlugInKind

KIND = PlugInKind(
    "extractor", "autolabel.extractors", "feature_extractor_name", Manifest, deployed_factory
)
MAX_LENGTH_ERROR = 1e-3


def load_extractor(
    name: str, version: str, model: str | None, parameters: Mapping[str, object]
) -> Extractor:
    """Return the extractor that an installed plug-in makes; its weights load when it first embeds.

    Args:
        name: an entry point of the group `autolabel.extractors`, such as `image_extractor`.
        version: part of the feature URI.
        model: the plug-in's model; None is the plug-in's default.
        parameters: further keywords for the plug-in's factory.

    Returns:
        The extractor, its manifest checked. A plug-in that cannot be found, imported or called is
        an error that says so.
    """
    extractor: Extractor = KIND.load(name, version, model, parameters)
    return extractor


def embed_checked(extractor: Extractor, batch: Sequence[object]) -> npt.NDArray[np.float32]:
    """Embed a batch and hold the extractor to its contract.

    Args:
        extractor: any extractor.
        batch: RGB Pillow images or strings, n of them.

    Returns:
        Vectors `(n, d)`, float32, contiguous, rows of unit length: lengths off by less than 1e-3
        are corrected. A shape or dtype that is not what the contract says is an `AutolabelError`,
        a row that is not finite or not of unit length an `UnreadableItemError`.
    """
    return _checked(extractor, extractor.embed(batch), len(batch))


def embeds_texts(extractor: Extractor) -> bool:
    """Whether texts have vectors in the space of an extractor."""
    return extractor.manifest.input == "text" or extractor.manifest.embeds_texts


def embed_texts_checked(extractor: Extractor, texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """Embed texts into the space of an extractor, and hold it to its contract.

    Args:
        extractor: one of texts, or one of images whose manifest says `embeds_texts`.
        texts: n of them.

    Returns:
        Vectors `(n, d)`, float32, contiguous, rows of unit length.

    Raises:
        AutolabelError: it embeds no texts, or breaks its contract.
    """
    manifest = extractor.manifest
    if manifest.input == "text":
        return embed_checked(extractor, texts)
    if not manifest.embeds_texts or not isinstance(extractor, TextEmbedder):
        raise AutolabelError(
            f"`{manifest.feature_extractor_name}` embeds images alone, so that words are compared "
            "with nothing. Declare `feature_extractor_name: multimodal_extractor`, which embeds "
            "both, and sweep"
        )
    return _checked(extractor, extractor.embed_texts(texts), len(texts))


def _checked(
    extractor: Extractor, vectors: npt.NDArray[np.float32], rows: int
) -> npt.NDArray[np.float32]:
    where = f"The extractor `{extractor.manifest.feature_extractor_name}` returned"
    if not isinstance(vectors, np.ndarray) or vectors.dtype != np.float32:
        kind = vectors.dtype if isinstance(vectors, np.ndarray) else type(vectors).__name__
        raise AutolabelError(f"{where} {kind}, expected a numpy array of float32")
    dim = extractor.manifest.embedding_dim
    if (
        vectors.ndim != 2
        or vectors.shape[0] != rows
        or vectors.shape[1] != (dim or vectors.shape[1])
    ):
        raise AutolabelError(f"{where} shape {vectors.shape}, expected ({rows}, {dim or 'd'})")
    if not np.isfinite(vectors).all():
        row = int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])
        raise UnreadableItemError(f"{where} a value that is not finite in row {row}")
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))
    off = np.abs(lengths - 1.0)
    if (off > MAX_LENGTH_ERROR).any():
        row = int(off.argmax())
        raise UnreadableItemError(
            f"{where} a row of length {lengths[row]:.4g} (row {row}), expected unit length: "
            "divide each row by its Euclidean norm"
        )
    return np.ascontiguousarray(vectors / lengths[:, None], dtype=np.float32)
