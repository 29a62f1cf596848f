"""`autolabel identify scrape-prices`: fetch prices of the references into a file for `serve`."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autolabel_app.commands.identify_index import FILE, names_option, recursive_option, refs_option
from autolabel_app.commands.identify_rates import rate_options, rate_source
from autolabel_app.options import json_option
from autolabel_app.output import emit_json
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.identify.prices.sites import SITES

if TYPE_CHECKING:
    from autolabel_core.identify.prices.exchange_rates import Rates
    from autolabel_core.identify.prices.scrape import Scraped


@click.command("scrape-prices")
@refs_option
@click.option("--out", type=FILE, required=True, help="The prices, a .json file.")
@click.option("--site", type=click.Choice(list(SITES)), default="yuyu-tei", show_default=True)
@click.option("--url", help="What the site's addresses begin with, if another part of it is meant.")
@click.option(
    "--delay",
    "delay_s",
    type=click.FloatRange(0, 3600),
    default=2.0,
    show_default=True,
    help="Least seconds between two requests.",
)
@click.option(
    "--max-age-hours",
    type=click.FloatRange(0),
    default=24.0,
    show_default=True,
    help="How long a cached answer is used; 0 asks again.",
)
@click.option("--contact", help="Your e-mail address or page, sent to the site.")
@rate_options
@recursive_option
@names_option
@json_option
def scrape_prices(
    refs: Path,
    out: Path,
    site: str,
    url: str | None,
    delay_s: float,
    max_age_hours: float,
    contact: str | None,
    usd_rates: tuple[str, ...],
    fx_url: str | None,
    no_fx: bool,
    recursive: bool,
    names: Path | None,
    as_json: bool,
) -> int:
    """Ask a site what the references cost, by the set codes in their names.

    Each set (LOCH of LOCH-JP001) is asked once, slowly; pages only where robots.txt allows it. A
    set that cannot be asked for is named, the others' prices are written, and the status is 1.
    """
    from datetime import UTC, datetime

    from autolabel_app.progress import progress_bar
    from autolabel_core.declarations.yaml_reader import read_naming
    from autolabel_core.foundation.paths import Paths
    from autolabel_core.identify.prices.scrape import scrape, write_prices
    from autolabel_core.identify.reference_folder import read_folder
    from autolabel_core.identify.web import PoliteClient, agent_name

    source = rate_source(usd_rates, fx_url, no_fx)
    folder = read_folder(refs, read_naming(names), recursive)
    references = [one.card for one in folder.references]
    codes = {card.set_code for card in references if card.set_code}
    if not codes:
        raise AutolabelError(
            f"None of the {len(references)} references in {refs} has a set code, and prices are "
            "kept by it. Name them such as `LOCH-JP001_dark_magician.jpg`, or say what your codes "
            "look like: --names with `set_code`"
        )
    chosen = SITES[site]
    with (
        progress_bar("asking") as progress,
        PoliteClient(
            delay_s,
            agent=agent_name(contact),
            cache=Paths.from_environment().web,
            max_age_s=3600 * max_age_hours,
            respect_robots=not chosen.is_api,
            private=() if url is None else [url],
        ) as client,
    ):
        scraped = scrape(chosen, client, codes, url, progress)
    rates = source.rates({chosen.currency})
    write_prices(out, scraped, site, chosen.currency, rates, datetime.now(UTC))
    codeless = [card.filename for card in references if not card.set_code]
    if as_json:
        emit_json({"prices": str(out), "site": site, **_numbers(scraped, rates, codes, codeless)})
    else:
        _tell(out, site, scraped, rates, codes, codeless)
    return 1 if scraped.refused else 0


def _numbers(
    scraped: Scraped, rates: Rates, codes: Collection[str], codeless: list[str]
) -> dict[str, object]:
    return {
        "set_codes": len(codes),
        "priced": len(codes) - len(scraped.unpriced),
        "listed": len(scraped.prices),
        "unpriced": list(scraped.unpriced),
        "silent_sets": list(scraped.silent),
        "refused_sets": dict(scraped.refused),
        "unreadable": [str(one) for one in scraped.unreadable],
        "without_set_code": codeless,
        "rates": rates.model_dump(),
    }


def _tell(
    out: Path,
    site: str,
    scraped: Scraped,
    rates: Rates,
    codes: Collection[str],
    codeless: list[str],
) -> None:
    click.echo(
        f"{out}: {len(scraped.prices)} prices from {site}, for {len(codes) - len(scraped.unpriced)}"
        f" of the {len(codes)} set codes. {rates}".rstrip()
    )
    if rates.trouble:
        click.echo(f"Warning: no newer rates (--no-fx asks nobody): {rates.trouble}", err=True)
    for prefix, why in scraped.refused.items():
        click.echo(f"Warning: {prefix} was not asked for: {why}", err=True)
    for what, named in (
        ("without a price", scraped.unpriced),
        ("sets of which nothing is listed", scraped.silent),
        ("offers whose price cannot be read", [str(one) for one in scraped.unreadable]),
        ("references without a set code", codeless),
    ):
        if named:
            click.echo(f"{len(named)} {what}: {', '.join(named)}.")
