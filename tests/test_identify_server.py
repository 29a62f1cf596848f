import subprocess
import threading
import zlib

import httpx
import pytest
from PIL import Image
from support.identify_servers import (
    CARDS,
    COMMAND,
    as_png,
    ask,
    on_a_table,
    server,
    write_all,
    write_cards,
    write_index,
)
from support.receivers import wait_for

from autolabel_app.demos.identify.cards import draw_card

FALCON_KEYS = {"image_size", "count", "masks", "query", "elapsed_seconds"}
MASK_KEYS = {
    "bbox_norm",
    "area_fraction",
    "label",
    "name",
    "rarity",
    "variant_is_guess",
    "variants",
    "score",
    "top_k",
    "margin",
} | {
    "confident",
    "ref_filename",
    "source_document_id",
    "price",
}
NAMES = ("Amber Warden's Pact", "Silent Warden's Pact", "Hollow Warden's Pact")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = write_all(tmp_path_factory.mktemp("identify"))
    (folder / "secret.png").write_bytes(b"secret")
    return folder


@pytest.fixture(scope="module")
def client(folder):
    prices = ("--prices", str(folder / "prices.json"), "--usd-rate", "JPY=0.01")
    thresholds = ("--min-score", "0.6", "--min-margin", "0.02")
    with server(folder / "cards.npz", *prices, *thresholds, "--max-upload-mb", "2") as client:
        yield client


def test_the_answer_has_the_fields_that_clients_know(client):
    answer = ask(client, as_png(on_a_table(1)), "trading card").json()
    assert set(answer) == FALCON_KEYS
    assert answer["image_size"] == [640, 480] and answer["query"] == "trading card"
    assert answer["count"] == len(answer["masks"]) == 1
    mask = answer["masks"][0]
    assert set(mask) == MASK_KEYS
    assert mask["name"] == NAMES[1] and mask["rarity"] == "UR" and mask["confident"]
    assert mask["label"] == f"{NAMES[1]} (UR)"
    assert mask["ref_filename"] == "DEMO-EN001_silent_warden_s_pact_ur.png"
    assert mask["source_document_id"] == mask["ref_filename"]
    assert mask["top_k"][0]["name"] == NAMES[1] and len(mask["top_k"]) == 3
    assert mask["margin"] == pytest.approx(mask["score"] - mask["top_k"][1]["score"], abs=1e-6)
    assert mask["price"] == {
        **{"code": "DEMO-EN001", "currency": "JPY", "median": 100, "min": 50, "max": 2000},
        **{"usd_median": 1.0, "usd_min": 0.5, "usd_max": 20.0},
    }


def test_a_whole_picture_is_classified_in_the_words_of_the_command(client, folder):
    def classified(data):
        return client.post("/api/classify", files={"image": ("a.png", data)})

    (file,) = (folder / "refs").glob("DEMO-EN001*")
    answer = classified(file.read_bytes()).json()
    assert (answer["label"], answer["rarity"]) == (NAMES[1], "UR") and answer["margin"] > 0.02
    match = answer["taxonomy_match"]
    assert match["matched"] and match["confidence"] == pytest.approx(1.0)
    assert match["source_document_id"] == file.name
    unlike = classified(as_png(Image.effect_noise((64, 64), 90).convert("RGB"))).json()
    assert unlike["label"] is None and unlike["suggested_label"]
    assert classified(b"hello").status_code == 400


def test_the_box_is_where_the_card_lies(client):
    (mask,) = ask(client, as_png(on_a_table(2, (300, 100)))).json()["masks"]
    box = mask["bbox_norm"]
    expected = {"x1": 300 / 640, "y1": 100 / 480, "x2": 540 / 640, "y2": 436 / 480}
    assert box == pytest.approx(expected, abs=0.02)
    assert mask["area_fraction"] == pytest.approx(240 * 336 / (640 * 480), rel=0.06)


