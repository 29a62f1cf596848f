"""The desk in a real browser: looking, labelling by keys, confirming a grid."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

from support.angle_samples import label
from support.live_pages import IN_CHROMIUM, SHOTS, chromium

from autolabel_core.ledger import Ledger

pytestmark = IN_CHROMIUM
COLOURS = {
    "feature_extractor": {"feature_extractor_name": "colour_extractor"},
    "taxonomy": {"field_to_enrich": "colour", "confidence_threshold": 0.99},
}
REDS = {f"red_{n:02d}.png": (255, n, 0) for n in range(12)}
BLUES = {f"blue_{n:02d}.png": (0, n, 255) for n in range(12)}
SHOWN_S = 60


@contextmanager
def serving(home):
    """Run `autolabel serve --work` as people do; give its address."""
    command = [sys.executable, "-m", "autolabel_app.cli", "serve", "--work", "--port", "0"]
    environ = os.environ | home.paths.environment
    with subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()
            assert process.wait(20) in (0, -signal.SIGTERM)


def wait_for(look, wanted=True, seconds=SHOWN_S):
    """Look until what is wanted is seen; True is anything that counts as true."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        found = look()
        if found == wanted or (wanted is True and found):
            return found
        time.sleep(0.1)
    raise AssertionError(f"it did not happen in time; last: {found}")


def labels_of(address):
    with urllib.request.urlopen(f"{address}/v1/collections/colours/documents?limit=100") as answer:
        found = json.load(answer)["results"]
    return {one["key"]: one["label"] for one in found}


def with_two_labels(home, bring_up_to_date):
    """Sweep both colours with one label each; give the ledger."""
    home.declare("colours", COLOURS)
    home.put("colours", {**REDS, **BLUES})
    bring_up_to_date(home.workspace, "colours")
    label(home.workspace, {"red_00.png": "red", "blue_00.png": "blue"}, "colours")
    bring_up_to_date(home.workspace, "colours")
    return Ledger(home.paths.ledger_url)


@contextmanager
def page_of(browser, address, **options):
    """Open the desk; an error of the page, or a request to another host, is a failure."""
    troubles = []
    context = browser.new_context(**options)
    tab = context.new_page()
    tab.set_default_timeout(SHOWN_S * 1000)
    tab.on("pageerror", lambda error: troubles.append(str(error)))
    # Refused requests are logged by the browser itself; the page shows their reason.
    tab.on(
        "console",
        lambda m: m.type == "error" and "load resource" not in m.text and troubles.append(m.text),
    )
    tab.on("request", lambda r: r.url.startswith((address, "data:")) or troubles.append(r.url))
    tab.goto(f"{address}/desk/")
    yield tab
    assert troubles == []
    context.close()


def keep(tab, name):
    if SHOTS:
        tab.screenshot(path=f"{SHOTS}/desk_{name}.png")


def test_a_person_labels_two_by_keys_and_the_rest_follows_on_the_page(home):
    home.declare("colours", COLOURS)
    home.put("colours", {**REDS, **BLUES, "broken.png": b"no picture"})
    with serving(home) as desk, chromium() as browser:
        address = desk.removesuffix("/desk/")
        with page_of(browser, address) as tab:
            # The worker sweeps by itself, and the page follows without being loaded again.
            tab.wait_for_selector("figure img")
            assert tab.text_content(".count") == "25 documents"
            tab.click("nav >> text=Label")
            tab.wait_for_selector(".shown img")
            tab.wait_for_selector("text=about 12 documents are like it")
            one = (tab.text_content(".key") or "").split("_")[0]
            tab.keyboard.type(one)
            tab.keyboard.press("Enter")
            ledger = Ledger(home.paths.ledger_url)
            first = wait_for(lambda: ledger.annotations("colours"))
            assert [(given.label, given.key.split("_")[0]) for given in first] == [(one, one)]
            # The next most useful one is of the other colour: nobody is asked about one twice.
            other = {"red": "blue", "blue": "red"}[one]
            wait_for(lambda: (tab.text_content(".key") or "").startswith(other))
            tab.keyboard.press("/")
            tab.keyboard.type(other)
            tab.keyboard.press("Enter")
            keep(tab, "label")
            wanted = {key: key.split("_")[0] for key in (*REDS, *BLUES)} | {"broken.png": None}
            wait_for(lambda: labels_of(address), wanted)
            tab.wait_for_selector("text=22 auto")
            tab.click("nav >> text=Gallery")
            tab.wait_for_selector(".facet >> text=red")
            keep(tab, "gallery")


