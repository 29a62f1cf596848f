"""One request to a web site, and its outcome: content, a refusal, or try later."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from autolabel_core.foundation.errors import UnreadableItemError
from autolabel_core.foundation.retry_after import retry_after_seconds

if TYPE_CHECKING:
    import httpx

WHOLE_S = 300.0
"""How long an answer may take to arrive."""
NOT_NOW = frozenset({408, 425, 429})
"""Answers below 500 that say: not now (RFC 9110, 8470, 6585)."""
TOO_MANY = 429
TOO_MANY_S = 30.0
"""How long to pause after 429 where the host does not say; some block for that long."""
SHOWN_CHARACTERS = 160


class RefusedError(UnreadableItemError):
    """A site answered, and not with what was asked for; `status` is the HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class NotNowError(Exception):
    """One attempt failed in a way that may pass; `wait_s` is what the host asked for."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


@dataclass(frozen=True)
class Question:
    """What is asked: `secrets` are parameters that are sent, and neither shown nor kept."""

    url: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    secrets: Mapping[str, str]

    @property
    def address(self) -> httpx.URL:
        """The address with its parameters, without the secrets."""
        import httpx

        try:
            address = joined(httpx.URL(self.url), self.params)
        except (httpx.InvalidURL, TypeError) as error:
            raise UnreadableItemError(f"{self.url!r} is no address: {error}") from error
        if address.scheme not in ("http", "https") or not address.host:
            raise UnreadableItemError(f"{self.url!r} is no address: use http:// or https://")
        return address

    def hide(self, text: str) -> str:
        """Return a text without the secrets."""
        for secret in [*self.secrets.values(), self.headers.get("Authorization", "")]:
            text = text.replace(secret, "…") if secret else text
        return text


def joined(address: httpx.URL, params: Mapping[str, str]) -> httpx.URL:
    """Return an address with parameters joined to its own."""
    # Merging nothing would still write the query anew, and an address may be signed as it stands.
    return address.copy_merge_params(dict(params)) if params else address


def read_content(answer: httpx.Response, question: Question, limit_bytes: int) -> tuple[bytes, str]:
    """Read an answer.

    Args:
        answer: opened, and not read yet.
        question: what was asked.
        limit_bytes: a longer one is refused, and not read to its end.

    Returns:
        The content, and the encoding of its text.

    Raises:
        NotNowError: it is none for now, or takes longer than `WHOLE_S`.
        RefusedError: it has another status than 2xx.
        UnreadableItemError: it is too long.
    """
    started, content = time.monotonic(), bytearray()
    status = answer.status_code
    for part in answer.iter_bytes():
        content += part
        if len(content) > limit_bytes:
            break
        if time.monotonic() - started > WHOLE_S:
            raise NotNowError(f"the answer is not complete after {WHOLE_S:g} s")
    said = " ".join(content[: 4 * SHOWN_CHARACTERS].decode("utf-8", "replace").split())
    told = f"it answers {status} {answer.reason_phrase}".rstrip()
    if status >= 500 or status in NOT_NOW:
        asked_s = retry_after_seconds(answer.headers.get("Retry-After"), datetime.now(UTC))
        wait_s = TOO_MANY_S if asked_s is None and status == TOO_MANY else asked_s
        pause = f", and asks for a pause of {asked_s:.0f} s" if asked_s else ""
        raise NotNowError(f"{told}{pause}", wait_s)
    if not answer.is_success:
        text = f"{question.address.host} refuses {question.address}: {told}: {said}"
        raise RefusedError(question.hide(text)[: 3 * SHOWN_CHARACTERS].rstrip(": "), status)
    if len(content) > limit_bytes:
        raise UnreadableItemError(
            f"{question.address} has more than {limit_bytes / 1e6:g} MB, which is the limit"
        )
    return bytes(content), answer.charset_encoding or "utf-8"
