"""`autolabel extractors`: list them; package and deploy your own beside entry points."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import click

from autolabel_app.options import json_option
from autolabel_app.output import emit_json, emit_table

GROUP = "autolabel.extractors"


@click.group("extractors")
def extractors() -> None:
    """List extractors; package and deploy your own.

    A package is a folder, or a zip of one, with `manifest.py` and `pipeline.py`. It is deployed as
    `name_1_0_0` beside other versions, where the owner allows it: AUTOLABEL_EXTRACTOR_UPLOADS=allow
    in `.env`. Its code runs with your rights.
    """


@extractors.command("list")
@json_option
def list_extractors(as_json: bool) -> None:
    """List installed and deployed extractors; none is run."""
    from autolabel_core.models.deployed_extractors import deployed

    rows: list[dict[str, str]] = [
        {"extractor": point.name, "version": "", "from": f"entry point {point.value}"}
        for point in sorted(metadata.entry_points(group=GROUP), key=lambda point: point.name)
    ]
    rows += [
        {
            "extractor": package.manifest.feature_extractor_name,
            "version": package.manifest.version,
            "from": f"deployed as {package.name}",
        }
        for package in deployed()
    ]
    emit_json(rows) if as_json else emit_table(rows, empty="No extractors.")


@extractors.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="The zip; default: name_1_0_0.zip.")
def package(folder: Path, out: Path | None) -> None:
    """Check an extractor's FOLDER and pack it as a zip; nothing of it is run."""
    from autolabel_core.models.extractor_packages import read_package

    found = read_package(folder)
    target = out or Path(f"{found.name}.zip")
    found.pack(target)
    click.echo(
        f"{target}: {found.name}, {len(found.files)} files. Deploy it: autolabel extractors "
        f"deploy {target}"
    )


@extractors.command()
@click.argument("source", metavar="ZIP_OR_FOLDER", type=click.Path(path_type=Path))
def deploy(source: Path) -> None:
    """Deploy a package beside other versions; the owner has to allow it."""
    from autolabel_core.models.deployed_extractors import deploy as deploy_package

    found = deploy_package(source)
    written = found.manifest
    click.echo(
        f"Deployed {found.name}. A collection names it: feature_extractor: "
        f"{{feature_extractor_name: {written.feature_extractor_name}, version: {written.version}}}"
    )
