"""Calls a plug-in on a batch, and item by item where the whole batch fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from autolabel_core.foundation.errors import (
    AutolabelError,
    NothingToEmbedError,
    UnreadableItemError,
)
from autolabel_core.models.extractors.loading import embed_checked
from autolabel_core.models.extractors.manifest import Extractor
from autolabel_core.models.plugins import PLUGIN_FAILURES

NOT_ABOUT_AN_ITEM = (AutolabelError, OSError, ImportError, MemoryError)

Answer = TypeVar("Answer")
Item = TypeVar("Item")
Ask = Callable[[Sequence[Item]], Sequence[Answer]]
Embedded = npt.NDArray[np.float32] | str


def embed_with_fallback(
    extractor: Extractor, items: Sequence[Item], refused_before: Sequence[bool]
) -> list[Embedded]:
    """Embed a batch; one bad item costs no other.

    Args:
        extractor: any extractor.
        items: RGB Pillow images or strings, n of them.
        refused_before: for each, whether it failed alone at an earlier time.

    Returns:
        For each item its vector `(d,)`, or the reason why it has none.
    """

    def ask(some: Sequence[Item]) -> Sequence[npt.NDArray[np.float32]]:
        return list(embed_checked(extractor, some))

    name = f"the extractor `{extractor.manifest.feature_extractor_name}`"
    return call_with_fallback(ask, name, items, refused_before)


def call_with_fallback(
    ask: Ask[Item, Answer], name: str, items: Sequence[Item], refused_before: Sequence[bool]
) -> list[Answer | str]:
    """Ask about a batch; where that fails, item by item, so that one bad item costs no other.

    Args:
        ask: the question, answered for each item.
        name: of what is asked, for errors.
        items: n of them.
        refused_before: for each, whether it failed alone at an earlier time.

    Returns:
        For each item the answer, or the reason why there is none.

    Raises:
        AutolabelError: what is asked is at fault: it breaks its contract, fails on all items of
            several that it has not refused before, or lacks memory, a file or a module.
    """
    try:
        return list(ask(items))
    except PLUGIN_FAILURES as error:
        _raise_what_is_about_all(error, name)
        answers = [_ask_alone(ask, name, item) for item in items]
        fresh = [one for one, before in zip(answers, refused_before, strict=True) if not before]
        if len(fresh) > 1 and all(isinstance(one, _Refusal) and one.is_a_fault for one in fresh):
            raise AutolabelError(
                f"{fresh[0]}, and so on all {len(fresh)} items; repair it, or declare another one"
            ) from error
        return [str(one) if isinstance(one, _Refusal) else one for one in answers]


@dataclass(frozen=True)
class _Refusal:
    """Why one item has no answer, and whether that may be the fault of what was asked."""

    reason: str
    is_a_fault: bool

    def __str__(self) -> str:
        return self.reason


def _ask_alone(ask: Ask[Item, Answer], name: str, item: Item) -> Answer | _Refusal:
    try:
        return ask([item])[0]
    except NothingToEmbedError as error:
        return _Refusal(str(error), is_a_fault=False)
    except PLUGIN_FAILURES as error:
        _raise_what_is_about_all(error, name)
        reason = str(error) if isinstance(error, UnreadableItemError) else repr(error)
        return _Refusal(f"{name} fails on it: {reason}", is_a_fault=True)


def _raise_what_is_about_all(error: BaseException, name: str) -> None:
    """Raise an error that is not about one item, with the plug-in's name."""
    if isinstance(error, UnreadableItemError) or not isinstance(error, NOT_ABOUT_AN_ITEM):
        return
    if isinstance(error, AutolabelError):
        raise error
    raise AutolabelError(f"{name} fails: {error!r}; repair it, or declare another one") from error
