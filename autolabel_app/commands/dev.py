"""`autolabel dev`: start Dagster's web server and daemon on the project."""

from __future__ import annotations

import sys

import click


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[OPTION]…")
def dev(options: tuple[str, ...]) -> None:
    """Show Dagster's pages at http://127.0.0.1:3000, and let the project run by itself.

    Ctrl-C or SIGTERM ends it within ten seconds, with all that it started; a run that was in
    progress is repeated at the next start.

    Each OPTION goes to `dagster dev`, such as --port 3001.
    """
    from autolabel_app.dev import run_dagster_dev

    sys.exit(run_dagster_dev(options))