def test_a_card_without_a_price_has_none(client):
    (mask,) = ask(client, as_png(on_a_table(0))).json()["masks"]
    assert mask["name"] == NAMES[0] and mask["price"] is None


def test_two_cards_are_two_things(client):
    frame = on_a_table(3, (30, 60))
    frame.paste(draw_card(4), (370, 60))
    found = ask(client, as_png(frame)).json()["masks"]
    assert {mask["ref_filename"][:10] for mask in found} == {"DEMO-EN003", "DEMO-EN004"}


def test_a_reference_fills_the_picture(client):
    (mask,) = ask(client, as_png(draw_card(5))).json()["masks"]
    assert mask["ref_filename"].startswith("DEMO-EN005") and mask["score"] > 0.99


def test_an_unknown_thing_has_no_name(client):
    found = ask(client, as_png(Image.effect_noise((400, 300), 80).convert("RGB"))).json()
    assert found["count"] == 0 and found["masks"] == []


def bomb(width, height):
    """Return a PNG of a few bytes whose header promises so many pixels."""
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
        for kind, body in chunks
    )


BAD = {
    "a text file": (b"this is no picture", 400, "not an image"),
    "nothing": (b"", 400, "0 bytes"),
    "half a picture": (as_png(on_a_table(1))[:3000], 400, "damaged"),
    "a decompression bomb": (bomb(60_000, 60_000), 413, "too large"),
    "a large upload": (b"\x89PNG" + bytes(3_000_000), 413, "more than 2 MB"),
    "a 30 MB upload": (bytes(30_000_000), 413, "more than 2 MB"),
}


@pytest.mark.parametrize("bad", BAD)
def test_what_cannot_be_read_is_refused_and_the_server_goes_on(client, bad):
    data, status, said = BAD[bad]
    answer = ask(client, data)
    assert answer.status_code == status and said in answer.json()["detail"]
    assert ask(client, as_png(on_a_table(1))).json()["masks"][0]["name"] == NAMES[1]


def test_a_request_without_a_picture_is_refused(client):
    assert client.post("/api/falcon", data={"query": "x"}).status_code == 422
    assert client.post("/api/falcon", content=b"x").status_code == 422


PATHS = (
    "..%2fsecret.png",
    "%2e%2e/secret.png",
    "..%5csecret.png",
    "%2fetc%2fpasswd",
    "....//secret.png",
    "refs/../../secret.png",
    "nothing.png",
    "",
    "%00",
)


@pytest.mark.parametrize("path", PATHS)
def test_nothing_but_references_can_be_had(client, path):
    answer = client.get(f"/refs/{path}")
    assert answer.status_code == 404 and b"secret" not in answer.content[:10]


def test_references_are_served(client, folder):
    name = "DEMO-EN001_silent_warden_s_pact_ur.png"
    answer = client.get(f"/refs/{name}")
    assert answer.content == (folder / "refs" / name).read_bytes()
    assert answer.headers["content-type"] == "image/png"


def test_health_says_what_is_served(client):
    before = client.get("/health").json()
    ask(client, as_png(on_a_table(1)), "the last one")
    after = client.get("/health").json()
    assert after["index_size"] == CARDS and not after["has_projection"]
    assert after["feature_uri"] == "autolabel://image_extractor@v1/descriptor"
    assert after["requests_served"] == before["requests_served"] + 1
    assert "the last one" not in str(after), "what others ask is nobody's business"
    assert after["reload_error"] is None
    assert (after["min_score"], after["min_margin"]) == (0.6, 0.02)


def test_the_page_needs_no_other_host(client):
    assert client.get("/").headers["location"] == "/live/"
    page = client.get("/live/")
    assert page.headers["content-type"].startswith("text/html")
    for name in ("", "live.css", "live.js", "server.js", "source.js", "tracks.js", "deck.js"):
        answer = client.get(f"/live/{name}")
        assert answer.status_code == 200 and "://" not in answer.text, name
    assert client.get("/live/%2e%2e/app.py").status_code == 404


