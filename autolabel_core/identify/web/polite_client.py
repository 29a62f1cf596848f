"""A polite client: names itself, limits its rate, caches answers, obeys refusals."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.robotparser import RobotFileParser

from autolabel_core.foundation.atomic_files import write_atomically
from autolabel_core.foundation.errors import UnreachableItemError, UnreadableItemError
from autolabel_core.foundation.network.ssrf_guard import PrivateAddressError
from autolabel_core.identify.web.guarded_routes import guarded_routes
from autolabel_core.identify.web.request import (
    NotNowError,
    Question,
    RefusedError,
    joined,
    read_content,
)

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

DAY_S = 86_400.0
TRIES = 3
FIRST_BACKOFF_S = 0.5
LONGEST_WAIT_S = 60.0
"""A host that asks for a longer pause is not waited for."""
CONNECT_S, READ_S = 10.0, 30.0
MAX_PAGE_BYTES = 50_000_000
MAX_ROBOTS_BYTES = 512_000
"""What a robots.txt may have at least (RFC 9309, 2.5)."""
MAX_REDIRECTS = 5


def agent_name(contact: str | None = None) -> str:
    """Return what the client calls itself.

    Args:
        contact: an address or page of whoever asks; some sites want one.

    Returns:
        Such as `autolabel/0.1.0 (me@example.org)`.
    """
    try:
        name = f"autolabel/{importlib.metadata.version('autolabel')}"
    except importlib.metadata.PackageNotFoundError:
        name = "autolabel"
    return f"{name} ({contact})" if contact else name


class PoliteClient:
    """Asks one thing at a time; use it in a `with`, from one thread.

    Every method raises `UnreadableItemError` where the answer is too long or not of its kind, or
    the address is none; and of its kinds `UnreachableItemError` where there is no answer, or none
    for now, and `RefusedError` where the site answers with another status than 2xx.

    Args:
        delay_s: the least time between two requests to one host; 0 asks at once.
        agent: what the client calls itself, see `agent_name`.
        cache: folder where answers of `json` and `text` are kept; None keeps none.
        max_age_s: how long a kept answer is good for.
        respect_robots: whether robots.txt is asked first and obeyed, its Crawl-delay too; meant for
            pages, since an API has rules of its own.
        private: addresses that a person named; their hosts alone may be in a private network, also
            where a redirect or an answer leads there.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        delay_s: float,
        *,
        agent: str | None = None,
        cache: Path | None = None,
        max_age_s: float = DAY_S,
        respect_robots: bool = False,
        private: Iterable[str] = (),
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        import httpx

        # At INFO httpx logs whole addresses, and some sites want their key in the address.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self.agent = agent or agent_name()
        self._delay_s, self._cache, self._max_age_s = delay_s, cache, max_age_s
        self._respect_robots, self._sleep = respect_robots, sleep
        self._robots: dict[str, RobotFileParser] = {}
        self._asked_at: dict[str, float] = {}
        self._client = httpx.Client(
            headers={"User-Agent": self.agent},
            timeout=httpx.Timeout(READ_S, connect=CONNECT_S),
            **guarded_routes(private),
        )

    def __enter__(self) -> PoliteClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._client.close()

    def json(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> Any:
        """Ask an API.

        Args:
            url: http(s) address.
            params: joined to the address.
            headers: sent beside the client's own; `Authorization` is never shown.
            secrets: parameters that are never shown, and not part of what is kept.

        Returns:
            The value that the answer's JSON holds.
        """
        accepting = {"Accept": "application/json", **(headers or {})}
        question = Question(url, params or {}, accepting, secrets or {})

        def parse(text: str) -> Any:
            try:
                return json.loads(text)
            except ValueError as error:
                raise UnreadableItemError(
                    f"{question.address.host} answers {question.address} with no JSON: it begins "
                    f"with {text[:40]!r}. The site may have changed, or stand behind a login."
                ) from error

        return self._kept(question, parse)

    def text(self, url: str, params: Mapping[str, str] | None = None) -> str:
        """Ask for a page, and return its text, decoded as the site says."""
        return self._kept(Question(url, params or {}, {}, {}), str)

    def content(self, url: str, limit_bytes: int) -> bytes:
        """Fetch a file; it is not kept.

        Args:
            url: http(s) address.
            limit_bytes: a longer one is refused, and not read to its end.

        Returns:
            The content.
        """
        return self._fetch(Question(url, {}, {}, {}), limit_bytes)[0]

    def _kept(self, question: Question, parse: Callable[[str], T]) -> T:
        file = None
        if self._cache is not None:
            request_key = f"{question.address}\n{question.headers.get('Accept')}"
            file = self._cache / f"{hashlib.sha256(request_key.encode()).hexdigest()}.txt"
            if file.is_file() and time.time() - file.stat().st_mtime < self._max_age_s:
                return parse(file.read_text(encoding="utf-8"))
        content, encoding = self._fetch(question, MAX_PAGE_BYTES)
        try:
            text = content.decode(encoding, "replace")
        except LookupError:
            text = content.decode("utf-8", "replace")
        parsed = parse(text)
        if file is not None:
            write_atomically(file, lambda part: part.write_text(text, encoding="utf-8"))
        return parsed

    def _fetch(self, question: Question, limit_bytes: int) -> tuple[bytes, str]:
        """Return content and encoding; what may pass is tried again."""
        host = question.address.host
        for attempt in range(TRIES):
            try:
                return self._follow(question, limit_bytes)
            except NotNowError as error:
                wait_s = error.wait_s or FIRST_BACKOFF_S * 2**attempt
                if attempt == TRIES - 1 or wait_s > LONGEST_WAIT_S:
                    raise UnreachableItemError(
                        f"cannot reach {host}: {question.hide(str(error))}. Check the network (a "
                        "proxy is taken from HTTPS_PROXY) and the address, or try again later."
                    ) from error
                self._sleep(wait_s)
        raise AssertionError("the last attempt returns or raises")

    def _follow(self, question: Question, limit_bytes: int) -> tuple[bytes, str]:
        import httpx

        address = joined(question.address, question.secrets)
        request = self._client.build_request("GET", address, headers=dict(question.headers))
        try:
            for _ in range(MAX_REDIRECTS + 1):
                self._ask_robots(request.url)
                self._keep_distance(request.url)
                with closing(self._client.send(request, stream=True)) as answer:
                    if answer.next_request is None:
                        return read_content(answer, question, limit_bytes)
                    request = answer.next_request
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL) as error:
            raise UnreadableItemError(f"{question.address} is no address: {error}") from error
        except PrivateAddressError as error:
            raise UnreadableItemError(f"cannot fetch {question.address}: {error}") from error
        except httpx.HTTPError as error:
            raise NotNowError(str(error) or type(error).__name__) from error
        raise UnreadableItemError(
            f"{question.address} leads on and on, over more than {MAX_REDIRECTS} redirects"
        )

    def _keep_distance(self, address: httpx.URL) -> None:
        rules = self._robots.get(_origin(address))
        asked = rules.crawl_delay(self.agent) if rules else None
        delay_s = max(self._delay_s, float(asked or 0))
        before = self._asked_at.get(address.host)
        if before is not None and (wait_s := before + delay_s - time.monotonic()) > 0:
            self._sleep(wait_s)
        self._asked_at[address.host] = time.monotonic()

    def _ask_robots(self, address: httpx.URL) -> None:
        if not self._respect_robots or address.path == "/robots.txt":
            return
        origin = _origin(address)
        if origin not in self._robots:
            self._robots[origin] = self._robot_rules(f"{origin}/robots.txt")
        if not self._robots[origin].can_fetch(self.agent, str(address)):
            raise UnreadableItemError(
                f"{address.host} asks programs to leave {address.path} alone (its robots.txt); "
                "nothing was fetched. Ask the site for its permission, or take another one."
            )

    def _robot_rules(self, url: str) -> RobotFileParser:
        rules = RobotFileParser(url)
        try:
            content, _ = self._fetch(Question(url, {}, {}, {}), MAX_ROBOTS_BYTES)
        except RefusedError:
            content = b""  # None is there: everything may be asked (RFC 9309, 2.3.1.3).
        rules.parse(content.decode("utf-8", "replace").splitlines())
        return rules


def _origin(address: httpx.URL) -> str:
    return f"{address.scheme}://{address.netloc.decode('ascii')}"
