"""Serving: `/api/falcon` against the bare encoder, open_clip ViT-B-32 with random weights.

One client and one region: p50 and p95 of a request over those of preparing and encoding the same
picture without a server. Sixteen clients: pictures a second against a plain loop of batches. Then
10,000 references, and requests while the index changes. Each line is one figure as JSON.
"""

from __future__ import annotations

import io
import json
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from autolabel_app.identify.app import create_app
from autolabel_app.identify.server import listening_socket
from autolabel_app.identify.serving import Serving
from autolabel_app.identify.settings import Settings
from autolabel_core.extractors import Extractor
from autolabel_core.identify.encoder import load_encoder, origin_of
from autolabel_core.identify.index import ReferenceIndex
from autolabel_core.images import decode_image

REFERENCES = 10_000
CLIENTS, ASKED, EACH, BATCH = 16, 60, 4, 16
SIZE_PX = (640, 480)


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


def one_client(client: httpx.Client, encoder: Extractor, data: bytes) -> None:
    """Compare a request with the encoder, in turns, so that both see the same machine."""
    asked: list[float] = []
    bare: list[float] = []
    for _ in range(ASKED):
        asked.append(seconds(lambda: post(client, data)))
        bare.append(seconds(lambda: encoder.embed([decode_image(data)])))
    for name, share in (("p50", 50), ("p95", 95)):
        request, forward = np.percentile(asked, share), np.percentile(bare, share)
        tell(f"{name} of a request", 1000 * float(request), "ms")
        tell(f"{name} of decoding and encoding alone", 1000 * float(forward), "ms")
        tell(f"{name} of a request over the encoder's", float(request / forward), "times")


def many_clients(url: str, encoder: Extractor, data: list[bytes]) -> None:
    """Compare pictures a second with a plain loop of batches."""
    began = time.perf_counter()
    in_threads(lambda i: ask_on(url, data[i : i + EACH]), range(0, len(data), EACH))
    served = len(data) / (time.perf_counter() - began)
    began = time.perf_counter()
    for start in range(0, len(data), BATCH):
        encoder.embed([decode_image(one) for one in data[start : start + BATCH]])
    looped = len(data) / (time.perf_counter() - began)
    tell(f"pictures with {CLIENTS} clients", served, "1/s")
    tell("pictures in a plain loop of batches", looped, "1/s")
    tell(f"{CLIENTS} clients over the plain loop", served / looped, "times")


def reload_under_load(url: str, data: list[bytes], change: Callable[[], None]) -> None:
    """Count what is answered while the index is replaced; a request that fails ends it all."""
    with httpx.Client(base_url=url, timeout=120) as client:
        before = client.get("/health").json()["index_checksum"]
        threading.Thread(target=change).start()
        answers = 0
        while client.get("/health").json()["index_checksum"] == before:
            answers += ask_on(url, data[:1])
    tell("requests answered while 10,000 references were replaced", answers, "requests")


def ask_on(url: str, data: list[bytes]) -> int:
    """Ask one after the other; an answer that is none is an error."""
    with httpx.Client(base_url=url, timeout=120) as client:
        for one in data:
            post(client, one)
    return len(data)


def post(client: httpx.Client, data: bytes) -> None:
    """Ask about one picture."""
    client.post("/api/falcon", files={"image": ("a.jpg", data)}).raise_for_status()


def in_threads(work: Callable[[int], object], items: range) -> None:
    """Do all at once."""
    threads = [threading.Thread(target=work, args=(item,)) for item in items]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> None:
    """Serve from a thread of this process, so that both sides share one model."""
    import uvicorn

    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = random_checkpoint(folder)
        encoder = load_encoder(model)
        write_index(encoder, model, folder / "things.npz", 1)
        serving = Serving(Settings(folder / "things.npz", max_regions=1))
        config = uvicorn.Config(create_app(serving, 20.0), log_level="warning")
        server = uvicorn.Server(config)
        listening = listening_socket("127.0.0.1", 0)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        running = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        running.start()
        data = [picture(rng) for _ in range(CLIENTS * EACH)]
        with httpx.Client(base_url=url, timeout=120) as client:
            one_client(client, serving.served.extractor, data[0])
        many_clients(url, serving.served.extractor, data)
        replace = folder / "things.npz"
        reload_under_load(url, data, lambda: write_index(encoder, model, replace, 2))
        server.should_exit = True
        running.join()


if __name__ == "__main__":
    main()
