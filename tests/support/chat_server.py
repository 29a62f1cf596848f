"""A real server on loopback that speaks OpenAI's chat completions, and misbehaves when told to."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from support.receivers import Reply, Request, receiver

Answer = Callable[[Request], Reply]
AT_ONCE = {"retry-after-ms": "1"}


class ChatServer:
    """The requests that came, and the address; `script` answers them in turn, the last for ever."""

    def __init__(self, script: Sequence[Answer]) -> None:
        self.script = list(script)
        self.requests: list[Request] = []
        self.url = ""

    def answer(self, request: Request) -> Reply:
        self.requests.append(request)
        return self.script[min(len(self.requests), len(self.script)) - 1](request)

    @property
    def questions(self) -> list[dict[str, Any]]:
        return [request.body for request in self.requests]


@contextmanager
def chat_server(*script: Answer) -> Iterator[ChatServer]:
    """Run the server; without a script it names every cluster well."""
    known = ChatServer(script or [well])
    with receiver(known.answer) as server:
        known.url = server.url.replace("/hook", "/v1")
        yield known


def asked_ids(request: Request) -> list[str]:
    content = request.body["messages"][-1]["content"]
    text = content if isinstance(content, str) else json.dumps(content)
    return re.findall(r"## cluster_id: (\S+)", text)


def named(cluster_id: str, **more: Any) -> dict[str, Any]:
    answer = {"cluster_id": cluster_id, "label": f"name of {cluster_id}", "summary": "All alike."}
    return {**answer, "keywords": ["one", "two"], "confidence": 0.9, **more}


def completion(content: str | None, **message: Any) -> Reply:
    choice = {"index": 0, "finish_reason": "stop", "message": {"content": content, **message}}
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    body = {"id": "c", "object": "chat.completion", "created": 0, "model": "m"}
    body |= {"choices": [choice], "usage": usage}
    return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()


def well(request: Request) -> Reply:
    names = [named(cluster_id) for cluster_id in asked_ids(request)]
    return completion(json.dumps({"clusters": names}))


def saying(content: str | None, **message: Any) -> Answer:
    return lambda _request: completion(content, **message)


def entries(change: Callable[[list[dict[str, Any]]], Any]) -> Answer:
    """Answer well, but for a change in the entries."""

    def answer(request: Request) -> Reply:
        names = change([named(cluster_id) for cluster_id in asked_ids(request)])
        return completion(json.dumps({"clusters": names}))

    return answer


def failing(status: int, message: str = "no", headers: dict[str, str] | None = None) -> Answer:
    body = json.dumps({"error": {"message": message, "type": "x", "code": "y"}}).encode()
    return lambda _request: (status, {"Content-Type": "application/json", **(headers or {})}, body)


def sent(body: bytes, kind: str = "application/json") -> Answer:
    return lambda _request: (200, {"Content-Type": kind}, body)


def hanging(seconds: float) -> Answer:
    def answer(request: Request) -> Reply:
        time.sleep(seconds)
        return well(request)

    return answer
