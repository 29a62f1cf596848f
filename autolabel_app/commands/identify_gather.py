"""`autolabel identify gather`: fetch one picture of each thing from a web site."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autolabel_app.commands.identify_index import FILE, names_option
from autolabel_app.options import json_option
from autolabel_app.output import emit_json, emit_table, shown
from autolabel_core.foundation.paths import Paths
from autolabel_core.identify.gather.site_registry import SITES

if TYPE_CHECKING:
    from autolabel_core.identify.gather.gather import Gathered
    from autolabel_core.identify.gather.project import Gathering

QUERIES = {"queries", "query_file"}


@click.command()
@click.option(
    "--project", type=FILE, help="YAML with site, queries and out; other options win over it."
)
@click.option(
    "--site", type=click.Choice(list(SITES)), help="Which site to ask, without a project."
)
@click.option("--query", "queries", multiple=True, help="What to ask for; may be given again.")
@click.option("--query-file", type=FILE, help="Text file with one query a line.")
@click.option("--urls", type=FILE, help="For --site csv: columns name and url, further ones.")
@click.option("--out", type=FILE, help="The folder for the pictures.")
@click.option(
    "--max-per-query",
    type=click.IntRange(min=1),
    help="Pictures of each query. Default: 1, and all of a list of addresses.",
)
@click.option("--contact", help="Your e-mail address or page, sent to the site.")
@click.option(
    "--allow",
    multiple=True,
    help="An address in a private network that pictures may be fetched from; may be given again.",
)
@names_option
@click.option("--dry-run", is_flag=True, help="Query the site, and print what would be fetched.")
@json_option
def gather(
    project: Path | None,
    queries: tuple[str, ...],
    query_file: Path | None,
    urls: Path | None,
    out: Path | None,
    allow: tuple[str, ...],
    names: Path | None,
    dry_run: bool,
    as_json: bool,
    **options: object,
) -> int:
    """Fetch pictures that are missing, named after what they show, with their sources.

    Where each picture is from, its licence and what failed stand in sources.csv in the folder. A
    second run asks only for what is missing. Exit status 1 where something failed.
    """
    from autolabel_app.progress import progress_bar
    from autolabel_core.identify.gather.gather import gather as fetch

    given: dict[str, object] = {
        **options,
        "queries": queries or None,
        "query_file": query_file,
        "urls": urls,
        "out": out,
        "allow": allow or None,
        "names": names,
    }
    wanted = _wanted(project, {name: said for name, said in given.items() if said is not None})
    with progress_bar("gathering") as progress:
        gathered = fetch(wanted, Paths.from_environment(), dry_run=dry_run, progress=progress)
    if as_json:
        emit_json(_numbers(gathered, wanted))
    else:
        _tell(gathered, wanted, dry_run)
    return 1 if gathered.problems else 0


def _wanted(project: Path | None, given: dict[str, Any]) -> Gathering:
    from autolabel_core.declarations.yaml_reader import read_naming
    from autolabel_core.identify.gather.project import Gathering, Query, read_gathering

    if "names" in given:
        given["names"] = read_naming(given["names"])
    if "queries" in given:
        given["queries"] = tuple(Query(query=query) for query in given["queries"])
    for name in {"query_file", "urls", "out"} & given.keys():
        given[name] = str(given[name].expanduser())
    if project is not None and "site" not in given:
        replaced = {"queries": (), "query_file": None} if given.keys() & QUERIES else {}
        return read_gathering(project).model_copy(update={**replaced, **given})
    if project is not None or not {"site", "out"} <= given.keys():
        raise click.UsageError(
            "Name a --project, or else a --site with --query or --query-file, and --out."
        )
    return Gathering(**given)


def _numbers(gathered: Gathered, wanted: Gathering) -> dict[str, object]:
    from dataclasses import asdict

    return {
        "out": wanted.out,
        "site": wanted.site,
        "fetched": [asdict(row) for row in gathered.fetched],
        "present": gathered.present,
        "problems": [asdict(row) for row in gathered.problems],
        "found": [asdict(found) for found in gathered.found],
    }


def _tell(gathered: Gathered, wanted: Gathering, dry_run: bool) -> None:
    if dry_run:
        emit_table(
            [
                {"name": found.name, "picture": found.picture, "licence": found.licence}
                for found in gathered.found
            ],
            "Nothing would be fetched.",
        )
        click.echo(f"{len(gathered.found)} would be fetched, {gathered.present} are there.")
    else:
        click.echo(
            f"{wanted.out}: {len(gathered.fetched)} pictures fetched, {gathered.present} there "
            f"already, {len(gathered.problems)} failed. Sources and licences: sources.csv."
        )
    for row in gathered.problems:
        click.echo(f"{shown(row.query)}: {shown(row.problem)}", err=True)
    if gathered.fetched and not gathered.problems:
        click.echo(f"Next: autolabel identify index --refs {wanted.out} --out index.npz")
