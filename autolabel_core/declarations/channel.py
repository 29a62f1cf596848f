"""The models of notification channels: webhook, Slack, e-mail. Secrets stay in the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from autolabel_core.declarations.model import Declaration, KeyedError, Text

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
NOTICE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,59}")
SECRET_HEADERS = ("authorization", "cookie", "api-key", "apikey", "token", "secret")
OWN_HEADERS = ("webhook-", "host", "content-length", "content-type", "transfer-encoding")
LONGEST_TIMEOUT_SECONDS = 15.0
CONFIGS = ("config", "configs")


def _checked_variable(value: str) -> str:
    if not VARIABLE.fullmatch(value):
        raise ValueError(
            "is the name of an environment variable: letters, digits and underscores; the secret "
            "itself never stands in a declaration"
        )
    return value


def _checked_name(value: str) -> str:
    if not NOTICE_NAME.fullmatch(value):
        raise ValueError(
            "use 1 to 60 letters, digits, spaces, `.`, `_` and `-`, beginning with a letter or "
            "digit"
        )
    return value


Variable = Annotated[str, AfterValidator(_checked_variable)]
NoticeName = Annotated[str, AfterValidator(_checked_name)]
Timeout = Annotated[float, Field(strict=True, gt=0.0, le=LONGEST_TIMEOUT_SECONDS)]


class Channel(Declaration):
    """One way to tell somebody.

    Attributes:
        aliases: words that mean the same.
        shorthands: words that are taken apart.
        channel: `webhook` is a signed HTTP request, `slack` and `email` are messages for people.
        url: the address, where it holds no secret.
        url_env: name of the environment variable that holds the address.
        method: of the HTTP request.
        headers: further headers that hold no secret.
        headers_env: further headers, each with the environment variable that holds its value.
        secret_env: name of the environment variable that holds the signing secret, or several
            secrets apart by spaces while one replaces another. Without it nothing is signed.
        allow_private: whether private, loopback and link-local addresses may be asked.
        timeout_seconds: for one request, from connecting to the last byte, at most 15.
        group_wait_seconds: how long an event for people waits for others to leave in one message
            with it, 0 to 3600; what is due in one round of deliveries leaves together anyway.
    """

    aliases: ClassVar[Mapping[str, str]] = {"channel_type": "channel"}
    shorthands = CONFIGS

    channel: Literal["webhook", "slack", "email"] = "webhook"
    url: Text | None = None
    url_env: Variable | None = None
    method: Literal["POST", "PUT"] = "POST"
    headers: dict[str, str] = Field(default_factory=dict)
    headers_env: dict[str, Variable] = Field(default_factory=dict)
    secret_env: Variable | None = None
    allow_private: bool = Field(default=False, strict=True)
    timeout_seconds: Timeout = 10.0
    group_wait_seconds: float = Field(default=0.0, strict=True, ge=0.0, le=3600.0)

    @model_validator(mode="before")
    @classmethod
    def flatten_config(cls, value: object) -> object:
        """Accept the seeds' `config: {url}` and `configs: {url, method}`, and the flat form."""
        if not isinstance(value, dict):
            return value
        rest = {k: v for k, v in value.items() if k not in CONFIGS}
        for word in CONFIGS:
            if word in value and not isinstance(value[word], dict):
                raise KeyedError((word,), "expected a mapping such as {url: https://…}")
            rest |= value.get(word, {})
        return rest

    @field_validator("headers", "headers_env")
    @classmethod
    def headers_are_free(cls, value: dict[str, str]) -> dict[str, str]:
        """Refuse names that are no headers, and those that the delivery sets itself."""
        for name in value:
            if not HEADER.fullmatch(name) or name.lower().startswith(OWN_HEADERS):
                raise ValueError(f"`{name}` is no header of yours to set; leave it out")
        return value

    @field_validator("headers")
    @classmethod
    def headers_hold_no_secret(cls, value: dict[str, str]) -> dict[str, str]:
        """Refuse headers that carry credentials, and values that would end the header."""
        for name, text in value.items():
            if any(word in name.lower() for word in SECRET_HEADERS):
                raise ValueError(
                    f"`{name}` carries a secret; put its value into an environment variable and "
                    f"write headers_env: {{{name}: NAME_OF_THE_VARIABLE}}"
                )
            if not text.isprintable():
                raise ValueError(f"the value of `{name}` has a line break or control character")
        return value

    @model_validator(mode="after")
    def one_address(self) -> Channel:
        """Ask for exactly one of `url` and `url_env`, of a kind that the channel can use."""
        if self.channel == "webhook" and self.group_wait_seconds:
            raise KeyedError(
                ("group_wait_seconds",), "is for slack and email; a webhook gets a request an event"
            )
        if (self.url is None) == (self.url_env is None):
            raise ValueError("needs an address: give one of `url` and `url_env`")
        if self.url is not None:
            check_address(self.channel, self.url, declared=True)
        return self


def check_address(channel: str, url: str, declared: bool = False) -> None:
    """Refuse an address that the channel cannot use, or that shows a secret in a declaration.

    Args:
        channel: webhook, slack or email.
        url: the address.
        declared: whether it stands in the YAML, where no secret may.

    Raises:
        KeyedError: it does not fit; the message does not repeat it.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise KeyedError(("url",), f"is no URL: {error}") from error
    schemes = {"webhook": ("https", "http"), "email": ("mailtos", "mailto")}.get(channel)
    if schemes is None:
        slack = parts.scheme == "slack" or parts.hostname == "hooks.slack.com"
        if declared or not slack:
            raise KeyedError(
                ("url",),
                "is a secret; put https://hooks.slack.com/services/… into an environment variable "
                "and write url_env: NAME_OF_THE_VARIABLE",
            )
        return
    if parts.scheme not in schemes or not parts.hostname or not url.isprintable():
        raise KeyedError(("url",), f"expected an address such as {schemes[0]}://host/…")
    if declared and (parts.password or (channel == "webhook" and parts.username)):
        raise KeyedError(
            ("url",),
            "holds a password; put the address into an environment variable and write "
            "url_env: NAME_OF_THE_VARIABLE",
        )
