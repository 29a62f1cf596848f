"""`autolabel clusters map` and `sheet`: all documents on a map, or one cluster's members."""

from __future__ import annotations

from pathlib import Path

import click

from autolabel_app.options import json_option
from autolabel_app.output import emit_json
from autolabel_core.tables.workspace import Workspace


@click.command("map")
@click.argument("collection")
@click.argument("definition", required=False)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("map.html"),
    show_default=True,
    help="The HTML file.",
)
@click.option("--no-thumbnails", is_flag=True, help="Show no images: the page is made in seconds.")
@json_option
def map_(
    collection: str, definition: str | None, out: Path, no_thumbnails: bool, as_json: bool
) -> None:
    """Write the clusters of COLLECTION as an interactive map that opens in any browser, offline.

    Pointing shows a document, drawing around some lists their keys for `promote --exclude`. More
    than 5,000 thumbnails lie in a folder beside the file.
    """
    from autolabel_app.progress import progress_bar
    from autolabel_core.clusters.map_export import write_map
    from autolabel_core.clusters.queries import definitions

    workspace = Workspace.from_environment()
    wanted = (definition,) if definition else ()
    one = definitions(workspace.open(collection), wanted)[0]
    with progress_bar("reading documents") as progress:
        found = write_map(one, out, progress, not no_thumbnails)
    if as_json:
        emit_json({"definition": one.name, "file": str(out), **found})
        return
    click.echo(
        f"{out}: {found['documents']:,} documents in {found['clusters']:,} clusters, "
        f"{found['bytes'] / 1e6:.1f} MB"
        + (f"; thumbnails in {found['folder']}" if found["folder"] else "")
    )


@click.command()
@click.argument("collection")
@click.argument("cluster")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("sheet.png"),
    show_default=True,
    help="The PNG file.",
)
@click.option("--tiles", type=click.IntRange(1, 120), default=24, show_default=True)
@json_option
def sheet(collection: str, cluster: str, out: Path, tiles: int, as_json: bool) -> None:
    """Draw members of CLUSTER: the nearest to its centroid, at the end the furthest."""
    from autolabel_core.clusters.charts import cluster_sheet
    from autolabel_core.clusters.member_contents import MemberContents
    from autolabel_core.clusters.promotion import find_cluster
    from autolabel_core.foundation.atomic_files import write_atomically

    workspace = Workspace.from_environment()
    one, cluster_id = find_cluster(workspace.open(collection), cluster)
    png = cluster_sheet(one, cluster_id, MemberContents(one), tiles)
    write_atomically(out, lambda part: part.write_bytes(png) and None)
    if as_json:
        emit_json({"definition": one.name, "cluster_id": cluster_id, "file": str(out)})
        return
    click.echo(f"{out}: {one.name}/{cluster_id}")
