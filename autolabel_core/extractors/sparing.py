"""Embedding a batch in which single items may be too much for the extractor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from autolabel_core.errors import AutolabelError, UnreadableItemError
from autolabel_core.extractors.loading import embed_checked
from autolabel_core.extractors.manifest import Extractor

NOT_ABOUT_AN_ITEM = (AutolabelError, OSError, ImportError, MemoryError)

Embedded = npt.NDArray[np.float32] | str


def embed_sparing(
    extractor: Extractor, items: Sequence[Any], refused_before: Sequence[bool]
) -> list[Embedded]:
    """Embed a batch; where that fails, item by item, so that one bad item costs no other.

    Args:
        extractor: any extractor.
        items: RGB Pillow images or strings, n of them.
        refused_before: for each, whether it failed alone at an earlier time.

    Returns:
        For each item its vector `(d,)`, or the reason why it has none.

    Raises:
        AutolabelError: the extractor is at fault: it breaks its contract, or fails on all items of
            several that it has not refused before.
        Exception: memory, disk or an import is the matter.
    """
    try:
        return list(embed_checked(extractor, items))
    except Exception as error:
        if _is_about_all(error):
            raise
        found = [_embed_alone(extractor, item) for item in items]
        fresh = [one for one, before in zip(found, refused_before, strict=True) if not before]
        if len(fresh) > 1 and all(isinstance(one, str) for one in fresh):
            raise AutolabelError(
                f"{fresh[0]}, and so on all {len(fresh)} items; repair it, or declare another one"
            ) from error
        return found


def _embed_alone(extractor: Extractor, item: Any) -> Embedded:
    try:
        return np.asarray(embed_checked(extractor, [item])[0])
    except Exception as error:
        if _is_about_all(error):
            raise
        name = extractor.manifest.feature_extractor_name
        said = str(error) if isinstance(error, UnreadableItemError) else repr(error)
        return f"the extractor `{name}` fails on it: {said}"


def _is_about_all(error: Exception) -> bool:
    about_the_item = isinstance(error, UnreadableItemError)
    return isinstance(error, NOT_ABOUT_AN_ITEM) and not about_the_item
