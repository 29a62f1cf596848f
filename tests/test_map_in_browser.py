"""The interactive map in a real browser, from a file: pointing, choosing, searching, speed."""

import shutil

import numpy as np
import pytest
from support.receivers import wait_for
from test_cluster_page import jpeg, page, points

from autolabel_core.clusters.map import MapCluster, Thumbnails, cluster_map_html

CHROMIUM = shutil.which("chromium")
SOFTWARE_GRAPHICS = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
EVIL = '<img src=x onerror="window.broken=1"></script><script>window.broken=1</script>\u2028'
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        made = started.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", *SOFTWARE_GRAPHICS]
        )
        yield made
        made.close()


@pytest.fixture
def opened(browser, tmp_path):
    """Open a page from a file; whatever it logs as an error, or asks of a network, is a failure."""
    troubles = []
    context = browser.new_context(viewport={"width": 1200, "height": 800}, offline=True)

    def open_it(text, clipboard=False):
        file = tmp_path / "map.html"
        file.write_text(text, encoding="utf-8")
        tab = context.new_page()
        tab.on("console", lambda message: message.type == "error" and note(message.text))
        tab.on("pageerror", lambda error: troubles.append(str(error)))
        tab.on("request", lambda request: note(request.url))
        tab.goto(file.as_uri())
        wait_for(lambda: tab.evaluate("window.clusterMap && clusterMap.view.width > 1"))
        return tab

    def note(url):
        if not url.startswith(("file:", "data:")):
            troubles.append(url)

    yield open_it
    context.close()
    assert troubles == []


def pixels_of(tab, row):
    """Where a document lies in the window."""
    place = "clusterMap.places[2 * row], clusterMap.places[2 * row + 1]"
    return tab.evaluate(f"(row) => clusterMap.toPixels({place})", row)


def states(tab):
    return np.array(tab.evaluate("[...clusterMap.states]"))


def selected(tab):
    return tab.evaluate("clusterMap.selected()")


def test_pointing_shows_the_document(opened):
    tab = opened(page())
    tab.mouse.move(*pixels_of(tab, 7))
    tip = tab.locator("#tip")
    tip.wait_for(state="visible")
    assert tip.locator(".key").inner_text() == "key-007"
    assert tip.locator(".text").inner_text() == "text of 7"
    assert "cluster 1" in tip.locator(".of").inner_text()
    wait_for(lambda: tab.evaluate("document.querySelector('#tip img').naturalWidth > 0"))
    tab.mouse.move(2, 790)
    tip.wait_for(state="hidden")


def test_a_click_selects_and_another_takes_it_back(opened):
    tab = opened(page())
    tab.mouse.click(*pixels_of(tab, 7))
    assert (selected(tab), states(tab)[7]) == ([7], 3)
    assert tab.locator("#keys").input_value() == "key-007"
    assert tab.locator("#detail .key").inner_text() == "key-007"
    tab.keyboard.down("Control")
    tab.mouse.click(*pixels_of(tab, 12))
    assert selected(tab) == [7, 12]
    tab.mouse.click(*pixels_of(tab, 7))
    tab.keyboard.up("Control")
    assert selected(tab) == [12]
    tab.mouse.click(6, 400)
    assert selected(tab) == []
    assert tab.locator("#selection").is_hidden()


def test_the_lasso_lists_the_keys_within(opened):
    tab = opened(page())
    left, top = pixels_of(tab, 0)
    for start in (lambda: tab.locator("#lasso").click(), lambda: tab.keyboard.down("Shift")):
        start()
        tab.mouse.move(left - 90, top - 90)
        tab.mouse.down()
        for dx, dy in ((90, -90), (90, 90), (-90, 90)):
            tab.mouse.move(left + dx, top + dy, steps=4)
        tab.mouse.up()
        assert selected(tab) == list(range(0, 60, 3))
        tab.locator("#clear").click()
        assert selected(tab) == []


def test_keys_are_copied_for_a_promotion(opened):
    made, clusters = points(), [MapCluster(f"cl_{i}", f"cluster {i}") for i in range(2)]
    keys = [*made.keys]
    keys[7] = "it's $HOME.png"
    tab = opened(cluster_map_html(replace_keys(made, keys), clusters, "t"))
    tab.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    tab.mouse.click(*pixels_of(tab, 7))
    tab.locator("#copy-exclude").click()
    assert tab.evaluate("copied") == "--exclude 'it'\\''s $HOME.png'"
    tab.locator("#copy").click()
    assert tab.evaluate("copied") == "it's $HOME.png"


def replace_keys(made, keys):
    return type(made)(made.coordinates, made.assigned, keys, made.texts, made.cosines)


@pytest.mark.parametrize(
    ("words", "found", "listed"),
    [("text of 33", 1, 1), ("KEY-00", 10, 2), ("cluster 1", 20, 1), ("nothing", 0, 0)],
)
def test_searching_finds_texts_keys_and_names(opened, words, found, listed):
    tab = opened(page())
    tab.locator("#search").fill(words)
    wait_for(lambda: tab.locator("#found").inner_text() == f"{found} documents found")
    assert np.count_nonzero(states(tab) == 2) == found
    assert np.count_nonzero(states(tab) == 1) == 60 - found
    assert tab.locator("#clusters li:not([hidden])").count() == listed
    tab.locator("#search").fill("")
    wait_for(lambda: set(states(tab)) == {2})