def test_a_grid_is_confirmed_but_for_what_was_clicked_and_a_label_can_be_undone(
    home, bring_up_to_date
):
    ledger = with_two_labels(home, bring_up_to_date)
    with serving(home) as desk, chromium() as browser:
        address = desk.removesuffix("/desk/")
        with page_of(browser, address) as tab:
            tab.click("nav >> text=Confirm")
            tab.select_option("select[aria-label='Label to confirm']", "red")
            wait_for(lambda: tab.locator(".tile").count() == 11)
            tab.click(".tile[title='red_07.png']")
            keep(tab, "confirm")
            tab.keyboard.press("Enter")
            wait_for(lambda: len(ledger.annotations("colours")) == 12)
            confirmed = {one.key for one in ledger.annotations("colours") if one.origin == "api"}
            assert confirmed == set(REDS) - {"red_00.png", "red_07.png"}
            tab.click("nav >> text=Label")
            tab.select_option("select[aria-label=Queue]", "unsure")
            tab.wait_for_selector(".shown img")
            key = tab.text_content(".key")
            tab.keyboard.press("Enter")
            wait_for(lambda: len(ledger.annotations("colours")) == 13)
            tab.keyboard.press("u")
            wait_for(lambda: len(ledger.annotations("colours")) == 14)
            assert tab.text_content(".key") == key
            assert ledger.annotations("colours")[-1].label is None
            tab.click("nav >> text=Overview")
            tab.wait_for_selector("text=What to do next")
            keep(tab, "overview")


def test_several_are_chosen_and_labelled_at_once_on_a_phone_too(home, bring_up_to_date):
    home.declare("colours", COLOURS)
    home.put("colours", {**REDS, **BLUES})
    bring_up_to_date(home.workspace, "colours")
    ledger = Ledger(home.paths.ledger_url)
    with serving(home) as desk, chromium() as browser:
        address = desk.removesuffix("/desk/")
        with page_of(browser, address) as tab:
            tab.click("figure[title='blue_00.png']")
            tab.wait_for_selector(".inspector")
            tab.click("figure[title='blue_05.png']", modifiers=["Shift"])
            assert tab.text_content(".selection b") == "6 selected"
            tab.keyboard.press("/")
            tab.keyboard.type("sea <b>")
            tab.keyboard.press("Enter")
            wait_for(lambda: len(ledger.annotations("colours")) == 6)
            assert {one.label for one in ledger.annotations("colours")} == {"sea <b>"}
            tab.fill("input[type=search]", "key:contains:red")
            tab.keyboard.press("Enter")
            wait_for(lambda: tab.text_content(".count") == "12 documents")
            tab.fill("input[type=search]", "nonsense")
            tab.keyboard.press("Enter")
            tab.wait_for_selector(".messages >> text=Operators")
        phone = {"width": 360, "height": 700}
        with page_of(browser, address, viewport=phone, color_scheme="dark") as tab:
            tab.wait_for_selector("figure img")
            assert tab.evaluate("document.documentElement.scrollWidth") <= 360
            keep(tab, "phone")


def test_keys_in_quick_succession_judge_each_document_once(home, bring_up_to_date):
    ledger = with_two_labels(home, bring_up_to_date)
    with serving(home) as desk, chromium() as browser:
        address = desk.removesuffix("/desk/")
        with page_of(browser, address) as tab:
            tab.click("nav >> text=Label")
            tab.select_option("select[aria-label=Queue]", "unsure")
            tab.wait_for_selector(".shown img")
            for _ in range(12):
                tab.keyboard.press("Enter")
            wait_for(lambda: len(ledger.annotations("colours")) >= 14)
            given = [one for one in ledger.annotations("colours") if one.origin == "api"]
            assert len({one.key for one in given}) == len(given) == 12
            assert all(one.key.startswith(one.label) for one in given)
