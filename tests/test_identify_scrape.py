"""`autolabel identify scrape-prices` as a person calls it, against a site on loopback."""

import json
import socket
import subprocess
import sys

import pytest
from click.testing import CliRunner
from PIL import Image
from support.price_pages import LOCH, page
from support.web_pages import Reply, web_site

from autolabel_app.cli import root
from autolabel_core.foundation.errors import AutolabelError


@pytest.fixture
def site():
    with web_site() as known:
        known.answers["/s/loch"] = Reply(LOCH)
        yield known


@pytest.fixture
def cards(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOLABEL_HOME", str(tmp_path / "home"))
    refs = tmp_path / "refs"
    refs.mkdir()
    for name in ("LOCH-JP001_dark_magician_ur", "LOCH-JP003_kuriboh", "exodia"):
        Image.new("RGB", (8, 8)).save(refs / f"{name}.png")
    return refs


def scraping(refs, url, *options, out="prices.json"):
    command = ["identify", "scrape_prices", "--refs", str(refs), "--out", str(refs.parent / out)]
    return CliRunner().invoke(root, [*command, "--url", url, "--delay", "0", "--no-fx", *options])


def test_the_command_writes_and_tells_what_is_missing(site, cards):
    site.answers["/s/loch"] = Reply(LOCH + page(("LOCH-JP009", "ASK")))
    Image.new("RGB", (8, 8)).save(cards / "NONE-JP001_nobody.png")
    done = scraping(cards, f"{site.url}/s/")
    assert done.exit_code == 0, done.output
    assert "2 prices from yuyu-tei, for 1 of the 3 set codes" in done.output
    assert "2 without a price: LOCH-JP003, NONE-JP001." in done.output
    assert "1 sets of which nothing is listed: NONE." in done.output
    assert "1 offers whose price cannot be read: 'LOCH-JP009'." in done.output
    assert "1 references without a set code: exodia.png." in done.output
    assert "1 JPY = 0.006359 USD (2026-10-30, European Central Bank, built in)" in done.output
    written = json.loads((cards.parent / "prices.json").read_text())
    assert written["usd_rates_date"] == "2026-10-30" and written["site"] == "yuyu-tei"


def test_a_second_call_asks_nobody_unless_told(site, cards):
    scraping(cards, f"{site.url}/s/")
    before = site.paths()
    assert before == ["/robots.txt", "/s/loch"]
    again = scraping(cards, f"{site.url}/s/", "--json")
    assert json.loads(again.output)["unpriced"] == ["LOCH-JP003"]
    assert site.paths() == before
    scraping(cards, f"{site.url}/s/", "--max-age-hours", "0")
    assert site.paths().count("/s/loch") == 2


def test_the_site_is_told_who_asks(site, cards):
    scraping(cards, f"{site.url}/s/", "--contact", "me@example.org")
    assert {"autolabel", "me@example.org"} <= set(
        site.asked[-1].headers["user-agent"].replace("/", " ").replace("(", "").strip(")").split()
    )


def test_what_robots_forbid_is_not_asked(site, cards):
    site.answers["/robots.txt"] = Reply("User-agent: *\nDisallow: /s/\n")
    done = scraping(cards, f"{site.url}/s/")
    assert isinstance(done.exception, AutolabelError) and "robots.txt" in str(done.exception)
    assert site.paths() == ["/robots.txt"] and not (cards.parent / "prices.json").exists()


def test_a_set_that_is_refused_costs_the_others_nothing(site, cards, run):
    for name in ("DARK-JP001_knight", "ZZZZ-JP001_last"):
        Image.new("RGB", (8, 8)).save(cards / f"{name}.png")
    site.answers["/robots.txt"] = Reply("User-agent: *\nDisallow: /s/dark\n")
    site.answers["/s/zzzz"] = Reply("Forbidden", status=403)
    done = scraping(cards, f"{site.url}/s/")
    assert "DARK was not asked for: 127.0.0.1 asks" in done.output
    assert "ZZZZ was not asked for" in done.output
    written = json.loads((cards.parent / "prices.json").read_text())
    assert written["prices"]["LOCH-JP001"]["median"] == 1480
    out = str(cards.parent / "again.json")
    arguments = ("--refs", str(cards), "--out", out, "--url", f"{site.url}/s/", "--delay", "0")
    status, said, _ = run("identify", "scrape-prices", *arguments, "--no-fx", "--json")
    told = json.loads(said)
    assert status == 1
    assert set(told["refused_sets"]) == {"DARK", "ZZZZ"} and told["priced"] == 1


def test_a_failure_leaves_the_last_prices_alone(site, cards):
    scraping(cards, f"{site.url}/s/")
    before = (cards.parent / "prices.json").read_bytes()
    site.answers["/s/loch"] = Reply("<p>Maintenance")
    done = scraping(cards, f"{site.url}/s/", "--max-age-hours", "0")
    assert isinstance(done.exception, AutolabelError)
    assert (cards.parent / "prices.json").read_bytes() == before


def test_references_without_codes_are_told_with_the_cure(site, cards, tmp_path):
    for file in cards.glob("LOCH*"):
        file.unlink()
    done = scraping(cards, f"{site.url}/s/")
    assert "None of the 1 references" in str(done.exception) and site.asked == []
    (tmp_path / "names.yaml").write_text("set_code: '[a-z]+-\\d+'\n")
    Image.new("RGB", (8, 8)).save(cards / "loch-001_kuriboh.png")
    site.answers["/s/loch"] = Reply(page(("LOCH-001", "10 円")))
    named = scraping(cards, f"{site.url}/s/", "--names", str(tmp_path / "names.yaml"))
    assert "1 of the 1 set codes" in named.output


def test_a_site_that_cannot_be_reached_is_said(cards):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        done = subprocess.run(
            [
                *(sys.executable, "-c", "from autolabel_app.cli import main; main()", "identify"),
                *("scrape-prices", "--refs", str(cards), "--out", str(cards.parent / "p.json")),
                *("--url", f"http://127.0.0.1:{free.getsockname()[1]}/s/", "--no-fx"),
                *("--delay", "0"),
            ],
            capture_output=True,
            text=True,
        )
    assert done.returncode == 1 and "cannot reach 127.0.0.1" in done.stderr
    assert "try again later" in done.stderr and "Traceback" not in done.stderr
