"""Turns errors that a person can cure into Dagster failures without retries, with the cure."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from autolabel_core.foundation.errors import AutolabelError


@contextmanager
def domain_errors_as_failures() -> Iterator[None]:
    """Fail the run with what an `AutolabelError` says; trying again would not help.

    Yields:
        None: nothing.

    Raises:
        dg.Failure: the work met such an error; the description says how to cure it.
    """
    try:
        yield
    except AutolabelError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
