"""Reads and checks the price file: JSON keyed by set code, with prices in US dollars too."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypedDict

from pydantic import BaseModel, Field, ValidationError

from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.identify.prices.exchange_rates import USD, Rate, Rates, RateSource

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class Entry(BaseModel, strict=True, frozen=True):
    """The price of one set code, in the file's currency unless it names its own.

    Attributes:
        median: of the offers.
        min: the least.
        max: the greatest.
        count: how many offers there were.
        currency: three letters.
    """

    median: Amount
    min: Amount | None = None
    max: Amount | None = None
    count: Annotated[int, Field(ge=1)] | None = None
    currency: Currency | None = None


class PriceFile(BaseModel, strict=True, frozen=True):
    """The file: prices by set code, and what a unit of other currencies is in US dollars."""

    prices: dict[str, Entry]
    currency: Currency = USD
    scraped_at: str = ""
    site: str = ""
    usd_rates: dict[str, Rate] = Field(default_factory=dict)
    usd_rates_date: str = ""
    usd_rates_from: str = ""

    @property
    def currencies(self) -> set[str]:
        """All that a price is in."""
        return {entry.currency or self.currency for entry in self.prices.values()}

    @property
    def rates(self) -> Rates:
        """Those of the file."""
        origin = f"the file of prices, by {self.usd_rates_from}" if self.usd_rates_from else ""
        return Rates(
            usd=self.usd_rates,
            date=self.usd_rates_date,
            origin=origin or "the file of prices",
        )


class PriceRecord(TypedDict):
    """What a set code costs, in its currency and in US dollars (None without a rate)."""

    code: str | None
    currency: str
    median: float | None
    min: float | None
    max: float | None
    usd_median: float | None
    usd_min: float | None
    usd_max: float | None


@dataclass(frozen=True)
class Prices:
    """Prices by set code.

    Attributes:
        file: as it was read.
        rates: of its currencies; in those without a rate no price in dollars is told.
    """

    file: PriceFile
    rates: Rates

    @classmethod
    def load(cls, path: Path, source: RateSource) -> Prices:
        """Read and check a file.

        Args:
            path: a JSON file.
            source: of rates; asked once the file is found right.

        Returns:
            The prices.

        Raises:
            NotFoundError: there is no such file.
            AutolabelError: it is no JSON, or a value has a wrong type.
        """
        if not path.is_file():
            raise NotFoundError(f"There is no file of prices {path}.")
        try:
            file = PriceFile.model_validate(json.loads(path.read_text(encoding="utf-8")))
        except ValidationError as error:
            raise AutolabelError(_wrong(path, error)) from error
        except ValueError as error:
            raise AutolabelError(f"{path} is no JSON: {error}") from error
        return cls(file, source.rates(file.currencies, file.rates))

    def of(self, set_code: str | None) -> PriceRecord | None:
        """Return what a set code costs, as the server tells it; None where that is not known."""
        entry = self.file.prices.get(set_code or "")
        if entry is None:
            return None
        currency = entry.currency or self.file.currency
        rate = self.rates.usd.get(currency)
        return {
            "code": set_code,
            "currency": currency,
            "median": entry.median,
            "min": entry.min,
            "max": entry.max,
            "usd_median": _times(entry.median, rate),
            "usd_min": _times(entry.min, rate),
            "usd_max": _times(entry.max, rate),
        }

    def top(self, most: int) -> list[PriceRecord]:
        """Return the most valuable, dearest in US dollars first; without a rate they are last."""
        told = [price for code in sorted(self.file.prices) if (price := self.of(code))]
        return sorted(told, key=lambda p: (p["usd_median"] is None, -(p["usd_median"] or 0)))[:most]


def _times(amount: float | None, rate: float | None) -> float | None:
    return None if amount is None or rate is None else round(amount * rate, 2)


def _wrong(path: Path, error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "the file"
    return (
        f"{path}: `{where}`: {first['msg']}, found {first['input']!r}. Expected "
        '{"currency": "JPY", "prices": {"LOCH-JP001": {"median": 420}}}.'
    )
