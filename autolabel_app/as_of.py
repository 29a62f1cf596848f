"""`--as-of`: the option of every command that can look back, and what it opens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import click

from autolabel_core.operations.project import Project

as_of_option = click.option(
    "--as-of",
    "as_of",
    metavar="MOMENT",
    help="As it stood then: a date or moment (UTC), 7d ago, or a snapshot's name.",
)


@contextmanager
def project_as_of(as_of: str | None, collections: Iterable[str] = ()) -> Iterator[Project]:
    """Open the project, as it stands or as it stood.

    Args:
        as_of: what the option was given; None is now.
        collections: names of those that are looked at; empty means all.

    Yields:
        Project: the project; what is not as it stood is said on the error output.
    """
    project = Project.open()
    if as_of is None:
        yield project
        return
    names = [project.workspace.collection(name).collection_name for name in collections]
    with project.as_of(as_of, names) as then:
        for note in then.notes:
            click.echo(f"Note: {note}", err=True)
        yield then