def test_the_most_valuable_are_listed(client):
    told = client.get("/api/top-prices", params={"n": 3}).json()
    assert [card["usd_median"] for card in told["cards"]] == [7.0, 6.0, 5.0]
    assert told["cards"][0]["ref_filename"].startswith("DEMO-EN007")
    assert told["cards"][0]["name"] and told["usd_rates"]["JPY"] == 0.01
    assert client.get("/api/top-prices", params={"n": 0}).status_code == 422


def test_figures_are_there_for_prometheus(client):
    ask(client, b"no picture")
    text = client.get("/metrics").text
    assert f"autolabel_identify_references {CARDS}.0" in text
    assert 'autolabel_identify_requests_total{status="200"}' in text
    assert 'autolabel_identify_requests_total{status="400"}' in text
    assert "autolabel_identify_batch_images_bucket" in text


def test_pages_elsewhere_and_strangers_are_refused(folder):
    options = ("--api-key-env", "CARDS_KEY", "--cors", "https://cards.example")
    with server(folder / "cards.npz", *options, CARDS_KEY="hush") as client:
        picture = as_png(on_a_table(1))
        assert ask(client, picture).status_code == 401
        for headers in ({"X-API-Key": "hush"}, {"Authorization": "Bearer hush"}):
            answer = client.post("/api/falcon", files={"image": picture}, headers=headers)
            assert answer.status_code == 200
        assert client.get("/refs/x").status_code == client.get("/metrics").status_code == 401
        assert client.get("/health", headers={"X-API-Key": "hüsh".encode()}).status_code == 200
        preflight = {
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "x-api-key",
        }
        for origin, allowed in (("https://cards.example", True), ("https://evil.example", False)):
            answer = client.options("/api/falcon", headers={"Origin": origin, **preflight})
            assert ("access-control-allow-origin" in answer.headers) is allowed
            assert (answer.status_code == 200) is allowed


def test_many_at_once_while_the_index_changes(folder, tmp_path):
    refs, index = tmp_path / "refs", tmp_path / "cards.npz"
    write_cards(refs)
    write_index(refs, index)
    with server(index, "--min-score", "0.5", "--min-margin", "0") as client:
        answers, stop = [], threading.Event()

        def ask_on(number):
            with httpx.Client(base_url=client.base_url, timeout=60) as own:
                while not stop.is_set():
                    answers.append((number, ask(own, as_png(on_a_table(number)))))

        threads = [threading.Thread(target=ask_on, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        write_cards(refs, CARDS + 2)
        write_index(refs, index)
        wait_for(lambda: client.get("/health").json()["index_size"] == CARDS + 2)
        good = index.read_bytes()
        index.write_bytes(good[: len(good) // 2])
        wait_for(lambda: client.get("/health").json()["reload_error"] is not None)
        assert "cards.npz" in client.get("/health").json()["reload_error"]
        index.write_bytes(good)
        wait_for(lambda: client.get("/health").json()["reload_error"] is None)
        stop.set()
        for thread in threads:
            thread.join()
        assert len(answers) > 4
        for number, answer in answers:
            assert answer.status_code == 200
            assert answer.json()["masks"][0]["ref_filename"].startswith(f"DEMO-EN00{number}")


def run(*arguments):
    done = subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    return done.stderr


def test_a_port_is_taken_once(client, folder):
    said = run("--index", folder / "cards.npz", "--port", client.base_url.port)
    assert str(client.base_url.port) in said and "--port" in said


def test_a_key_that_is_not_there_is_told(folder):
    assert "NO_SUCH_KEY" in run("--index", folder / "cards.npz", "--api-key-env", "NO_SUCH_KEY")


def test_an_index_that_is_none_is_refused(tmp_path):
    assert "identify index" in run("--index", tmp_path / "none.npz", "--port", 0)
