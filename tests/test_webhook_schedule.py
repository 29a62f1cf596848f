"""When a failed delivery is tried again."""

import random
from datetime import UTC, datetime

import pytest
from support.receivers import receiver
from test_webhook_delivery import Clock, endpoint, ledger, record, run  # noqa: F401

from autolabel_core.foundation.retry_after import retry_after_seconds
from autolabel_core.notifications.webhooks.endpoints import declare_endpoints
from autolabel_core.notifications.webhooks.retry_schedule import MAX_ATTEMPTS, wait_seconds

START = datetime(2030, 1, 1, tzinfo=UTC)


def test_waits_grow_fourfold_up_to_a_day_with_a_quarter_of_jitter():
    rng = random.Random(3)
    waits = [wait_seconds(n, rng) for n in range(1, MAX_ATTEMPTS)]
    for n, wait in enumerate(waits):
        plain = min(10 * 4**n, 86_400)
        assert plain <= wait <= 1.25 * plain
    assert wait_seconds(MAX_ATTEMPTS, rng) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("99999999", 86_400),
        ("Tue, 01 Jan 2030 00:02:00 GMT", 120),
        ("Mon, 31 Dec 2029 00:00:00 GMT", 0),
        ("-5", None),
        ("soon", None),
        ("١٢", None),
        ("9" * 5000, None),
        (None, None),
    ],
)
def test_retry_after_is_read_in_both_forms(header, seconds):
    assert retry_after_seconds(header, START) == seconds


def test_only_the_header_holds_an_endpoint_back_not_what_the_answer_says(ledger):  # noqa: F811
    clock = Clock()
    with receiver(lambda _r: (503, {}, b"Retry-After 600 s")) as server:
        one = endpoint(server.url)
        declare_endpoints(ledger, [one])
        record(ledger, "doc")
        run(ledger, one, now=clock)
        server.answer = lambda _r: (200, {}, b"")
        record(ledger, "other")
        assert run(ledger, one, now=clock).delivered == 1
