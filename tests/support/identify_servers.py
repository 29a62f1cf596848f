"""A real server process of `autolabel identify serve`, over cards drawn for the test."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from PIL import Image

from autolabel_app.demos.identify.cards import card_names, draw_card
from autolabel_core.identify.build_index import index_folder
from autolabel_core.identify.index_encoder import load_encoder, origin_of
from autolabel_core.identify.reference_folder import read_folder

CARDS = 8
COMMAND = (sys.executable, "-c", "from autolabel_app.cli import main; main()", "identify", "serve")


def write_cards(refs: Path, count: int = CARDS) -> list[str]:
    """Write cards under their names into a folder; return the files' names."""
    refs.mkdir(exist_ok=True)
    names = [f"{name}.png" for name in card_names(count)]
    for number, name in enumerate(names):
        draw_card(number).save(refs / name)
    return names


def write_index(refs: Path, out: Path) -> None:
    """Bring the index of a folder up to date."""
    encoder = load_encoder()
    index_folder(read_folder(refs), encoder, origin_of(encoder, refs), out)


def write_prices(path: Path, count: int = CARDS) -> None:
    """Write prices for all cards but the first, ascending by number."""
    prices = {f"DEMO-EN{i:03d}": {"median": 100 * i, "min": 50, "max": 2000} for i in range(count)}
    del prices["DEMO-EN000"]
    told = {"currency": "JPY", "site": "test", "scraped_at": "2026-01-02", "prices": prices}
    path.write_text(json.dumps(told), encoding="utf-8")


def write_all(folder: Path) -> Path:
    """Write `refs/`, their index `cards.npz` and `prices.json` into a folder, and return it."""
    write_cards(folder / "refs")
    write_index(folder / "refs", folder / "cards.npz")
    write_prices(folder / "prices.json")
    return folder


def on_a_table(number: int, at: tuple[int, int] = (220, 60)) -> Image.Image:
    """Return a 640 × 480 picture of a card that lies on a plain table."""
    frame = Image.new("RGB", (640, 480), (196, 190, 182))
    frame.paste(draw_card(number), at)
    return frame


def as_png(image: Image.Image) -> bytes:
    """Return a picture as the content of a PNG file."""
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def ask(
    client: httpx.Client, data: bytes, query: str = "card", name: str = "a.png"
) -> httpx.Response:
    """Post a picture as clients do."""
    return client.post("/api/falcon", files={"image": (name, data)}, data={"query": query})


@contextmanager
def server(
    served: Path | str, *options: str, option: str = "--index", **environment: str
) -> Iterator[httpx.Client]:
    """Run a server of an index, or of another option's value, until the block ends."""
    process = subprocess.Popen(
        [*COMMAND, option, str(served), "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
    )
    try:
        said: list[str] = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("Serving on "):
                break
        assert said and said[-1].startswith("Serving on "), said
        url = said[-1].split()[2].rstrip(",")
        with httpx.Client(base_url=url, timeout=60.0) as client:
            yield client
    finally:
        process.terminate()
        process.wait(20)
