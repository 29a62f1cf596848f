"""Adapters for sites with prices.

Another site is one function that lists the offers of a set, and one line in `SITES`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.identify.web import PoliteClient, RefusedError

Answer = TypeVar("Answer")
NO_SUCH_SET = frozenset({400, 404, 410})
NOT_YOU = frozenset({401, 403})


@dataclass(frozen=True)
class Listing:
    """One offer, in the site's own words: `LOCH-JP001` at `1,480 円`."""

    set_code: str
    price: str

    def __str__(self) -> str:
        return repr(f"{self.set_code} {self.price}".rstrip())


ListSet = Callable[[str], list[Listing]]
"""Lists the offers of a set, such as `LOCH`."""


@dataclass(frozen=True)
class PriceSite:
    """A site.

    Attributes:
        url: what its addresses begin with.
        currency: of its prices.
        is_api: meant for programs; of pages for people robots.txt is asked first.
        opened: from a client and an address, what lists the offers of a set; none where the site
            has no such set. Listings of other sets may be among them.
    """

    url: str
    currency: str
    is_api: bool
    opened: Callable[[PoliteClient, str], ListSet]


def _yuyu_tei(client: PoliteClient, url: str) -> ListSet:
    def offers(prefix: str) -> list[Listing]:
        page = _answer(client.text, f"{url}{prefix.lower()}")
        return _Products.of(page or "")

    return offers


def _ygoprodeck(client: PoliteClient, url: str) -> ListSet:
    @cache
    def sets() -> list[_Set]:
        return _checked(_SETS, client.json(f"{url}cardsets.php"), url)

    def offers(prefix: str) -> list[Listing]:
        listings = []
        for name in [
            card_set.set_name for card_set in sets() if card_set.set_code.upper() == prefix.upper()
        ]:
            told = _answer(client.json, f"{url}cardinfo.php", {"cardset": name})
            for card in _checked(_CARDS, told or {"data": []}, url).data:
                prints = [card_set for card_set in card.card_sets if card_set.set_name == name]
                listings += [Listing(card_set.set_code, card_set.set_price) for card_set in prints]
        return listings

    return offers


SITES = {
    "yuyu-tei": PriceSite("https://yuyu-tei.jp/sell/ygo/s/", "JPY", False, _yuyu_tei),
    "ygoprodeck": PriceSite("https://db.ygoprodeck.com/api/v7/", "USD", True, _ygoprodeck),
}


class _Set(BaseModel, strict=True):
    set_name: str
    set_code: str


class _Print(_Set):
    set_price: str


class _Card(BaseModel, strict=True):
    card_sets: list[_Print] = []


class _Cards(BaseModel, strict=True):
    data: list[_Card]


_SETS, _CARDS = TypeAdapter(list[_Set]), TypeAdapter(_Cards)


class _Products(HTMLParser):
    """Reads the offers of a page, each a `div` of class `card-product`.

    In it the first text that is a set code counts, and the first price after it that is not struck
    out; other classes and tags may change.
    """

    _CODE = re.compile(r"[A-Za-z0-9]+-[A-Za-z0-9]+")
    _PRICE = re.compile(r"[\d,]+ ?円")

    def __init__(self) -> None:
        super().__init__()
        self._boxes: list[list[str]] = []
        self._depth = 0
        self._struck = False

    @classmethod
    def of(cls, page: str) -> list[Listing]:
        """Return the offers; one without a price has an empty one, one without a code is none."""
        parser = cls()
        parser.feed(page)
        parser.close()
        listings = []
        for texts in parser._boxes:
            code = next(filter(cls._CODE.fullmatch, texts), None)
            if code is not None:
                price = next(filter(cls._PRICE.fullmatch, texts[texts.index(code) + 1 :]), "")
                listings.append(Listing(code, price))
        return listings

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "div":
            is_product = "card-product" in (dict(attrs).get("class") or "").split()
            if is_product:
                self._boxes.append([])
                self._depth = 0
            self._depth += bool(is_product or self._depth)
        self._struck = self._struck or tag == "del"

    def handle_endtag(self, tag: str) -> None:
        self._depth -= tag == "div" and self._depth > 0
        self._struck = self._struck and tag != "del"

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if text and self._depth and not self._struck:
            self._boxes[-1].append(text)


def _answer(ask: Callable[..., Answer], *asked: object) -> Answer | None:
    """Return an answer; None where the site says that it has no such set."""
    try:
        return ask(*asked)
    except RefusedError as error:
        if error.status in NOT_YOU:
            raise AutolabelError(
                f"{error}. The site may want no programs: say who you are (--contact), ask for its "
                "permission, or take another site."
            ) from error
        if error.status not in NO_SUCH_SET:
            raise
        return None


def _checked(shape: TypeAdapter[Answer], value: object, url: str) -> Answer:
    try:
        return shape.validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the answer"
        raise AutolabelError(
            f"{url} does not answer as it used to: `{where}`: {first['msg']}, found "
            f"{str(first['input'])[:80]!r}. Nothing was written; its adapter must learn the new "
            "shape, or take another site."
        ) from error
