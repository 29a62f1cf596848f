"""The receiver of the documents runs, and prints what is sent to it."""

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

from autolabel_core.declarations import Channel
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.notifications.webhooks.attempts import DeliveryContext
from autolabel_core.notifications.webhooks.endpoints import Endpoint
from autolabel_core.notifications.webhooks.messages import new_secret
from autolabel_core.notifications.webhooks.retry_schedule import FIRST_SECONDS, MAX_ATTEMPTS
from autolabel_core.notifications.webhooks.send_one import send_now
from autolabel_core.notifications.webhooks.send_one import test_event as event_of

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "webhooks.md"


def test_the_receiver_prints_signed_events_and_refuses_forged_ones(tmp_path):
    script = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.S)[1]
    assert len([line for line in script.splitlines() if line]) == 10
    (tmp_path / "receiver.py").write_text(script)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    secret = new_secret(bytes(range(32)))
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "receiver.py"), str(port)],
        env={**os.environ, "LABELS_WEBHOOK_SECRET": secret},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        url = f"http://127.0.0.1:{port}/"
        channel = Channel(url=url, secret_env="S", allow_private=True)
        one = Endpoint("c/w/webhook", channel, "c", frozenset())
        event = event_of(one)
        assert reaches(one, event, secret)
        assert event.event_id in process.stdout.readline()
        assert not send_now(
            one, event, DeliveryContext(environ={"S": new_secret(bytes(32))})
        ).delivered
    finally:
        process.kill()
        process.communicate()


def reaches(endpoint, event, secret):
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            if send_now(endpoint, event, DeliveryContext(environ={"S": secret})).delivered:
                return True
        except AutolabelError:
            pass
        time.sleep(0.1)
    return False


def test_the_document_states_the_schedule():
    text = DOCUMENT.read_text(encoding="utf-8")
    assert f"after {FIRST_SECONDS:.0f} s" in text and f"{MAX_ATTEMPTS} attempts" in text
