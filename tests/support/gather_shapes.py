"""Answers in the shapes of the sites that `gather` asks, made up, with pictures drawn here."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image, ImageDraw

from support.web_pages import Asked, Reply, Site

JPEG = {"Content-Type": "image/jpeg"}


def picture(number: int, kind: str = "JPEG") -> bytes:
    """Draw a picture; each number gives another."""
    image = Image.new("RGB", (96, 128), ((number * 67) % 256, (number * 131) % 256, 90))
    draw = ImageDraw.Draw(image)
    for i in range(6):
        left, top = (number * 29 + i * 17) % 70, (number * 41 + i * 31) % 100
        draw.rectangle(
            (left, top, left + 18, top + 20), fill=((i * 50 + number * 13) % 256, 20, 200)
        )
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def serve_pictures(site: Site, *numbers: int) -> None:
    for number in numbers:
        site.answers[f"/pictures/{number}.jpg"] = Reply(picture(number), headers=JPEG)


def yugioh_card(site: Site, name: str, *numbers: int, prints: Any = ()) -> dict[str, Any]:
    return {
        "id": numbers[0],
        "name": name,
        "type": "Normal Monster",
        "ygoprodeck_url": f"https://ygoprodeck.com/card/{numbers[0]}",
        "card_sets": [
            {"set_name": set_name, "set_code": code, "set_rarity": "x", "set_rarity_code": rarity}
            for set_name, code, rarity in prints
        ],
        "card_images": [
            {
                "id": number,
                "image_url": f"{site.url}/pictures/{number}.jpg",
                "image_url_small": f"{site.url}/small/{number}.jpg",
                "image_url_cropped": f"{site.url}/cropped/{number}.jpg",
            }
            for number in numbers
        ],
    }


def ygoprodeck(site: Site) -> None:
    cards = [
        yugioh_card(site, "Dark Magician Girl", 3),
        yugioh_card(
            site,
            "Dark Magician",
            1,
            2,
            prints=(("Legend", "LOB-EN005", "(UR)"), ("Starter", "SDY-EN006", "(C)")),
        ),
        yugioh_card(site, "Pharaoh's Servant", 4, prints=(("L", "LOCH-JP001", "(PScR)"),)),
    ]
    serve_pictures(site, 1, 2, 3, 4)

    def answer(asked: Asked) -> Reply:
        found = [card for card in cards if asked.params["fname"].lower() in card["name"].lower()]
        if not found:
            return Reply({"error": "No card matching your query was found in the database."}, 400)
        return Reply({"data": found})

    site.answers["/cardinfo.php"] = answer


def magic_card(site: Site, number: int, code: str, **more: Any) -> dict[str, Any]:
    return {
        "object": "card",
        "id": f"id-{number}",
        "name": "Black Lotus",
        "scryfall_uri": f"https://scryfall.com/card/{code}/{number}",
        "set": code,
        "collector_number": str(number),
        "rarity": "rare",
        "artist": "A. Painter",
        **({"image_uris": magic_pictures(site, number)} if "card_faces" not in more else {}),
        **more,
    }


def magic_pictures(site: Site, number: int) -> dict[str, str]:
    sizes = ("small", "normal", "large", "png", "art_crop")
    return {size: f"{site.url}/pictures/{number}.jpg?{size}" for size in sizes}


def scryfall(site: Site) -> None:
    serve_pictures(site, 1, 2, 3, 4)
    faces = [
        {"name": name, "artist": "B. Painter", "image_uris": magic_pictures(site, number)}
        for name, number in (("Delver of Secrets", 3), ("Insectile Aberration", 4))
    ]
    lotus, other = magic_card(site, 1, "lea"), magic_card(site, 2, "leb")
    unseen = magic_card(site, 5, "30a", image_status="placeholder")
    delver = magic_card(site, 3, "isd", name="Delver of Secrets // Insectile Aberration")
    del delver["image_uris"]
    delver |= {"card_faces": faces, "rarity": "common"}
    missing = {"object": "error", "code": "not_found", "status": 404, "details": "No cards found."}
    several = {**missing, "type": "ambiguous", "details": "Too many cards match ambiguous name"}
    named = {
        "black lotos": Reply(lotus),
        "delver": Reply(delver),
        "jace": Reply(several, 404),
    }
    site.answers["/cards/named"] = lambda asked: named.get(
        asked.params["fuzzy"].lower(), Reply(missing, 404)
    )
    prints = Reply(
        {"object": "list", "total_cards": 2, "has_more": False, "data": [lotus, unseen, other]}
    )
    site.answers["/cards/search"] = prints


def pokemontcg(site: Site) -> None:
    serve_pictures(site, 1, 2)

    def card(number: int, name: str, **print_: str) -> dict[str, Any]:
        return {
            "id": f"base1-{number}",
            "name": name,
            "number": str(number),
            "rarity": "Rare Holo",
            "artist": "C. Painter",
            "set": {"id": "base1", "name": "Base", **print_},
            "images": {
                "small": f"{site.url}/small/{number}.png",
                "large": f"{site.url}/pictures/{number}.jpg",
            },
        }

    cards = [card(1, "Dark Charizard"), card(2, "Charizard", ptcgoCode="BS")]
    site.answers["/cards"] = lambda asked: Reply(
        {
            "data": cards if "harizard" in asked.params["q"] else [],
            "page": 1,
            "pageSize": 250,
            "count": 2,
            "totalCount": 2,
        }
    )


def musicbrainz(site: Site) -> None:
    serve_pictures(site, 1)

    def album(number: int, title: str) -> dict[str, Any]:
        credits = [{"name": "Alfa", "joinphrase": " & "}, {"name": "Beta", "artist": {"id": "b"}}]
        return {
            "id": f"album-{number}",
            "score": 100 - number,
            "title": title,
            "primary-type": "Album",
            "artist-credit": credits,
        }

    albums = [album(0, "Bare"), album(1, "Covered"), album(2, "Back Only")]
    site.answers["/release-group"] = lambda asked: Reply(
        {
            "count": 3,
            "offset": 0,
            "release-groups": albums if "alfa" in asked.params["query"] else [],
        }
    )
    back = {"front": False, "back": True, "types": ["Back"], "image": f"{site.url}/b.jpg"}
    front = {"front": True, "types": ["Front"], "image": f"{site.url}/original.jpg"}
    sizes = {"250": f"{site.url}/250.jpg", "500": f"{site.url}/pictures/1.jpg"}
    for cover in (back, front):
        cover["thumbnails"] = sizes
    release = {"release": "https://musicbrainz.org/release/r"}
    site.answers["/release-group/album-1"] = Reply({"images": [back, front], **release})
    site.answers["/release-group/album-2"] = Reply({"images": [back], **release})


def tmdb(site: Site) -> None:
    site.answers["/w780/poster.jpg"] = Reply(picture(1), headers=JPEG)
    dune = {"id": 1, "title": "Dune", "release_date": "1984-12-14", "poster_path": "/poster.jpg"}
    bare = {"id": 2, "title": "Dune", "release_date": "", "poster_path": None}

    def answer(asked: Asked) -> Reply:
        bearer = asked.headers.get("authorization") == "Bearer eyJtoken"
        if not bearer and asked.params.get("api_key") != "0123secret":
            return Reply({"status_code": 7, "status_message": "Invalid API key"}, 401)
        found = [bare, dune] if asked.params["query"] == "Dune" else []
        return Reply({"page": 1, "results": found, "total_pages": 1, "total_results": len(found)})

    site.answers["/search/movie"] = answer


def wiki(site: Site, *titles: str) -> None:
    serve_pictures(site, *range(1, len(titles) + 1))

    def page(number: int, title: str) -> dict[str, Any]:
        kind = "application/pdf" if title.endswith(".pdf") else "image/jpeg"
        told = {
            "LicenseShortName": {"value": "CC BY-SA 4.0", "source": "commons-desc-page"},
            "Artist": {"value": '<a href="//x">D.&nbsp;Painter</a>\n<b>!</b>'},
        }
        return {
            "pageid": number,
            "ns": 6,
            "title": f"File:{title}",
            "index": number,
            "imageinfo": [
                {
                    "url": f"{site.url}/original/{number}.jpg",
                    "thumburl": f"{site.url}/pictures/{number}.jpg",
                    "descriptionurl": f"{site.url}/wiki/File:{number}",
                    "mime": kind,
                    "extmetadata": told if number > 1 else [],
                }
            ],
        }

    pages = [page(number, title) for number, title in enumerate(titles, 1)]
    found = {"batchcomplete": True, "query": {"pages": pages[::-1]}}

    def answer(asked: Asked) -> Reply:
        if "broken" in asked.params["gsrsearch"]:
            return Reply({"error": {"code": "search-error", "info": "The search is down."}})
        return Reply({"batchcomplete": True} if "nothing" in asked.params["gsrsearch"] else found)

    site.answers["/api.php"] = answer


def wikimedia(site: Site) -> None:
    wiki(site, "Scan.pdf", "Mona Lisa, retouched.jpg", "Another.jpg")


def yugipedia(site: Site) -> None:
    wiki(site, "DarkMagician-LOCH-JP-UR.png", "DarkMagician-OW.png")
