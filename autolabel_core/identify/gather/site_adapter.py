"""The interface of site adapters: a function from a query to pictures, and rules for its site."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, TypedDict, TypeVar

import pydantic.dataclasses

from autolabel_core.identify.web import PoliteClient


@pydantic.dataclasses.dataclass(frozen=True)
class Found:
    """One picture that a site told of; values of another kind are a `pydantic.ValidationError`.

    Attributes:
        name: what it shows, in the site's words: the label.
        picture: its address.
        page: where a person sees it, or the site's own answer about it.
        attribution: who made it or wants to be named.
        licence: as the site says; empty: what the site says of all its pictures.
        set_code: of the print, where the site is certain.
        rarity: of the print, in the site's words.
    """

    name: str
    picture: str
    page: str = ""
    attribution: str = ""
    licence: str = ""
    set_code: str | None = None
    rarity: str | None = None


@dataclass(frozen=True)
class Asking:
    """What an adapter asks with.

    Attributes:
        client: the polite one.
        base_url: of the site's API, or of a mirror, without a `/` at its end.
        pictures_url: of its pictures, for sites that tell no whole addresses.
        parameters: of the user, joined to the site's.
        key: the user's key, where the site wants one.
        urls: the user's list of addresses.
    """

    client: PoliteClient
    base_url: str
    pictures_url: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    key: str | None = None
    urls: Path | None = None

    def json(self, path: str, params: Mapping[str, str], **how: Mapping[str, str]) -> Any:
        """Ask the API under a path; the user's parameters win. Raises as the client does."""
        return self.client.json(f"{self.base_url}{path}", {**params, **self.parameters}, **how)


class NamedCard(TypedDict):
    """What the cards of all sites have."""

    name: str


Card = TypeVar("Card", bound=NamedCard)
Search = Callable[[Asking, str, int], Iterator[Found]]


@dataclass(frozen=True)
class PictureSite:
    """One adapter.

    Attributes:
        search: yields the pictures of a query, the best first, about as many as are wanted.
        base_url: of the API.
        delay_s: what the site asks for between two requests.
        licence: of all its pictures, where it tells none for each.
        pictures_url: of its pictures, for sites that tell no whole addresses.
        key_variable: environment variable of the user's key; empty: there is no key.
        needs_key: whether nothing is answered without it.
        queries: tells the queries where they come from a file of the user.
        per_query: how many pictures are wanted for each query, unless the user says.
    """

    search: Search
    base_url: str
    delay_s: float
    licence: str
    pictures_url: str = ""
    key_variable: str = ""
    needs_key: bool = False
    queries: Callable[[Path | None], Sequence[str]] | None = None
    per_query: int = 1


def exact_first(cards: Sequence[Card], name: str) -> Sequence[Card]:
    """Return those that are called exactly so, in any case; where none is, all of them."""
    exact = [card for card in cards if card["name"].casefold() == name.casefold()]
    return exact or cards


def plain_text(html: str) -> str:
    """Return what a person reads of a piece of HTML, on one line."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return " ".join("".join(reader.parts).split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)
