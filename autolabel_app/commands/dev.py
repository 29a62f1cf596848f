"""`autolabel dev`: start Dagster's web server and daemon on the project."""

from __future__ import annotations

import click


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[OPTION]…")
def dev(options: tuple[str, ...]) -> None:
    """Show Dagster's pages at http://127.0.0.1:3000, and let the project run by itself.

    Each OPTION goes to `dagster dev`, such as --port 3001.
    """
    from autolabel_app.dev import run_dagster_dev

    run_dagster_dev(options)
