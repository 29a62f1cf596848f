"""`autolabel serve`: look at documents and label them in a browser, or by HTTP."""

from __future__ import annotations

import click

LOOPBACK = ("127.0.0.1", "::1", "localhost")
END_SECONDS = 1


@click.command()
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="An address of this machine alone."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8400,
    show_default=True,
    help="0 takes one that is free.",
)
@click.option(
    "--work", is_flag=True, help="Keep the collections up to date too, where no daemon runs."
)
@click.option(
    "--allow-host", multiple=True, metavar="NAME", help="Another name of this server, as a proxy's."
)
def serve(host: str, port: int, work: bool, allow_host: tuple[str, ...]) -> None:
    """Serve the desk, the pages where people look at documents and label them, and the API /v1.

    What is labelled stands in the ledger at once; `autolabel dev`, or `serve --work` alone, applies
    it to all documents within seconds. The server answers this machine alone.
    """
    if host not in LOOPBACK:
        raise click.ClickException(
            f"The server answers this machine alone, and {host} can be reached by others, who "
            "could then label. From another machine: ssh -L 8400:127.0.0.1:8400 THIS-MACHINE, or "
            "a proxy on this machine that asks who somebody is."
        )
    from autolabel_app.http.server import listening_socket, run_server
    from autolabel_app.serve.application import create_app
    from autolabel_core.operations.project import Project

    project = Project.open()
    with listening_socket(host, port) as listening:
        shown = f"[{host}]" if ":" in host else host
        app = create_app(project, work, allow_host)
        click.echo(f"The desk: http://{shown}:{listening.getsockname()[1]}/desk/")
        run_server(app, listening, END_SECONDS)
