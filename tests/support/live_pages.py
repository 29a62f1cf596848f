"""The live page in a real browser, for tests of it.

With AUTOLABEL_TEST_SHOTS=folder the pages are kept there as pictures, to be looked at.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

from autolabel_app.demos.identify.cards import draw_card
from support.identify_servers import as_png, on_a_table

CHROMIUM = shutil.which("chromium")
IN_CHROMIUM = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
SHOTS = os.environ.get("AUTOLABEL_TEST_SHOTS")
SILENT = "Silent Warden's Pact"


@contextmanager
def chromium(*flags):
    """Run the browser."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        made = started.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", *CAMERA, *flags]
        )
        yield made
        made.close()


@contextmanager
def pages(browser, url):
    """Give what opens a page; what one logs as an error, or asks of another host, is a failure."""
    troubles, contexts = [], []

    def open_it(address=url, **options):
        context = browser.new_context(permissions=["camera"], accept_downloads=True, **options)
        contexts.append(context)
        tab = context.new_page()
        tab.set_default_timeout(60_000)
        tab.on("pageerror", lambda error: troubles.append(str(error)))
        tab.on("console", lambda m: m.type == "error" and troubles.append(m.text))
        tab.on(
            "request",
            lambda r: r.url.startswith((address, "blob:", "data:")) or troubles.append(r.url),
        )
        tab.goto(f"{address}/live/")
        tab.troubles = troubles
        return tab

    yield open_it
    for context in contexts:
        context.close()
    assert troubles == []


def keep(tab, name):
    """Keep a picture of the page, if that is asked for."""
    if SHOTS:
        tab.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def show(tab, image, name="held up.png"):
    """Open a picture on the page."""
    tab.set_input_files("#file", {"name": name, "mimeType": "image/png", "buffer": as_png(image)})


def two_cards():
    """Return a picture of cards 1 and 6 on a table."""
    frame = on_a_table(1, (30, 60))
    frame.paste(draw_card(6), (370, 60))
    return frame
