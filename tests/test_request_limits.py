"""What one request may cost a server of pictures, and under which names it may be asked."""

from __future__ import annotations

import asyncio
import io

import httpx
import pytest
from PIL import Image
from support.identify_servers import server, write_all

from autolabel_app.http.request_limits import BodyLimit, KnownHosts


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("limits")
    write_all(folder)
    with server(folder / "cards.npz") as found:
        found.name_of_a_reference = next((folder / "refs").iterdir()).name
        yield found


def plain_picture(width_px, height_px, form="PNG"):
    out = io.BytesIO()
    Image.new("L", (width_px, height_px)).save(out, form)
    return out.getvalue()


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
@pytest.mark.parametrize("path", ["/api/falcon", "/api/classify"])
def test_a_picture_of_more_than_25_megapixels_is_refused_before_it_is_decoded(client, path, form):
    files = {"image": ("x", plain_picture(9000, 9000, form))}
    answer = client.post(path, files=files, data={"query": ""})
    assert answer.status_code == 413
    assert "9000 × 9000 is more than 25000000 pixels" in answer.json()["detail"]


def test_references_can_be_asked_for_by_their_head(client):
    name = client.name_of_a_reference
    full, head = client.get(f"/refs/{name}"), client.head(f"/refs/{name}")
    assert head.status_code == full.status_code
    assert head.content == b""
    assert client.head("/refs/nothing.png").status_code == 404
    assert client.head("/health").status_code == 200


HOSTS = {
    **dict.fromkeys(["localhost", "LOCALHOST:80", "127.0.0.1:8500", "[::1]:8500", "10.0.0.7"], 200),
    **dict.fromkeys(["cards.example.org", "cards.example.org.:443"], 200),
    **dict.fromkeys(["evil.example", "localhost.evil.example", "[bad", "127.0.0.1.evil.ex"], 421),
}


@pytest.mark.parametrize(("host", "status"), HOSTS.items())
def test_a_server_answers_under_its_own_names_alone(host, status):
    app = KnownHosts(echo, ["cards.example.org"])
    assert asyncio.run(call(app, [b"x"], [(b"host", host.encode())]))[0] == status


async def echo(scope, receive, send):
    body = b""
    while (message := await receive()).get("more_body") or message.get("body"):
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


async def call(app, parts, headers=(), pause_s=0.0):
    """Send a body in parts; return status and body."""
    left = list(parts)
    sent = []

    async def receive():
        await asyncio.sleep(pause_s)
        part = left.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(left)}

    async def send(message):
        sent.append(message)

    await app({"type": "http", "headers": list(headers)}, receive, send)
    return sent[0]["status"], b"".join(m.get("body", b"") for m in sent[1:])


def test_a_body_that_drips_is_answered_408():
    app = BodyLimit(echo, most=1000, seconds=0.2)
    status, said = asyncio.run(call(app, [b"x"] * 50, pause_s=0.05))
    assert status == 408 and b"did not arrive within 0.2 s" in said
    assert asyncio.run(call(app, [b"x", b"y"])) == (200, b"xy")


def test_the_bytes_of_all_requests_together_are_bounded():
    app = BodyLimit(echo, most=1000, seconds=5, in_hand=1500)

    async def many():
        calls = (call(app, [b"x" * 500] * 2, pause_s=0.05) for _ in range(4))
        return [status for status, _ in await asyncio.gather(*calls)]

    statuses = asyncio.run(many())
    assert 503 in statuses and set(statuses) <= {200, 503}
    assert asyncio.run(call(app, [b"x" * 1000]))[0] == 200, "what was refused is not counted on"


def test_a_length_that_is_no_number_harms_nothing():
    app = BodyLimit(echo, most=10)
    for length in ("²", "9" * 5000, "-1"):
        header = [(b"content-length", length.encode())]
        assert asyncio.run(call(app, [b"x"], header))[0] in (200, 413)


def test_httpx_is_answered_under_a_foreign_name(client):
    answer = httpx.get(f"{client.base_url}/health", headers={"host": "evil.example"})
    assert answer.status_code == 421 and "--allow-host" in answer.json()["detail"]
