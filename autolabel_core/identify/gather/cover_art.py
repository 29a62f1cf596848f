"""Adapters for covers and posters: MusicBrainz with the Cover Art Archive, and TMDB."""

from __future__ import annotations

from collections.abc import Iterator

from autolabel_core.identify.gather.site_adapter import Asking, Found
from autolabel_core.identify.web import RefusedError

MORE_ALBUMS = 4
"""Albums that are looked at beyond those that are wanted, since not every one has a cover."""
BEARER = "eyJ"
"""How TMDB's read access tokens begin; its older keys go into the address."""


def musicbrainz(ask: Asking, query: str, limit: int) -> Iterator[Found]:
    """Albums by title, artist or both, the best match first; those without a cover are passed over.

    The parameter `dismax: "false"` makes the query one in Lucene's syntax.
    """
    wanted = {"query": query, "fmt": "json", "dismax": "true", "limit": str(limit + MORE_ALBUMS)}
    for album in ask.json("/release-group", wanted)["release-groups"]:
        artist = "".join(
            credit["name"] + credit.get("joinphrase", "") for credit in album["artist-credit"]
        )
        try:
            covers = ask.client.json(f"{ask.pictures_url}/release-group/{album['id']}")["images"]
        except RefusedError as error:
            if error.status == 404:
                continue
            raise
        front = next((cover for cover in covers if cover["front"]), None)
        if front is not None:
            sizes = front["thumbnails"]
            picture = sizes.get("1200") or sizes.get("500") or front["image"]
            page = f"https://musicbrainz.org/release-group/{album['id']}"
            yield Found(f"{artist} - {album['title']}", picture, page, artist)


def tmdb(ask: Asking, query: str, limit: int) -> Iterator[Found]:
    """Films by title, the best match first, each with its year, since titles come again.

    The parameters `year` and `language` choose among them.
    """
    key = ask.key or ""
    headers = {"Authorization": f"Bearer {key}"} if key.startswith(BEARER) else {}
    secrets = {} if headers else {"api_key": key}
    answer = ask.json("/search/movie", {"query": query}, headers=headers, secrets=secrets)
    for film in answer["results"]:
        if film["poster_path"]:
            year = (film.get("release_date") or "")[:4]
            yield Found(
                f"{film['title']} ({year})" if year else film["title"],
                f"{ask.pictures_url}/w780{film['poster_path']}",
                f"https://www.themoviedb.org/movie/{film['id']}",
                "TMDB",
            )
