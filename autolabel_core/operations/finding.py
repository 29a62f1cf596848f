"""A finding: one thing that a person should look at, or that is well."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One rule applied.

    Attributes:
        name: the rule, a Python identifier.
        asset: the asset it concerns.
        passed: whether all is well.
        text: what was found and, where it did not pass, the cure; with the numbers.
    """

    name: str
    asset: str
    passed: bool
    text: str
