"""Finds the accepted name that a mistyped one resembles."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, accepted: Iterable[str]) -> str:
    """A hint to append to an error, ` Did you mean "x"?`, or nothing when no name is near."""
    names = {name.casefold(): name for name in sorted(accepted, reverse=True)}
    near = get_close_matches(word.casefold(), list(names), n=1)
    return f' Did you mean "{names[near[0]]}"?' if near else ""
