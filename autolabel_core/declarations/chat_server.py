"""The keys of a declaration that names a server of OpenAI's chat completions.

Keys of servers stand in the environment; a declaration names the variable at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from autolabel_core.declarations.channel import Variable
from autolabel_core.declarations.model import Declaration, KeyedError, Text

PROVIDERS: dict[str, tuple[str, str, str]] = {
    "openai": ("https://api.openai.com/v1", "OPENAI_API_KEY", "gpt-4o-mini"),
    "google": (
        "https://generativelanguage.googleapis.com/v1beta/openai/",
        "GEMINI_API_KEY",
        "gemini-2.5-flash",
    ),
}
"""Base URL, environment variable of the key, and default model of each known provider.

Source: the OpenAI API reference; "OpenAI compatibility" in the documentation of the Gemini API.
"""

Seconds = Annotated[float, Field(strict=True, gt=0.0)]
Price = Annotated[float, Field(strict=True, ge=0.0)]


class ChatServer(Declaration):
    """Which server and model are asked, and at what price.

    Attributes:
        aliases: words that mean the same.
        key: where it stands in YAML, for errors.
        provider: `openai`, `google`, or any word with a `base_url`.
        model_name: the model; by default the provider's small one.
        base_url: address of a server that speaks OpenAI's chat completions.
        api_key_env: the environment variable that holds the key; a server of one's own needs none.
        cache_ttl_seconds: how long an answer is kept; 0 keeps none.
        retries: further attempts after a time-out, 429 or 5xx; 0 is none.
        timeout_seconds: for one attempt.
        usd_per_million_input_tokens: price, for the cost in the run's metadata; null: no cost.
        usd_per_million_output_tokens: likewise, of what is answered.
    """

    aliases: ClassVar[Mapping[str, str]] = {"model": "model_name", "max_retries": "retries"}
    key: ClassVar[str] = "llm_labeling"

    provider: Text = "openai"
    model_name: Text | None = None
    base_url: Text | None = None
    api_key_env: Variable | None = None
    cache_ttl_seconds: int = Field(default=604_800, strict=True, ge=0)
    retries: int = Field(default=3, strict=True, ge=0, le=10)
    timeout_seconds: Seconds = 60.0
    usd_per_million_input_tokens: Price | None = None
    usd_per_million_output_tokens: Price | None = None

    @field_validator("base_url")
    @classmethod
    def base_url_holds_no_secret(cls, value: str | None) -> str | None:
        """Refuse what is no HTTP address, and user names, passwords and queries in it."""
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("expected an address such as http://localhost:11434/v1")
        if parts.username or parts.password or parts.query:
            raise ValueError(
                "has a user name, password or query; put the key into an environment variable "
                "and name that in `api_key_env`"
            )
        return value

    @model_validator(mode="after")
    def server_is_known(self) -> ChatServer:
        """Ask for address and model where the provider says neither."""
        for key in ("base_url", "model_name"):
            if self.provider not in PROVIDERS and getattr(self, key) is None:
                known = ", ".join(PROVIDERS)
                raise KeyedError(
                    (key,), f"is required of `{self.provider}`; known without it: {known}"
                )
        return self

    @model_validator(mode="after")
    def prices_are_two_or_none(self) -> ChatServer:
        """Ask for the other price where one is given: a cost needs both."""
        keys = ("usd_per_million_input_tokens", "usd_per_million_output_tokens")
        given = [key for key in keys if getattr(self, key) is not None]
        if len(given) == 1:
            (other,) = set(keys) - set(given)
            raise KeyedError((other,), f"is required beside {given[0]}; 0.0 is for free")
        return self

    @property
    def server(self) -> str:
        """The address that is asked."""
        return self.base_url or PROVIDERS[self.provider][0]

    @property
    def model(self) -> str:
        """The model that is asked."""
        return self.model_name or PROVIDERS[self.provider][2]

    @property
    def key_variable(self) -> str | None:
        """The environment variable of the key; None where none is needed."""
        if self.api_key_env or self.base_url:
            return self.api_key_env
        return PROVIDERS[self.provider][1]
