"""What people are told at once leaves in one message, by mail and to Slack."""

from __future__ import annotations

import email
from datetime import UTC, datetime, timedelta

import pytest
from support.receivers import receiver, smtp_server, wait_for
from test_webhook_delivery import Clock, ledger, run  # noqa: F401

from autolabel_core.declarations import Channel
from autolabel_core.ledger import Event
from autolabel_core.notifications.webhooks.endpoints import Endpoint, declare_endpoints
from autolabel_core.notifications.webhooks.message_pass import MAX_EVENTS


def endpoint(alert, channel="email", **settings):
    declared = Channel(channel=channel, url_env="ADDRESS", allow_private=True, **settings)
    events = frozenset({"alert.triggered"})
    return Endpoint(f"c/alert {alert}/{channel}", declared, "c", events, alert)


def fire(ledger, alert, *groups, at=""):  # noqa: F811
    first = ledger.last_event_id()
    ledger.append_events(
        [
            Event(f"e{first + i}", "alert.triggered", "c", alert, fired(alert, group), at)
            for i, group in enumerate(groups)
        ]
    )


def fired(alert, group):
    return {"alert": alert, "group": group, "value": 3, "keys": [f"<b>{group}</b>.png"]}


@pytest.fixture
def mail():
    with smtp_server() as (port, messages):
        url = f"mailto://127.0.0.1:{port}/?from=a@b.example&to=t@b.example&format=html"
        yield url, messages


def parts(message):
    return {
        part.get_content_type(): part.get_payload(decode=True).decode()
        for part in email.message_from_string(message).walk()
        if not part.is_multipart()
    }


def test_alerts_to_one_address_leave_in_one_mail_with_text_and_html(ledger, mail):  # noqa: F811
    url, messages = mail
    coverage, queue = endpoint("coverage"), endpoint("queue")
    declare_endpoints(ledger, [coverage, queue])
    fire(ledger, "coverage", "north", "south")
    fire(ledger, "queue", "all")
    told = run(ledger, coverage, queue, ADDRESS=url)
    wait_for(lambda: len(messages) == 1)
    assert [t.delivered for t in told] == [2, 1]
    assert "Subject: autolabel: 3 alerts in c" in messages[0]
    found = parts(messages[0])
    for group in ("north", "south", "all"):
        assert f"<b>{group}</b>.png" in found["text/plain"]
        assert f"&lt;b&gt;{group}&lt;/b&gt;.png" in found["text/html"]
    assert found["text/html"].count("<br") >= 12 and "<b>" not in found["text/html"]
    assert found["text/plain"].index("north") < found["text/plain"].index("autolabel: queue in c")
    run(ledger, coverage, queue, ADDRESS=url)
    assert len(messages) == 1 and ledger.undelivered(coverage.name) == []


def test_other_addresses_and_other_settings_get_messages_of_their_own(ledger, mail):  # noqa: F811
    url, messages = mail
    one, other = endpoint("a"), endpoint("b", timeout_seconds=5.0)
    declare_endpoints(ledger, [one, other])
    fire(ledger, "a", "x")
    fire(ledger, "b", "y")
    run(ledger, one, other, ADDRESS=url)
    wait_for(lambda: len(messages) == 2)


def test_an_event_waits_for_others_as_long_as_declared(ledger, mail):  # noqa: F811
    url, messages = mail
    clock = Clock()
    clock.moment = datetime.now(UTC)
    one = endpoint("a", group_wait_seconds=60.0)
    declare_endpoints(ledger, [one])
    fire(ledger, "a", "x", at=clock.moment.isoformat(timespec="microseconds"))
    clock.advance(59)
    assert run(ledger, one, now=clock, ADDRESS=url).delivered == 0
    fire(ledger, "a", "y", at=clock.moment.isoformat(timespec="microseconds"))
    clock.advance(1)
    assert run(ledger, one, now=clock, ADDRESS=url).delivered == 2
    wait_for(lambda: len(messages) == 1)
    future = clock.moment + timedelta(hours=1)
    fire(ledger, "a", "z", at=future.isoformat(timespec="microseconds"))
    assert run(ledger, one, now=clock, ADDRESS=url).delivered == 1, "a clock that went back"


def test_what_failed_together_is_sent_again_together(ledger, mail):  # noqa: F811
    url, messages = mail
    clock = Clock()
    one = endpoint("a")
    declare_endpoints(ledger, [one])
    fire(ledger, "a", "x", "y")
    closed = "mailto://127.0.0.1:9/?from=a@b.example&to=t@b.example"
    assert run(ledger, one, now=clock, ADDRESS=closed).failed == 2
    clock.advance(13)
    assert run(ledger, one, now=clock, ADDRESS=url).delivered == 2
    wait_for(lambda: len(messages) == 1)


def test_very_many_events_leave_in_several_messages(ledger, mail):  # noqa: F811
    url, messages = mail
    one = endpoint("a")
    declare_endpoints(ledger, [one])
    fire(ledger, "a", *map(str, range(MAX_EVENTS + 1)))
    assert run(ledger, one, ADDRESS=url).delivered == MAX_EVENTS + 1
    wait_for(lambda: len(messages) == 2)


def test_an_endpoint_without_address_names_the_variable_and_holds_nobody_up(ledger, mail):  # noqa: F811
    url, _ = mail
    one = endpoint("a")
    lost = Endpoint(
        "c/alert b/email",
        Channel(channel="email", url_env="UNSET", allow_private=True),
        "c",
        frozenset({"alert.triggered"}),
        "b",
    )
    declare_endpoints(ledger, [lost, one])
    fire(ledger, "a", "x")
    fire(ledger, "b", "y")
    told = run(ledger, lost, one, ADDRESS=url)
    assert "UNSET" in told[0].problem and told[1].delivered == 1


def test_slack_gets_one_message_too(ledger, monkeypatch):  # noqa: F811
    from apprise.plugins.slack import NotifySlack

    one, two = endpoint("a", "slack"), endpoint("b", "slack")
    declare_endpoints(ledger, [one, two])
    fire(ledger, "a", "x")
    fire(ledger, "b", "y")
    with receiver(lambda _r: (200, {}, b"ok")) as server:
        monkeypatch.setattr(NotifySlack, "webhook_url", server.url)
        address = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
        told = run(ledger, one, two, ADDRESS=address)
    assert [t.delivered for t in told] == [1, 1]
    (request,) = server.requests
    assert b"2 alerts in c" in request.content
    assert b"x&lt;/b&gt;" in request.content and b"y&lt;/b&gt;" in request.content


@pytest.mark.parametrize("seconds", [-1.0, 3601.0])
def test_a_wait_out_of_range_is_refused(seconds):
    with pytest.raises(ValueError, match="group_wait_seconds"):
        Channel(channel="email", url_env="A", group_wait_seconds=seconds)


def test_a_webhook_has_no_groups():
    with pytest.raises(ValueError, match="is for slack and email"):
        Channel(url="https://a.example/", group_wait_seconds=5.0)
