"""Exchange rates to US dollars: given as options, fetched once a day, or the newest known ones."""

from __future__ import annotations

import time
from collections.abc import Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationError

from autolabel_core.foundation.atomic_files import write_atomically
from autolabel_core.foundation.background import BackgroundJobs
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.identify.web import PoliteClient

USD = "USD"
FX_URL = "https://open.er-api.com/v6/latest/USD"
FRESH_S = 86_400.0
"""The service publishes once a day."""
WAIT_S = 3.0
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Rates(BaseModel, strict=True, frozen=True):
    """US dollars for one unit of currencies, and how they are known.

    Attributes:
        usd: by the currency's three letters.
        date: the day they were published, such as `2026-10-30`; empty where nobody says.
        origin: who says so.
        page: of the publisher, who wants to be named; empty where none does.
        trouble: why there are no newer ones; empty where that is no wonder.
    """

    usd: dict[str, Rate] = Field(default_factory=dict)
    date: str = ""
    origin: str = ""
    page: str = ""
    trouble: str = ""

    def __str__(self) -> str:
        told = [f"1 {name} = {rate:.4g} USD" for name, rate in self.usd.items() if name != USD]
        source = ", ".join(part for part in (self.date, self.origin) if part)
        return f"{', '.join(told)} ({source})" if told else ""


_EURO = {
    **{"USD": 1.1172, "JPY": 175.68, "GBP": 0.8338, "CHF": 0.9194, "CAD": 1.5606, "AUD": 1.5904},
    **{"CNY": 7.4326, "KRW": 1491.76, "HKD": 8.7652, "SGD": 1.4282, "EUR": 1.0},
}
PUBLISHED = Rates(
    usd={name: round(_EURO[USD] / units, 8) for name, units in _EURO.items()},
    date="2026-10-30",
    origin="European Central Bank, built in",
)
"""Reference rates of that day: units of each currency for one euro, told in dollars."""


class _Answer(BaseModel, strict=True):
    """What the service says: units of each currency for one US dollar."""

    result: Literal["success"]
    base_code: Literal["USD"]
    time_last_update_utc: str
    rates: dict[str, Rate]
    provider: str = ""


class _Kept(BaseModel, strict=True):
    """The last answer, and who gave it."""

    url: str
    rates: Rates


@dataclass(frozen=True)
class RateSource:
    """Where rates come from.

    Attributes:
        url: of a service that answers as `open.er-api.com/v6/latest/USD` does; None asks nobody.
        kept: file that keeps its last answer; None keeps none.
        given: US dollars for one unit of a currency; these win over all others.
    """

    url: str | None = FX_URL
    kept: Path | None = None
    given: Mapping[str, float] = field(default_factory=dict)

    def rates(self, currencies: Set[str], in_file: Rates | None = None) -> Rates:
        """Return the best rates that are known; never raises, and waits `WAIT_S` at most.

        In this order: the service's answer of the last day, the service, its last answer however
        old, those of a file of prices, those built in. The first that knows most of the
        currencies is taken; rates of two days are not mixed.

        Args:
            currencies: whose rates are wanted; nobody is asked if all of them are given.
            in_file: those of the file of prices.

        Returns:
            Rates of these currencies and of US dollars, which is 1; unknown ones are left out.
        """
        wanted = currencies - self.given.keys() - {USD}
        rates = self._best(wanted, in_file) if wanted else Rates()
        usd = {name: rates.usd[name] for name in sorted(wanted & rates.usd.keys())}
        own = {name: self.given[name] for name in sorted(currencies & self.given.keys())}
        told = [rates.origin] if usd else []
        told += [f"{', '.join(own)} as given"] if own else []
        update = {"usd": {USD: 1.0, **usd, **own}, "origin": "; ".join(told)}
        return rates.model_copy(update=update if usd else {**update, "date": "", "page": ""})

    def _best(self, wanted: Set[str], in_file: Rates | None) -> Rates:
        kept, is_fresh = self._read_kept()
        trouble = ""
        known = [kept] if kept and is_fresh else []
        if self.url and not is_fresh:
            try:
                known = [_asked(self.url, self.kept)]
            except AutolabelError as error:
                trouble = str(error)
        if kept and not is_fresh:
            known.append(kept.model_copy(update={"origin": f"{kept.origin}, an old answer"}))
        known += [rates for rates in (in_file, PUBLISHED) if rates is not None]
        best = max(known, key=lambda rates: len(wanted & rates.usd.keys()))
        return best.model_copy(update={"trouble": trouble})

    def _read_kept(self) -> tuple[Rates | None, bool]:
        """Return the last answer, and whether it is of the last day."""
        if self.kept is None:
            return None, False
        try:
            kept = _Kept.model_validate_json(self.kept.read_bytes())
            age_s = time.time() - self.kept.stat().st_mtime
        except (OSError, ValueError):
            return None, False
        if self.url not in (None, kept.url):
            return None, False
        return kept.rates, 0 <= age_s < FRESH_S


def _asked(url: str, keep: Path | None) -> Rates:
    """Ask the service, and keep what it says, also where that comes too late for the caller."""
    ready = PoliteClient(0.0, private=[url])

    def ask() -> Rates:
        with ready as client:
            rates = _understood(client.json(url), url)
        text = _Kept(url=url, rates=rates).model_dump_json()
        if keep is not None:
            # They are known all the same where the disk is full or another server writes them.
            with suppress(AutolabelError):
                write_atomically(keep, lambda part: part.write_text(text, encoding="utf-8"))
        return rates

    rates = BackgroundJobs().result_or_start("rates", ask, WAIT_S)
    if rates is None:
        raise AutolabelError(f"{urlsplit(url).hostname} did not answer within {WAIT_S:g} s.")
    return rates


def _understood(value: object, url: str) -> Rates:
    try:
        answer = _Answer.model_validate(value)
        day = parsedate_to_datetime(answer.time_last_update_utc).astimezone(UTC).date()
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the answer"
        raise AutolabelError(
            f"{url} does not answer as expected: `{where}`: {first['msg']}. Name a service that "
            "answers as open.er-api.com/v6/latest/USD does: --fx-url"
        ) from error
    except ValueError as error:
        raise AutolabelError(f"{url} answers without a date: {error}") from error
    return Rates(
        usd={name: 1 / units for name, units in answer.rates.items()},
        date=day.isoformat(),
        origin=urlsplit(url).hostname or url,
        page=answer.provider if answer.provider.startswith("https://") else "",
    )
