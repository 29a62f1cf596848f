"""Keeps what commands set in the environment of the process within the test that ran them."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

STARTS = ("AUTOLABEL_", "DAGSTER_HOME")


def _named() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(STARTS)}


@pytest.fixture(autouse=True)
def own_environment() -> Iterator[None]:
    """A sweep names its stores in the environment: the next test must not find them there."""
    before = _named()
    yield
    for name in _named().keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)
