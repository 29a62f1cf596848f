"""The live page in a real browser: fake camera, pictures, tracks, deck."""

import csv
import json
import math

import pytest
from PIL import Image
from support.identify_servers import on_a_table, server, write_all
from support.live_pages import IN_CHROMIUM, SILENT, chromium, keep, pages, show, two_cards
from support.web_pages import Reply, web_site

pytestmark = IN_CHROMIUM


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("live"))


@pytest.fixture(scope="module")
def url(folder):
    answer = {
        **{"result": "success", "base_code": "USD", "rates": {"JPY": 1 / 0.0067}},
        **{"time_last_update_utc": "Sat, 21 Nov 2026 00:02:31 +0000"},
        "provider": "https://rates.example",
    }
    low = ("--min-score", "0.6", "--min-margin", "0.02")
    with web_site() as service:
        service.answers["/latest"] = Reply(answer)
        prices = ("--prices", str(folder / "prices.json"), "--fx-url", f"{service.url}/latest")
        home = str(folder / "home")
        with server(folder / "cards.npz", *prices, *low, AUTOLABEL_HOME=home) as client:
            yield str(client.base_url)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A camera's film: card 1 sways on a table."""
    file = tmp_path_factory.mktemp("film") / "camera.mjpeg"
    with file.open("wb") as out:
        for step in range(120):
            left = round(200 + 20 * math.sin(step * math.tau / 120))
            on_a_table(1, (left, 60)).save(out, "JPEG", quality=92)
    return file


@pytest.fixture(scope="module")
def browser(film):
    with chromium(f"--use-file-for-fake-video-capture={film}") as browser:
        yield browser


@pytest.fixture
def opened(browser, url):
    with pages(browser, url) as opened:
        yield opened


def test_the_webcam_shows_a_track_that_stays(opened):
    tab = opened(viewport={"width": 1280, "height": 800})
    tab.get_by_role("button", name="Use webcam").click()
    track = tab.locator("#tracks li")
    track.get_by_text(SILENT, exact=True).wait_for()
    assert "score" in track.inner_text() and "margin" in track.inner_text()
    assert "$0.67" in track.inner_text() and "¥100" in track.inner_text()
    assert "UR" in track.inner_text()
    tab.wait_for_function("document.querySelector('#tracks img').naturalWidth === 240")
    track.evaluate("li => { li.mark = 'same' }")
    tab.wait_for_timeout(2500)
    assert track.count() == 1 and track.evaluate("li => li.mark") == "same"
    assert SILENT in tab.locator("#frame").get_attribute("aria-label")
    assert tab.get_by_role("status").filter(has_text="Seen").count() == 1
    keep(tab, "desktop-webcam")
    tab.get_by_role("button", name="Stop").click()
    tab.locator("#tracks li").wait_for(state="detached")


def test_boxes_lie_over_the_things(opened):
    tab = opened(viewport={"width": 1280, "height": 800})
    show(tab, two_cards())
    tab.locator("#tracks li").nth(1).wait_for()
    green = """([x, y]) => {
        const pen = document.querySelector('#frame').getContext('2d');
        const {data} = pen.getImageData(x - 8, y, 17, 1);
        const colours = Array.from({length: 17}, (_, i) => data.slice(4 * i, 4 * i + 3).join());
        return colours.includes('16,185,129');
    }"""
    for left in (30, 270, 370, 610):
        tab.wait_for_function(green, arg=[left, 200])
    assert not tab.evaluate(green, [320, 200])


def test_the_deck_adds_removes_counts_and_survives(opened, tmp_path):
    tab = opened(viewport={"width": 1280, "height": 800})
    show(tab, two_cards())
    tab.locator("#tracks li").nth(1).wait_for()
    first = tab.get_by_role("button", name=f"Add {SILENT} to deck")
    first.click()
    assert "flash" in first.get_attribute("class")
    assert "pulse" in tab.locator("#deck").get_attribute("class")
    first.click()
    tab.locator("#tracks button").nth(1).click()
    total = tab.locator("#total")
    assert total.inner_text() == "$5.36" and "3 in the deck" in tab.locator("#deck").inner_text()
    keep(tab, "desktop-deck")
    with tab.expect_download() as waiting:
        tab.get_by_role("button", name="Export CSV").click()
    waiting.value.save_as(tmp_path / "deck.csv")
    rows = list(csv.DictReader((tmp_path / "deck.csv").open(encoding="utf-8-sig", newline="")))
    assert (rows[0]["name"], rows[0]["count"], rows[0]["usd"]) == (SILENT, "2", "0.67")
    assert rows[1]["code"] == "DEMO-EN006" and rows[1]["currency"] == "JPY"
    tab.reload()
    tab.locator("#cards li").nth(1).wait_for()
    assert total.inner_text() == "$5.36"
    tab.get_by_role("button", name=f"Remove {SILENT}").click()
    assert total.inner_text() == "$4.69"
    tab.once("dialog", lambda dialog: dialog.accept())
    tab.get_by_role("button", name="Clear").click()
    assert total.inner_text() == "$0.00" and tab.locator("#cards li").count() == 0
    assert tab.evaluate("localStorage.getItem('autolabel-deck')") == "[]"


