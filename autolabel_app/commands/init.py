"""`autolabel init`: create a project folder."""

from __future__ import annotations

from pathlib import Path

import click

from autolabel_app.project_files import IMAGES, write_project


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Make FOLDER a project: an example collection, and the settings of autolabel and Dagster.

    Commands find the project from its folder and every folder below. Files that are there already
    are left as they are, so `autolabel init .` adds what is missing.
    """
    written = write_project(folder)
    for name, new in written.items():
        click.echo(f"  {name}{'' if new else '  (left as it is)'}")
    if not any(written.values()):
        click.echo(f"{folder} was a project already.")
        return
    click.echo(f"{folder} is a project. Next:")
    if folder.resolve() != Path.cwd():
        click.echo(f"  cd {folder}")
    if written["collections/products.yaml"]:
        click.echo(f"  drop images into {IMAGES}/")
    click.echo("  autolabel sweep")
