"""No request leaves for a private address, no secret for a log; a crash loses nothing."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support.receivers import receiver, smtp_server, wait_for
from test_webhook_delivery import SECRET, endpoint, ledger, record, run  # noqa: F401

from autolabel_core.declarations import Channel
from autolabel_core.foundation.network.guarded_network import GuardedNetwork, resolve
from autolabel_core.foundation.network.ssrf_guard import PrivateAddressError, is_public
from autolabel_core.ledger import Event, Ledger
from autolabel_core.notifications.webhooks.attempts import DeliveryContext
from autolabel_core.notifications.webhooks.dispatcher import deliver
from autolabel_core.notifications.webhooks.endpoints import Endpoint, declare_endpoints
from autolabel_core.notifications.webhooks.messages import detail, text

PRIVATE = [
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255"),
    *("192.168.1.1", "169.254.169.254", "169.254.1.1", "100.64.0.1", "100.100.100.200"),
    *("192.0.0.192", "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1"),
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:a00:1", "::127.0.0.1"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:c0a8:101::1"),
    *("2001:db8::1", "192.0.2.1", "203.0.113.9", "fec0::1", "64:ff9b:1::7f00:1"),
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "172.32.0.1"]
SPELLINGS = ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost", "0", "[::1]"]


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_public_is_known(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_is_known(address):
    assert is_public(address)


@pytest.mark.parametrize("host", [*SPELLINGS, "127.0.0.1", "[::ffff:127.0.0.1]"])
def test_no_spelling_of_loopback_is_asked(ledger, host):  # noqa: F811
    with receiver() as server:
        port = server.url.rpartition(":")[2]
        one = endpoint(f"http://{host}:{port}", allow_private=False)
        declare_endpoints(ledger, [one])
        record(ledger, "doc")
        assert run(ledger, one).failed == 1
        assert server.requests == []
    assert "no public address" in ledger.undelivered(one.name)[0].detail


def test_a_name_that_resolves_to_a_private_address_is_not_asked(ledger):  # noqa: F811
    async def mixed(_host, _port):
        return ["93.184.216.34", "10.0.0.7"]

    one = endpoint("http://innocent.example/", allow_private=False)
    declare_endpoints(ledger, [one])
    record(ledger, "doc")
    assert deliver(ledger, [one], 5.0, DeliveryContext(resolver=mixed))[0].failed == 1
    assert "innocent.example is 10.0.0.7" in ledger.undelivered(one.name)[0].detail


def test_a_name_is_resolved_once_and_the_address_that_was_checked_is_used(ledger):  # noqa: F811
    """DNS rebinding: the second answer would be another; there is no second question."""
    asked = []

    async def rebinding(host, _port):
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    with receiver() as server:
        one = endpoint(server.url.replace("127.0.0.1", "rebound.example"))
        declare_endpoints(ledger, [one])
        record(ledger, "doc")
        assert deliver(ledger, [one], 5.0, DeliveryContext(resolver=rebinding))[0].delivered == 1
        assert asked == ["rebound.example"]
        assert server.requests[0].headers["host"].startswith("rebound.example:")


def test_no_socket_of_this_machine_is_opened():
    with pytest.raises(PrivateAddressError):
        asyncio.run(GuardedNetwork(True).connect_unix_socket("/var/run/docker.sock"))
    assert not any(map(is_public, asyncio.run(resolve("localhost", 80))))


def test_a_redirect_to_a_private_address_is_not_followed(ledger):  # noqa: F811
    with receiver() as inner:
        reply = (307, {"Location": inner.url}, b"")
        with receiver(lambda _r: reply) as outer:
            one = endpoint(outer.url)
            declare_endpoints(ledger, [one])
            record(ledger, "doc")
            assert run(ledger, one).failed == 1
        assert inner.requests == []


def test_no_secret_is_logged_or_recorded(ledger, caplog, capfd):  # noqa: F811
    caplog.set_level(logging.DEBUG)

    def echo(request):
        return 500, {}, (request.headers["authorization"] + " " + "x" * 5000).encode()

    with receiver(echo) as server:
        address = f"{server.url}?token=topsecrettoken"
        one = endpoint(
            None, url_env="ADDRESS", secret_env="KEY", headers_env={"Authorization": "A"}
        )
        declare_endpoints(ledger, [one])
        record(ledger, "doc")
        run(ledger, one, ADDRESS=address, KEY=SECRET, A="Bearer hunter2hunter2")
    [tried] = ledger.undelivered(one.name)
    assert len(tried.detail) <= 200 and tried.detail.startswith("***")
    everything = f"{caplog.text} {capfd.readouterr()} {ledger.deliveries()}"
    for secret in ("topsecrettoken", "hunter2", SECRET, SECRET.removeprefix("whsec_")):
        assert secret not in everything


def test_details_are_one_printable_line_of_200():
    assert detail("a\x1b[31m\nb\r\n" + "c" * 500, []) == "a [31m b " + "c" * 191


CRASHING = """
import os, sys
from autolabel_core.ledger import Ledger
from autolabel_core.notifications.webhooks import batched_recorder as recording
from autolabel_core.notifications.webhooks.dispatcher import deliver
from test_webhook_delivery import endpoint
ledger = Ledger(sys.argv[1])
ledger.append_deliveries = lambda rows: os.kill(os.getpid(), 9)
deliver(ledger, [endpoint(sys.argv[2])], 20.0)
"""


def test_a_process_killed_between_sending_and_recording_sends_again(tmp_path):
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    known = Ledger(url)
    with receiver() as server:
        one = endpoint(server.url)
        declare_endpoints(known, [one])
        record(known, "doc", "doc", "other")
        here = str(Path(__file__).parent)
        done = subprocess.run(
            [sys.executable, "-c", CRASHING, url, server.url],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([here, *sys.path])},
            capture_output=True,
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
        sent = list(server.ids)
        assert sent and "e1" not in sent
        assert run(Ledger(url), one).delivered == 3
        assert set(server.ids) == {"e0", "e1", "e2"}
        assert server.ids.index("e0") < server.ids.index("e1")
        first, again = (r for r in server.requests if r.id == sent[0])
        assert first.content == again.content


def test_slack_is_told_through_apprise(ledger, monkeypatch):  # noqa: F811
    from apprise.plugins.slack import NotifySlack

    channel = Channel(channel="slack", url_env="SLACK", allow_private=True)
    one = Endpoint("c/alert a/slack", channel, "c", frozenset({"alert.triggered"}), "a")
    declare_endpoints(ledger, [one])
    payload = {"alert": "a", "groups": [{"group": None, "value": 3.0, "documents": ["x.jpg"]}]}
    ledger.append_events([Event("e", "alert.triggered", "c", "a", payload)])
    secret = "T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    with receiver() as server:
        monkeypatch.setattr(NotifySlack, "webhook_url", server.url)
        monkeypatch.setattr(NotifySlack, "request_rate_per_sec", 0)
        url = f"https://hooks.slack.com/services/{secret}"
        assert run(ledger, one, SLACK=url).delivered == 1
        assert secret in server.requests[0].path
        assert b"x.jpg" in server.requests[0].content
        ledger.append_events([Event("f", "alert.triggered", "c", "a", payload)])
        server.answer = lambda _r: (404, {}, b"no_team")
        assert run(ledger, one, SLACK=url).failed == 1
    for part in secret.split("/"):
        assert part not in str(ledger.deliveries())


def test_mail_is_sent_through_apprise_to_allowed_servers_alone(ledger):  # noqa: F811
    def mail(port, allowed):
        url = f"mailto://localhost:{port}?from=bot@a.example&to=team@b.example&mode=insecure"
        channel = Channel(channel="email", url=url, allow_private=allowed)
        name = f"c/alert a/{'email' if allowed else 'email-2'}"
        return Endpoint(name, channel, "c", frozenset({"alert.triggered"}), "a")

    with smtp_server() as (port, messages):
        known = [mail(port, True), mail(port, False)]
        declare_endpoints(ledger, known)
        ledger.append_events([Event("e", "alert.triggered", "c", "a", {"alert": "a", "value": 3})])
        told = run(ledger, *known)
        wait_for(lambda: len(messages) == 1)
    assert [t.delivered for t in told] == [1, 0]
    assert "no public address" in ledger.undelivered(known[1].name)[0].detail
    assert "To: team@b.example" in messages[0] and "autolabel: a in c" in messages[0]
    assert threading.active_count() < 50


@pytest.mark.parametrize("form", ["text", "html"])
def test_a_mail_keeps_lines_and_takes_no_markup_from_keys(ledger, form):  # noqa: F811
    import email

    with smtp_server() as (port, messages):
        url = f"mailto://127.0.0.1:{port}/?from=a@b.example&to=t@b.example&format={form}"
        channel = Channel(channel="email", url_env="MAIL", allow_private=True)
        one = Endpoint("c/alert a/email", channel, "c", frozenset({"alert.triggered"}), "a")
        declare_endpoints(ledger, [one])
        keys = ["<b>bold</b>.png", "<img src=x onerror=alert(1)>", "a & b"]
        payload = {"alert": "a", "value": 3, "keys": keys}
        ledger.append_events([Event("e", "alert.triggered", "c", "a", payload)])
        run(ledger, one, MAIL=url)
        wait_for(lambda: len(messages) == 1)
    parts = {
        part.get_content_type(): part.get_payload(decode=True).decode()
        for part in email.message_from_string(messages[0]).walk()
        if not part.is_multipart()
    }
    assert ("text/html" in parts) == (form == "html")
    if form == "html":
        html = parts["text/html"]
        assert "<b>" not in html and "<img" not in html
        assert "&lt;b&gt;bold&lt;/b&gt;.png" in html and html.count("<br") >= 4
    plain = parts["text/plain"]
    assert "<b>bold</b>.png" in plain and len(plain.strip().splitlines()) >= 5


def test_an_address_of_another_service_is_refused(ledger):  # noqa: F811
    channel = Channel(channel="slack", url_env="SLACK")
    one = Endpoint("c/alert a/slack", channel, "c", frozenset({"alert.triggered"}), "a")
    told = run(ledger, one, SLACK="json://127.0.0.1/verysecret")
    assert told.problem and "verysecret" not in told.problem


def test_a_message_for_people_is_short_and_complete():
    event = Event(
        "e", "alert.triggered", "c", "a", {"n": 0.123456, "l": [{"k": 1}, "z"], "no": None}
    )
    assert text(event) == "n: 0.1235\nl:\n  k 1\n  z"
    assert len(text(Event("e", "t", "c", "s", {"x": "y" * 9000}))) == 3000
