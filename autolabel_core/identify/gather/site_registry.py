"""The adapters for sites, by name."""

from __future__ import annotations

from collections.abc import Mapping

from autolabel_core.identify.gather.card_apis import pokemontcg, scryfall, ygoprodeck
from autolabel_core.identify.gather.cover_art import musicbrainz, tmdb
from autolabel_core.identify.gather.mediawiki import wikimedia, yugipedia
from autolabel_core.identify.gather.site_adapter import PictureSite
from autolabel_core.identify.gather.url_list import addresses, names

CSV = "csv"
SITES: Mapping[str, PictureSite] = {
    "ygoprodeck": PictureSite(
        ygoprodeck,
        "https://db.ygoprodeck.com/api/v7",
        delay_s=0.1,
        licence="not free: © Konami",
    ),
    "scryfall": PictureSite(
        scryfall,
        "https://api.scryfall.com",
        delay_s=0.5,
        licence="not free: © Wizards of the Coast, Fan Content Policy",
    ),
    "pokemontcg": PictureSite(
        pokemontcg,
        "https://api.pokemontcg.io/v2",
        delay_s=2.0,
        licence="not free: © Nintendo, Creatures, GAME FREAK",
        key_variable="POKEMONTCG_API_KEY",
    ),
    "musicbrainz": PictureSite(
        musicbrainz,
        "https://musicbrainz.org/ws/2",
        delay_s=1.0,
        licence="not free: © of the cover's owner",
        pictures_url="https://coverartarchive.org",
    ),
    "tmdb": PictureSite(
        tmdb,
        "https://api.themoviedb.org/3",
        delay_s=0.1,
        licence="not free: © of the poster's owner, by the terms of TMDB",
        pictures_url="https://image.tmdb.org/t/p",
        key_variable="TMDB_API_KEY",
        needs_key=True,
    ),
    "yugipedia": PictureSite(
        yugipedia,
        "https://yugipedia.com",
        delay_s=1.0,
        licence="not free: © Konami",
    ),
    "wikimedia": PictureSite(
        wikimedia,
        "https://commons.wikimedia.org/w",
        delay_s=1.0,
        licence="not told; see the source page",
    ),
    CSV: PictureSite(
        addresses,
        "",
        delay_s=1.0,
        licence="not told",
        queries=names,
        per_query=1_000,
    ),
}
