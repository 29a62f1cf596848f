"""Fetches prices of the references: asks a site for the set codes in their names."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from autolabel_core.foundation.atomic_files import write_atomically
from autolabel_core.foundation.errors import AutolabelError, UnreachableItemError
from autolabel_core.identify.prices.exchange_rates import Rates
from autolabel_core.identify.prices.price_file import Entry, PriceFile
from autolabel_core.identify.prices.sites import Listing, ListSet, PriceSite
from autolabel_core.identify.web import PoliteClient

_AMOUNT = re.compile(r"[¥￥$€£]?\s*((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)\s*円?")


@dataclass(frozen=True)
class Scraped:
    """What a site says.

    Attributes:
        prices: by set code, ascending; all that is listed of the sets.
        unpriced: set codes of references that have no price, ascending.
        silent: sets of which nothing is listed.
        unreadable: offers whose price could not be read.
        refused: sets that could not be asked for, and why; the others' prices stand.
    """

    prices: dict[str, Entry]
    unpriced: tuple[str, ...]
    silent: tuple[str, ...]
    unreadable: tuple[Listing, ...]
    refused: Mapping[str, str]


def scrape(
    site: PriceSite,
    client: PoliteClient,
    set_codes: Iterable[str],
    url: str | None = None,
    progress: Callable[[int, int], object] = lambda _done, _total: None,
) -> Scraped:
    """Ask a site what the sets of some set codes cost; each set is asked once.

    Args:
        site: which.
        client: asks it.
        set_codes: such as `LOCH-JP001`; what stands before the first hyphen is the set.
        url: where the site lies instead.
        progress: called with sets done, and how many there are.

    Returns:
        Prices: median, least and greatest of the offers of a code (conditions, rarities), and how
        many there are. A price of nothing is none.

    Raises:
        AutolabelError: nothing is listed, no price can be read, or no set could be asked for; the
            reason is then the first one's.
    """
    wanted = {code.casefold(): code for code in set_codes}
    prefixes = sorted({code.partition("-")[0] for code in wanted.values()})
    sets = {prefix.casefold() for prefix in prefixes}
    amounts: dict[str, list[float]] = {}
    silent, unreadable = [], []
    place = url or site.url
    answers = _Answers(site.opened(client, place))
    for done, prefix in enumerate(prefixes, start=1):
        listings = answers.of(prefix)
        progress(done, len(prefixes))
        if listings is None:
            continue
        own = [one for one in listings if one.set_code.partition("-")[0].casefold() in sets]
        silent += [] if own else [prefix]
        for listing in own:
            amount = _amount(listing.price)
            if amount is None:
                unreadable.append(listing)
            elif amount > 0:
                code = wanted.get(listing.set_code.casefold(), listing.set_code.upper())
                amounts.setdefault(code, []).append(amount)
    if not amounts:
        answers.raise_first()
        raise AutolabelError(_nothing(place, prefixes, unreadable))
    prices = {code: _entry(amounts[code]) for code in sorted(amounts)}
    unpriced = tuple(sorted(set(wanted.values()) - prices.keys()))
    return Scraped(prices, unpriced, tuple(silent), tuple(unreadable), answers.refused)


class _Answers:
    """Asks set by set; a set that cannot be asked for costs the others nothing."""

    def __init__(self, ask: ListSet) -> None:
        self._ask = ask
        self._errors: dict[str, AutolabelError] = {}
        self._unreachable = False

    @property
    def refused(self) -> dict[str, str]:
        """Why sets could not be asked for."""
        return {prefix: str(error) for prefix, error in self._errors.items()}

    def of(self, prefix: str) -> list[Listing] | None:
        """Return the offers of a set; None where it could not be asked for."""
        if self._unreachable:  # Each further question would wait for as long.
            self._errors[prefix] = AutolabelError("the site could not be reached before")
            return None
        try:
            return self._ask(prefix)
        except AutolabelError as error:
            self._errors[prefix] = error
            self._unreachable = isinstance(error, UnreachableItemError)
            return None

    def raise_first(self) -> None:
        """Raise what came of the first set that could not be asked for; of none nothing."""
        for error in self._errors.values():
            raise error


def write_prices(
    path: Path,
    scraped: Scraped,
    site: str,
    currency: str,
    rates: Rates,
    scraped_at: datetime,
) -> PriceFile:
    """Write prices as `Prices.load` reads them, with rates; checked before.

    Args:
        path: where; replaced in one step.
        scraped: the prices.
        site: its name.
        currency: of the prices.
        rates: of the currency.
        scraped_at: when the site was asked, with a time zone.

    Returns:
        What was written.
    """
    content = PriceFile(
        prices=scraped.prices,
        currency=currency,
        scraped_at=scraped_at.isoformat(timespec="seconds"),
        site=site,
        usd_rates=rates.usd,
        usd_rates_date=rates.date,
        usd_rates_from=rates.origin,
    )
    text = content.model_dump_json(indent=1, exclude_none=True)
    PriceFile.model_validate_json(text)
    write_atomically(path, lambda part: part.write_text(f"{text}\n", encoding="utf-8"))
    return content


def _amount(price: str) -> float | None:
    found = _AMOUNT.fullmatch(price.strip())
    return float(found[1].replace(",", "")) if found else None


def _entry(amounts: list[float]) -> Entry:
    median = round(statistics.median(amounts), 2)
    return Entry(median=median, min=min(amounts), max=max(amounts), count=len(amounts))


def _nothing(place: str, prefixes: list[str], unreadable: list[Listing]) -> str:
    asked = f"{place} was asked for {', '.join(prefixes)}"
    if unreadable:
        problem = f"{len(unreadable)} offers, none with a price that can be read: {unreadable[0]}"
    else:
        problem = "nothing that is listed"
    return (
        f"{asked} and told {problem}. Nothing was written. Look at the page: if the set is listed "
        "there, the page has changed and its adapter must learn the new shape; if not, take a site "
        "that sells this set."
    )
