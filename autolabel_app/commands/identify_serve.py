"""`autolabel identify serve`: serve the index over HTTP, with a live page."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autolabel_app.commands.identify_index import FILE, model_option
from autolabel_app.commands.identify_rates import rate_options, rate_source

if TYPE_CHECKING:
    from autolabel_app.identify.serving import Serving
    from autolabel_app.identify.sources import ReferenceSource

LOOPBACK = ("127.0.0.1", "::1", "localhost")


@click.command()
@click.option("--index", "index_file", type=FILE, help="What `index` wrote.")
@click.option("--collection", help="In place of an index: a declared collection's references.")
@click.option("--refs", type=FILE, help="Folder of its pictures, if it has moved.")
@click.option("--projection", type=FILE, help="Its head, if that has moved.")
@model_option
@click.option("--prices", type=FILE, help="JSON with prices by set code.")
@rate_options
@click.option("--min-score", type=click.FloatRange(-1, 1), help="Default: as `verify` measured.")
@click.option("--min-margin", type=click.FloatRange(0, 2), help="Default: as `verify` measured.")
@click.option(
    "--detector", help="best.pt, a plug-in, or plug-in:weights; without one regions are proposed."
)
@click.option("--max-regions", type=click.IntRange(1, 100), default=8, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8500, show_default=True)
@click.option("--cors", multiple=True, metavar="ORIGIN", help="A page elsewhere that may call.")
@click.option("--api-key-env", metavar="NAME", help="Variable that holds the key to be sent.")
@click.option("--max-upload-mb", type=click.FloatRange(0.01, 1000), default=20.0, show_default=True)
@click.option(
    "--max-megapixels",
    type=click.FloatRange(0.01, 89),
    default=25.0,
    show_default=True,
    help="A picture with more is refused, before it is decoded.",
)
@click.option(
    "--allow-host", multiple=True, metavar="NAME", help="Another name of this server, as a proxy's."
)
def serve(
    index_file: Path | None,
    collection: str | None,
    refs: Path | None,
    projection: Path | None,
    model: str | None,
    prices: Path | None,
    usd_rates: tuple[str, ...],
    fx_url: str | None,
    no_fx: bool,
    min_score: float | None,
    min_margin: float | None,
    detector: str | None,
    max_regions: int,
    host: str,
    port: int,
    cors: tuple[str, ...],
    api_key_env: str | None,
    max_upload_mb: float,
    max_megapixels: float,
    allow_host: tuple[str, ...],
) -> None:
    """Answer what a picture shows: POST /api/falcon, and a page for the webcam at /live.

    An index, a collection's references, thresholds or prices that change are taken over while
    requests go on.
    """
    from autolabel_app.http.server import listening_socket, run_server
    from autolabel_app.identify.app import create_app
    from autolabel_app.identify.serving import Serving
    from autolabel_app.identify.settings import Settings

    # Read when torch is loaded: its threads then sleep between tasks. By default they spin, and
    # take the cores from the threads that read pictures and answer.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    key = _key(api_key_env)
    source = _source(index_file, collection, refs, projection, model)
    settings = Settings(
        source,
        prices,
        rate_source(usd_rates, fx_url, no_fx),
        min_score,
        min_margin,
        detector,
        max_regions,
        int(max_megapixels * 1e6),
    )
    with listening_socket(host, port) as listening:
        serving = Serving(settings)
        _tell(serving, listening.getsockname()[1], host, key)
        run_server(create_app(serving, max_upload_mb, key, cors, (host, *allow_host)), listening)


def _source(
    index_file: Path | None,
    collection: str | None,
    refs: Path | None,
    projection: Path | None,
    model: str | None,
) -> ReferenceSource:
    from autolabel_app.identify.sources import CollectionReferences, IndexFile

    if (index_file is None) == (collection is None):
        raise click.UsageError("Name what is to be served: --index FILE or --collection NAME.")
    if index_file is not None:
        return IndexFile(index_file, refs, projection, model)
    if refs or projection or model:
        raise click.UsageError(
            "--refs, --projection and --model belong to an index; a collection's YAML and its "
            "models say them."
        )
    return CollectionReferences(str(collection))


def _key(variable: str | None) -> str | None:
    if variable is None:
        return None
    key = os.environ.get(variable)
    if not key:
        raise click.ClickException(
            f"The variable {variable} is empty or not set; put the key there."
        )
    return key


def _tell(serving: Serving, port: int, host: str, key: str | None) -> None:
    served = serving.served
    shown = f"[{host}]" if ":" in host else host
    click.echo(
        f"{len(served.index)} references of {len(served.index.labels)} labels under "
        f"{served.index.feature_uri}; score at least {served.thresholds.min_score:.3f}, margin "
        f"{served.thresholds.min_margin:.3f} ({served.thresholds.source})."
    )
    _tell_prices(serving)
    if host not in LOOPBACK and key is None:
        click.echo(f"Warning: whoever reaches {host} may ask; see --api-key-env.", err=True)
    click.echo(f"Serving on http://{shown}:{port}, live page http://{shown}:{port}/live/")


def _tell_prices(serving: Serving) -> None:
    prices = serving.served.prices
    if prices is None:
        return
    file, rates = prices.file, prices.rates
    said = " ".join(part for part in (file.site, file.scraped_at) if part)
    click.echo(f"{len(file.prices)} prices{f' ({said})' if said else ''}. {rates}".rstrip())
    if unknown := sorted(file.currencies - rates.usd.keys()):
        click.echo(f"Warning: no rate for {', '.join(unknown)}; give it: --usd-rate", err=True)
    if rates.trouble:
        click.echo(f"Warning: no newer rates (--no-fx asks nobody): {rates.trouble}", err=True)
