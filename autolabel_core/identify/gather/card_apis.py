"""Adapters for trading cards: YGOPRODeck, Scryfall and the Pokémon TCG API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NotRequired, TypedDict

from autolabel_core.identify.gather.site_adapter import Asking, Found, exact_first
from autolabel_core.identify.web import RefusedError

NO_SCAN = ("missing", "placeholder")
"""Scryfall's words for cards whose picture says only that there is none."""


class YugiohPicture(TypedDict):
    """An artwork of a card."""

    image_url: str


class YugiohPrint(TypedDict):
    """A print of a card in a set."""

    set_code: str
    set_name: str
    set_rarity_code: str


class YugiohCard(TypedDict):
    """A card as YGOPRODeck tells of it."""

    name: str
    card_images: list[YugiohPicture]
    ygoprodeck_url: NotRequired[str]
    card_sets: NotRequired[list[YugiohPrint]]


class MagicSide(TypedDict):
    """A side of a card as Scryfall tells of it; addresses of its picture by size."""

    image_uris: NotRequired[dict[str, str]]
    artist: NotRequired[str]


class MagicCard(MagicSide):
    """A card as Scryfall tells of it."""

    id: str
    name: str
    set: str
    collector_number: str
    rarity: str
    scryfall_uri: str
    image_status: NotRequired[str]
    card_faces: NotRequired[list[MagicSide]]


class PokemonSet(TypedDict):
    """A set of cards."""

    id: str
    ptcgoCode: NotRequired[str]


class PokemonCard(TypedDict):
    """A card as the Pokémon TCG API tells of it; addresses of its picture by size."""

    id: str
    name: str
    number: str
    set: PokemonSet
    images: dict[str, str]
    rarity: NotRequired[str]
    artist: NotRequired[str]


def ygoprodeck(ask: Asking, query: str, limit: int) -> Iterator[Found]:
    """A Yu-Gi-Oh! card by name, its artworks in turn; the print is told where there is only one.

    The parameter `cardset` takes the cards of one set, and makes the print known.
    """
    try:
        cards: list[YugiohCard] = ask.json("/cardinfo.php", {"fname": query})["data"]
    except RefusedError as error:
        if "No card matching" in str(error):
            return
        raise
    for card in exact_first(cards, query):
        code, rarity = _only_print(card, ask.parameters.get("cardset"))
        for picture in card["card_images"]:
            yield Found(
                card["name"],
                picture["image_url"],
                card.get("ygoprodeck_url", ""),
                "Konami; YGOPRODeck",
                set_code=code,
                rarity=rarity,
            )


def _only_print(card: YugiohCard, wanted: str | None) -> tuple[str | None, str | None]:
    """A picture shows an artwork, not a print: of several prints none is named."""
    prints = {
        (one["set_code"], one["set_rarity_code"].strip("()"))
        for one in card.get("card_sets", [])
        if wanted is None or one["set_name"].casefold() == wanted.casefold()
    }
    return prints.pop() if len(prints) == 1 else (None, None)


def scryfall(ask: Asking, query: str, limit: int) -> Iterator[Found]:
    """A Magic card by name, roughly spelled; beyond its sides, its other prints.

    The parameter `set` names the print's set.
    """
    try:
        card: MagicCard = ask.json("/cards/named", {"fuzzy": query})
    except RefusedError as error:
        if error.status == 404 and "ambiguous" not in str(error):
            return
        raise
    sides = list(_sides(card))
    yield from sides
    if limit <= len(sides):
        return
    within = f" set:{ask.parameters['set']}" if "set" in ask.parameters else ""
    others = {"q": f'!"{card["name"]}"{within}', "unique": "prints", "order": "released"}
    prints: list[MagicCard] = ask.client.json(f"{ask.base_url}/cards/search", others)["data"]
    for other in prints:
        if other["id"] != card["id"]:
            yield from _sides(other)


def _sides(card: MagicCard) -> Iterator[Found]:
    if card.get("image_status") in NO_SCAN:
        return
    sides: list[MagicSide] = [card] if "image_uris" in card else card.get("card_faces", [])
    for side in sides:
        if "image_uris" in side:
            yield Found(
                card["name"],
                side["image_uris"]["large"],
                card["scryfall_uri"],
                f"{side.get('artist') or card.get('artist', '')}; Scryfall",
                set_code=f"{card['set'].upper()}-{card['collector_number']}",
                rarity=card["rarity"],
            )


def pokemontcg(ask: Asking, query: str, limit: int) -> Iterator[Found]:
    """A Pokémon card by name, its prints in the order of their sets."""
    wanted = {
        "q": 'name:"{}"'.format(query.replace("\\", " ").replace('"', " ")),
        "orderBy": "set.releaseDate",
        "pageSize": "250",
        "select": "id,name,number,rarity,artist,set,images",
    }
    key = {"X-Api-Key": ask.key} if ask.key else {}
    cards: list[PokemonCard] = ask.json("/cards", wanted, headers=key)["data"]
    for card in exact_first(cards, query):
        print_ = card["set"]
        yield Found(
            card["name"],
            card["images"]["large"],
            f"{ask.base_url}/cards/{card['id']}",
            f"{card.get('artist', '')}; Pokémon TCG API",
            set_code=f"{print_.get('ptcgoCode') or print_['id'].upper()}-{card['number']}",
            rarity=card.get("rarity"),
        )
