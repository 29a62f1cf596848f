"""The live page in a real browser: pictures and videos that are dropped, and how tracks last."""

import base64
import math

import numpy as np
import pytest
from support.identify_servers import as_png, on_a_table, server, write_all
from support.live_pages import IN_CHROMIUM, SILENT, chromium, keep, pages, two_cards

pytestmark = IN_CHROMIUM


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    folder = write_all(tmp_path_factory.mktemp("live"))
    options = ("--min-score", "0.6", "--min-margin", "0.02")
    with server(folder / "cards.npz", *options) as client:
        yield str(client.base_url)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """A video file: card 3 wanders over a table, never as far as it is wide."""
    import cv2

    file = tmp_path_factory.mktemp("video") / "wandering.webm"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*"VP80"), 10, (640, 480))
    for step in range(30):
        frame = on_a_table(3, (round(200 + 80 * math.sin(step * math.tau / 30)), 60))
        writer.write(np.asarray(frame)[:, :, ::-1])
    writer.release()
    return file.read_bytes()


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def opened(browser, url):
    with pages(browser, url) as opened:
        yield opened


def drop(tab, data, name, kind):
    """Drag a file over the picture and let it go there."""
    drag = """([data, name, type]) => {
        const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
        const carried = new DataTransfer();
        carried.items.add(new File([bytes], name, { type }));
        const at = document.querySelector('#drop');
        const event = (what) => new DragEvent(
            what, { dataTransfer: carried, bubbles: true, cancelable: true });
        at.dispatchEvent(event('dragover'));
        const shown = at.classList.contains('over');
        at.dispatchEvent(event('drop'));
        return shown && !at.classList.contains('over');
    }"""
    assert tab.evaluate(drag, [base64.b64encode(data).decode(), name, kind])


def answers(tab, count):
    """Wait for so many answers of the server."""
    for _ in range(count):
        with tab.expect_response("**/api/falcon"):
            pass


def test_a_dropped_picture_is_asked_about_once(opened):
    tab = opened(viewport={"width": 1280, "height": 800})
    drop(tab, as_png(two_cards()), "dropped.png", "image/png")
    tab.locator("#tracks li").nth(1).wait_for()
    assert SILENT in tab.locator("#frame").get_attribute("aria-label")
    assert not tab.locator("#hint").is_visible()
    drop(tab, b"text", "notes.txt", "text/plain")
    tab.get_by_role("alert").filter(has_text="notes.txt is no picture").wait_for()
    assert tab.locator("#tracks li").count() == 0 and tab.locator("#hint").is_visible()


def test_a_dropped_video_keeps_its_track_while_the_thing_moves(opened, video):
    tab = opened(viewport={"width": 1280, "height": 800})
    drop(tab, video, "wandering.webm", "video/webm")
    track = tab.locator("#tracks li")
    track.wait_for()
    track.evaluate("li => { li.mark = 'same' }")
    name = track.locator(".name").inner_text()
    answers(tab, 8)
    assert track.count() == 1 and track.evaluate("li => li.mark") == "same"
    assert track.locator(".name").inner_text() == name
    keep(tab, "desktop-video")
    drop(tab, b"no film", "broken.webm", "video/webm")
    tab.get_by_role("alert").filter(has_text="broken.webm is no picture or video").wait_for()
    assert track.count() == 0


TRACKS = """async () => {
    const { Tracks } = await import('/live/tracks.js');
    const tracks = new Tracks();
    const seen = (name, confident, x) => ({
        name, confident, ref_filename: `${name}.png`,
        bbox_norm: { x1: x, y1: 0.1, x2: x + 0.3, y2: 0.9 },
    });
    const said = [];
    const frame = (now, ...masks) => {
        const news = tracks.update(masks, now).map((track) => track.mask.name);
        said.push([tracks.all.map((track) => [track.id, track.mask.name]), news]);
    };
    frame(0, seen('a', true, 0.1));
    frame(100, seen('b', false, 0.12));
    frame(200, seen('b', true, 0.14));
    frame(300, seen('a', true, 0.3), seen('c', true, 0.65));
    frame(2200, seen('b', true, 0.3));
    frame(2400, seen('b', true, 0.3));
    frame(9000);
    return said;
}"""


def test_a_track_outlasts_doubt_and_follows_its_thing(opened):
    assert opened().evaluate(TRACKS) == [
        [[[1, "a"]], ["a"]],
        [[[1, "a"]], []],
        [[[1, "a"]], []],
        [[[1, "a"], [2, "c"]], ["c"]],
        [[[1, "a"], [2, "c"]], []],
        [[[1, "b"]], ["b"]],
        [[], []],
    ]
