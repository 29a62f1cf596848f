"""Finding an extractor by name among the installed plug-ins, and checking what it returns."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

import numpy as np
import numpy.typing as npt

from autolabel_core.errors import AutolabelError, NotFoundError, UnreadableItemError
from autolabel_core.extractors.manifest import Extractor, check_manifest

GROUP = "autolabel.extractors"
MAX_LENGTH_ERROR = 1e-3


def load_extractor(
    name: str, version: str, model: str | None, parameters: Mapping[str, Any]
) -> Extractor:
    """Return the extractor that an installed plug-in makes; its weights load when it first embeds.

    Args:
        name: an entry point of the group `autolabel.extractors`, such as `image_extractor`.
        version: part of the feature URI.
        model: the plug-in's model; None is the plug-in's default.
        parameters: further keywords for the plug-in's factory.

    Returns:
        The extractor, its manifest checked.

    Raises:
        AutolabelError: the plug-in cannot be imported, or refuses the parameters.
    """
    entry_point = _entry_point(name)
    try:
        factory = entry_point.load()
    except (ImportError, AttributeError) as error:
        raise AutolabelError(
            f"The extractor `{name}` is installed as `{entry_point.value}`, which cannot be "
            f"imported: {error}. Install or repair the package that brings it"
        ) from error
    try:
        inspect.signature(factory).bind(version, model, **parameters)
    except TypeError as error:
        raise AutolabelError(
            f"The extractor `{name}` does not take these parameters: {error}. "
            f"Given: {sorted(parameters) or 'none'}; its factory is "
            f"`{entry_point.attr}{inspect.signature(factory)}`"
        ) from error
    extractor: Extractor = factory(version, model, **parameters)
    check_manifest(getattr(extractor, "manifest", None), name, version)
    return extractor


def _entry_point(name: str) -> metadata.EntryPoint:
    found = {entry_point.name: entry_point for entry_point in metadata.entry_points(group=GROUP)}
    if name in found:
        return found[name]
    near = difflib.get_close_matches(name, found, n=1)
    suggestion = f" Did you mean `{near[0]}`?" if near else ""
    raise NotFoundError(
        f"No extractor `{name}` is installed.{suggestion} Installed: "
        f"{', '.join(sorted(found)) or 'none'}. Install the package that brings it (one with an "
        f"entry point `{name}` in the group `{GROUP}`), or correct `feature_extractor_name`"
    )


def embed_checked(extractor: Extractor, batch: Sequence[Any]) -> npt.NDArray[np.float32]:
    """Embed a batch and hold the extractor to its contract.

    Args:
        extractor: any extractor.
        batch: RGB Pillow images or strings, n of them.

    Returns:
        Vectors `(n, d)`, float32, contiguous, rows of unit length: lengths off by less than 1e-3
        are corrected.

    Raises:
        AutolabelError: shape or dtype are not what the contract says.
        UnreadableItemError: a row is not finite, or not of unit length.
    """
    found = extractor.embed(batch)
    where = f"The extractor `{extractor.manifest.feature_extractor_name}` returned"
    if not isinstance(found, np.ndarray) or found.dtype != np.float32:
        kind = found.dtype if isinstance(found, np.ndarray) else type(found).__name__
        raise AutolabelError(f"{where} {kind}, expected a numpy array of float32")
    dim = extractor.manifest.embedding_dim
    if found.ndim != 2 or found.shape[0] != len(batch) or found.shape[1] != (dim or found.shape[1]):
        raise AutolabelError(f"{where} shape {found.shape}, expected ({len(batch)}, {dim or 'd'})")
    if not np.isfinite(found).all():
        row = int(np.flatnonzero(~np.isfinite(found).all(axis=1))[0])
        raise UnreadableItemError(f"{where} a value that is not finite in row {row}")
    lengths = np.sqrt(np.einsum("nd,nd->n", found, found, dtype=np.float64))
    off = np.abs(lengths - 1.0)
    if (off > MAX_LENGTH_ERROR).any():
        row = int(off.argmax())
        raise UnreadableItemError(
            f"{where} a row of length {lengths[row]:.4g} (row {row}), expected unit length: "
            "divide each row by its Euclidean norm"
        )
    return np.ascontiguousarray(found / lengths[:, None], dtype=np.float32)
