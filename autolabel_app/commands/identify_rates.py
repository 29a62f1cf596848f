"""The options for exchange rates to US dollars that the commands with prices share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from autolabel_core.identify.prices.exchange_rates import RateSource

Command = Callable[..., object]


def rate_options(command: Command) -> Command:
    """Add `--usd-rate`, `--fx-url` and `--no-fx` to a command."""
    for option in (
        click.option("--no-fx", is_flag=True, help="Fetch no exchange rates; use known ones."),
        click.option(
            "--fx-url",
            metavar="URL",
            help="Service for exchange rates; default: open.er-api.com, once a day.",
        ),
        click.option(
            "--usd-rate",
            "usd_rates",
            multiple=True,
            metavar="JPY=0.0067",
            help="US dollars for one unit of a currency; repeatable, wins over all others.",
        ),
    ):
        command = option(command)
    return command


def rate_source(usd_rates: tuple[str, ...], fx_url: str | None, no_fx: bool) -> RateSource:
    """Return where rates come from, as the options say.

    Args:
        usd_rates: such as `JPY=0.0067`.
        fx_url: who is asked instead.
        no_fx: nobody is.

    Returns:
        The source.
    """
    from autolabel_core.foundation.paths import Paths
    from autolabel_core.identify.prices.exchange_rates import FX_URL, RateSource

    url = None if no_fx else fx_url or FX_URL
    return RateSource(url, Paths.from_environment().rates, dict(map(_rate, usd_rates)))


def _rate(said: str) -> tuple[str, float]:
    currency, _, number = said.partition("=")
    try:
        rate = float(number)
    except ValueError:
        rate = 0.0
    if not (currency.isupper() and len(currency) == 3 and 0.0 < rate < float("inf")):
        raise click.ClickException(f"--usd-rate {said!r}: expected such as JPY=0.0067")
    return currency, rate