def test_clusters_and_noise_can_be_hidden(opened):
    tab = opened(page())
    tab.locator("#clusters li input").first.click()
    assert np.count_nonzero(states(tab) == 0) == 20
    tab.locator("#noise").click()
    assert np.count_nonzero(states(tab) == 0) == 40
    assert set(states(tab)[2::3]) == {0}
    tab.locator("#show-none").click()
    assert not states(tab).any()
    tab.locator("#show-all").click()
    tab.locator("#noise").click()
    assert set(states(tab)) == {2}


def test_moving_and_zooming_keep_what_is_under_the_pointer(opened):
    tab = opened(page())
    x, y = map(round, pixels_of(tab, 7))
    tab.mouse.move(x, y)
    tab.mouse.wheel(0, -400)
    wait_for(lambda: tab.evaluate("clusterMap.view.scale > 1.5 * clusterMap.view.fitted"))
    assert np.allclose(pixels_of(tab, 7), (x, y), atol=2)
    tab.mouse.down()
    tab.mouse.move(x + 60, y + 40, steps=5)
    tab.mouse.up()
    assert np.allclose(pixels_of(tab, 7), (x + 60, y + 40), atol=2)
    assert selected(tab) == []
    tab.keyboard.press("0")
    assert np.allclose(pixels_of(tab, 7), (x, y), atol=2)


def test_dots_are_drawn_in_their_colours(opened):
    tab = opened(page())
    x, y = pixels_of(tab, 7)
    colour = tab.evaluate(
        """([x, y]) => {
          clusterMap.drawNow();
          const { gl, view } = clusterMap, pixel = new Uint8Array(4);
          gl.readPixels(x, view.height - y, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
          return [...pixel];
        }""",
        [round(x), round(y)],
    )
    assert colour[3] > 200
    wanted = np.array([0xE6, 0x9F, 0x00]) * colour[3] / 255
    assert np.abs(np.array(colour[:3]) - wanted).max() < 12


def test_names_and_keys_are_texts_whatever_they_hold(opened):
    made = points()
    evil = type(made)(made.coordinates, made.assigned, [EVIL] * 60, [EVIL] * 60, made.cosines)
    clusters = [MapCluster(EVIL, EVIL, EVIL)] * 2
    tab = opened(cluster_map_html(evil, clusters, EVIL))
    tab.mouse.click(*pixels_of(tab, 7))
    tab.mouse.move(*pixels_of(tab, 7))
    tab.locator("#tip").wait_for(state="visible")
    assert tab.evaluate("window.broken") is None
    assert tab.evaluate("document.querySelectorAll('script, img').length") == 2
    assert tab.locator("#clusters .name").first.inner_text().startswith("<img src=x")
    assert tab.title().startswith("<img src=x")


def test_thumbnails_may_lie_in_a_folder_beside_it(opened, tmp_path):
    (tmp_path / "map_files").mkdir()
    (tmp_path / "map_files" / "000007.jpg").write_bytes(jpeg())
    files = [jpeg() if row == 7 else None for row in range(60)]
    tab = opened(page(Thumbnails(files, "map_files")))
    tab.mouse.move(*pixels_of(tab, 7))
    wait_for(lambda: tab.evaluate("document.querySelector('#tip img')?.naturalWidth === 20"))
    tab.mouse.move(*pixels_of(tab, 12))
    wait_for(lambda: tab.evaluate("!document.querySelector('#tip img')"))


@pytest.mark.slow
def test_a_hundred_thousand_documents_move_smoothly(opened, capsys):
    rng = np.random.default_rng(0)
    assigned = rng.integers(-1, 40, 100_000).astype(np.int32)
    centres = rng.normal(0, 8, (41, 2))
    places = (centres[assigned] + rng.normal(0, 0.8, (100_000, 2))).astype(np.float32)
    keys = [f"object-{row:06d}.jpg" for row in range(100_000)]
    made = type(points())(places, assigned, keys, [f"text {key}" for key in keys])
    clusters = [MapCluster(f"cl_{i}", f"cluster {i}") for i in range(40)]
    tab = opened(cluster_map_html(made, clusters, "many"))
    drawn = tab.evaluate(
        """() => {
          const { gl, view, drawNow } = clusterMap, pixel = new Uint8Array(4);
          const started = performance.now();
          for (let i = 0; i < 40; i++) {
            view.x += 0.002;
            drawNow(true);
            gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
          }
          return (performance.now() - started) / 40;
        }"""
    )
    tab.evaluate(
        """() => {
          window.frames_ = [];
          let last = 0;
          const note = (now) => { if (last) frames_.push(now - last); last = now;
            requestAnimationFrame(note); };
          requestAnimationFrame(note);
        }"""
    )
    tab.mouse.move(400, 400)
    tab.mouse.down()
    tab.mouse.move(600, 500, steps=60)
    tab.mouse.up()
    gaps = tab.evaluate("frames_")
    with capsys.disabled():
        gap = f"median {np.median(gaps):.1f} ms, 95 % {np.percentile(gaps, 95):.1f} ms"
        print(f"\n100,000 documents: {drawn:.1f} ms to draw while moving, {gap} between frames")
    assert drawn < 400
    assert np.median(gaps) < 800
