"""Serving: `/api/falcon` against the bare encoder, open_clip ViT-B-32 with random weights.

The server is a process of its own; clients send bodies that were made before. One client and one
region: p50 and p95 of a request over those of decoding and encoding the same picture without a
server. Sixteen clients: pictures a second against a plain loop of batches, in turns with it, so
that both see the same machine. Then requests while 10,000 references are replaced. Each line is
one figure as JSON.
"""

from __future__ import annotations

import http.client
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from autolabel_core.foundation.media.images import decode_image
from autolabel_core.identify.index_encoder import load_encoder, origin_of
from autolabel_core.matching.reference_index import ReferenceIndex
from autolabel_core.models.extractors import Extractor

REFERENCES = 10_000
CLIENTS, ASKED, EACH, BATCH, ROUNDS = 16, 60, 4, 16, 3
SIZE_PX = (640, 480)
BOUNDARY = "serving-benchmark"
SERVE = (sys.executable, "-c", "from autolabel_app.cli import main; main()", "identify", "serve")


def tell(name: str, value: float, unit: str) -> None:
    """Print one figure."""
    print(json.dumps({"name": f"serving: {name}", "value": round(value, 4), "unit": unit}))


def random_checkpoint(folder: Path) -> str:
    """Write a ViT-B-32 as it is before training; return the model's name."""
    import open_clip
    import torch

    torch.manual_seed(0)
    model = open_clip.create_model("ViT-B-32", pretrained=None)
    torch.save(model.state_dict(), folder / "random.pt")
    return f"open_clip:ViT-B-32/{folder / 'random.pt'}"


def write_index(encoder: Extractor, model: str, out: Path, seed: int) -> None:
    """Write an index of random references."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(REFERENCES, encoder.manifest.embedding_dim or 0)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    names = tuple(f"Thing {i}" for i in range(REFERENCES))
    origin = origin_of(encoder, Path("refs"), model)
    ReferenceIndex(vectors, names, names, names, origin, ({},) * REFERENCES).save(out)


def picture(rng: np.random.Generator) -> bytes:
    """Return a JPEG as a camera would send."""
    small = rng.integers(0, 256, (12, 16, 3)).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(small).resize(SIZE_PX, Image.Resampling.BICUBIC).save(out, "JPEG", quality=85)
    return out.getvalue()


def seconds(work: Callable[[], object]) -> float:
    """Time a call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


class Client:
    """A connection to a server."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def health(self) -> dict[str, object]:
        """Return what the server says of itself."""
        self._connection.request("GET", "/health")
        found: dict[str, object] = json.load(self._connection.getresponse())
        return found

    def ask(self, body: bytes) -> None:
        """Ask about one picture; an answer that is none ends it all."""
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        self._connection.request("POST", "/api/falcon", body, headers)
        answer = self._connection.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {said!r}")


def as_body(data: bytes) -> bytes:
    """Return a picture as the body of a request."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    return head.encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()


@contextmanager
def server(index: Path) -> Iterator[int]:
    """Run a server; give its port."""
    options = ("--index", str(index), "--port", "0", "--max-regions", "1")
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [*SERVE, *options], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            lines = iter(process.stdout or ())
            said = next(line for line in lines if line.startswith("Serving on "))
            yield int(said.split()[2].rstrip(",").rpartition(":")[2])
        finally:
            process.terminate()


def one_client(port: int, encoder: Extractor, data: bytes) -> None:
    """Compare a request with the encoder, in turns."""
    client, body = Client(port), as_body(data)
    asked: list[float] = []
    bare: list[float] = []
    for _ in range(ASKED):
        asked.append(seconds(lambda: client.ask(body)))
        bare.append(seconds(lambda: encoder.embed([decode_image(data)])))
    for name, share in (("p50", 50), ("p95", 95)):
        request, forward = np.percentile(asked, share), np.percentile(bare, share)
        tell(f"{name} of a request", 1000 * float(request), "ms")
        tell(f"{name} of decoding and encoding alone", 1000 * float(forward), "ms")
        tell(f"{name} of a request over the encoder's", float(request / forward), "times")


def many_clients(port: int, encoder: Extractor, data: list[bytes]) -> None:
    """Compare pictures a second with a plain loop of batches, in turns."""
    bodies = list(map(as_body, data))

    def ask_on(number: int) -> None:
        client = Client(port)
        for body in bodies[number * EACH : (number + 1) * EACH]:
            client.ask(body)

    def ask_all() -> None:
        with ThreadPoolExecutor(CLIENTS) as threads:
            list(threads.map(ask_on, range(CLIENTS)))

    def loop() -> None:
        for start in range(0, len(data), BATCH):
            encoder.embed([decode_image(one) for one in data[start : start + BATCH]])

    turns = [(seconds(ask_all), seconds(loop)) for _ in range(ROUNDS)]
    served, looped = np.median(np.array(turns), axis=0).tolist()
    tell(f"pictures with {CLIENTS} clients", len(data) / served, "1/s")
    tell("pictures in a plain loop of batches", len(data) / looped, "1/s")
    ratio = float(np.median([looped / served for served, looped in turns]))
    tell(f"{CLIENTS} clients over the plain loop", ratio, "times")


def reload_under_load(port: int, data: bytes, change: Callable[[], None]) -> None:
    """Count what is answered while the index is replaced."""
    client, body = Client(port), as_body(data)
    before = client.health()["index_checksum"]
    changing = threading.Thread(target=change)
    changing.start()
    answers = 0
    while client.health()["index_checksum"] == before:
        client.ask(body)
        answers += 1
    changing.join()
    tell("requests answered while 10,000 references were replaced", answers, "requests")


def main() -> None:
    """Compare a server with its encoder."""
    # As `serve` sets it for itself: both sides' torch threads sleep between tasks.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        index = Path(name) / "things.npz"
        model = random_checkpoint(index.parent)
        encoder = load_encoder(model)
        write_index(encoder, model, index, 1)
        data = [picture(rng) for _ in range(CLIENTS * EACH)]
        encoder.embed([decode_image(data[0])])
        with server(index) as port:
            one_client(port, encoder, data[0])
            many_clients(port, encoder, data)
            reload_under_load(port, data[0], lambda: write_index(encoder, model, index, 2))


if __name__ == "__main__":
    main()