def test_the_most_valuable_are_listed_with_their_rate(opened):
    tab = opened()
    tab.locator("#top li").nth(6).wait_for()
    dear = tab.locator("#top .usd:visible").all_inner_texts()
    assert [text for text in dear if text][:2] == ["$4.69", "$4.02"]
    said = tab.locator("#rates").inner_text()
    assert said == "test · 2026-01-02 · 1 JPY = 0.0067 USD · 2026-11-21, 127.0.0.1"
    assert "UR · ¥600" in tab.locator("#top").inner_text()
    publisher = tab.get_by_role("link", name="Rates by rates.example")
    assert publisher.get_attribute("href") == "https://rates.example"
    keep(tab, "desktop-prices")


def test_names_are_never_run_as_markup(opened):
    tab = opened()
    evil = [{"name": "<img src=x onerror=window.broken=1>", "count": 1, "usd": None}]
    tab.evaluate("text => localStorage.setItem('autolabel-deck', text)", json.dumps(evil))
    tab.reload()
    tab.locator("#cards li").wait_for()
    assert tab.locator("#cards .name").inner_text() == evil[0]["name"]
    assert tab.evaluate("window.broken") is None
    assert "1 without a price" in tab.locator("#deck-size").inner_text()
    tab.troubles.clear()


def test_a_person_with_a_keyboard_gets_everywhere(opened):
    tab = opened(viewport={"width": 1280, "height": 800})
    show(tab, on_a_table(1))
    tab.locator("#tracks li button").wait_for()
    tab.locator("body").click(position={"x": 1, "y": 1})
    reached = []
    for _ in range(12):
        tab.keyboard.press("Tab")
        reached.append(
            tab.evaluate("document.activeElement.ariaLabel || document.activeElement.id || ''")
        )
    assert {"webcam", "file", "stop", f"Add {SILENT} to deck"} <= set(reached)
    tab.get_by_role("button", name=f"Add {SILENT} to deck").focus()
    tab.keyboard.press("Enter")
    assert tab.locator("#total").inner_text() == "$0.67"
    for role, names in (
        ("region", ("Picture", "Active tracks", "Deck", "Top valuable")),
        ("img", (SILENT,)),
        ("heading", ("Active tracks", "Deck", "Top valuable", "What is this?")),
        ("button", ("Use webcam", "Stop", "Export CSV", "Clear", f"Remove {SILENT}")),
    ):
        for name in names:
            assert tab.get_by_role(role, name=name).count() >= 1, name


@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 320)])
def test_it_fits_a_phone(opened, scheme, width):
    phone = {"width": width, "height": 844}
    tab = opened(viewport=phone, color_scheme=scheme, has_touch=True, is_mobile=True)
    show(tab, two_cards())
    tab.locator("#tracks li").nth(1).wait_for()
    tab.locator("#top li").nth(6).wait_for()
    tab.locator("#tracks button").first.tap()
    tab.wait_for_timeout(1200)
    keep(tab, f"phone-{scheme}")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    for box in (button.bounding_box() for button in tab.locator("button:visible").all()):
        assert box["height"] >= 44 and box["x"] + box["width"] <= width


def test_what_is_no_picture_is_told(opened):
    tab = opened()
    tab.set_input_files("#file", {"name": "a.txt", "mimeType": "image/png", "buffer": b"text"})
    tab.get_by_role("alert").filter(has_text="a.txt is no picture").wait_for()
    show(tab, Image.new("RGB", (300, 300), "grey"))
    tab.get_by_text("Nothing that is known is in view.").wait_for()
    assert tab.get_by_role("alert").count() == 0


def test_a_server_with_a_key_asks_for_it(opened, folder):
    with server(folder / "cards.npz", "--api-key-env", "CARDS_KEY", CARDS_KEY="hush") as client:
        tab = opened(str(client.base_url))
        show(tab, on_a_table(1))
        tab.get_by_label("This server needs its API key").fill("hush")
        tab.get_by_role("button", name="Use key").click()
        tab.locator("#tracks li").wait_for()
        tab.wait_for_function("document.querySelector('#tracks img').naturalWidth === 240")
        tab.troubles[:] = [said for said in tab.troubles if "401" not in said]
