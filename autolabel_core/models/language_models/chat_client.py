"""Client of one server with OpenAI's chat completions: sends a request, returns answer and cost."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self, cast

from pydantic import BaseModel, Field, ValidationError

from autolabel_core.declarations.chat_server import ChatServer
from autolabel_core.foundation.errors import AutolabelError, StoreUnavailableError

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types.chat import ChatCompletionMessageParam

LONGEST_BACKOFF_SECONDS = 8.0
PROBLEM_CHARACTERS = 200
NO_KEY = "none-needed"
JsonSchema = dict[str, Any]
PASSING = (408, 409, 429)
REFUSED = {
    401: "does not accept the key",
    403: "does not let the key use this model",
    404: "knows no such model or address",
}


class RefusedAnswerError(AutolabelError):
    """The model declined; asking again would get the same."""


class BrokenAnswerError(AutolabelError):
    """What came is no chat completion."""


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Tokens(BaseModel):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    usage: _Tokens | None = None


@dataclass
class Usage:
    """What was asked of the server so far.

    Attributes:
        calls: questions that were asked; `retries` are further attempts at them.
        retries: attempts after a time-out, 429 or 5xx, of the questions that were answered.
        input_tokens: as the server counted them.
        output_tokens: likewise.
    """

    calls: int = 0
    retries: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def cost_usd(self, settings: ChatServer) -> float | None:
        """Return the price of the tokens; None where the declaration says no prices."""
        input_price = settings.usd_per_million_input_tokens
        output_price = settings.usd_per_million_output_tokens
        if input_price is None or output_price is None:
            return None
        total = self.input_tokens * input_price + self.output_tokens * output_price
        return round(total / 1_000_000, 6)


def server_key(settings: ChatServer, environ: Mapping[str, str]) -> str:
    """Return the key of the server.

    Args:
        settings: which variable holds it.
        environ: the environment.

    Returns:
        The key, or a placeholder where none is needed.

    Raises:
        AutolabelError: the variable is not set.
    """
    variable = settings.key_variable
    if variable is None:
        return NO_KEY
    key = environ.get(variable, "").strip()
    if not key:
        raise AutolabelError(
            f"The key of {settings.provider} is not set: put it into the environment variable "
            f"{variable}, or name another one in {settings.key}.api_key_env."
        )
    return key


@dataclass
class ChatClient:
    """A client of one server, open within `async with`; counts what it is asked.

    Attributes:
        settings: which server.
        answer_schema: JSON schema of an answer, for servers that keep to one.
        key: of the server.
        usage: what was asked so far.
    """

    settings: ChatServer
    answer_schema: JsonSchema
    key: str = field(repr=False)
    usage: Usage = field(default_factory=Usage)
    _with_schema: bool = True

    async def __aenter__(self) -> Self:
        """Open the connections."""
        from openai import AsyncOpenAI

        self._client: AsyncOpenAI = AsyncOpenAI(
            api_key=self.key,
            base_url=self.settings.server,
            timeout=self.settings.timeout_seconds,
            max_retries=self.settings.retries,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close them."""
        await self._client.close()

    async def ask(self, messages: list[dict[str, object]]) -> str:
        """Return what the model writes.

        A model that declines is a `RefusedAnswerError`, what is no chat completion a
        `BrokenAnswerError`, and a server that refuses the key or the request an `AutolabelError`
        with the cure.

        Args:
            messages: the conversation.

        Returns:
            Its text.

        Raises:
            StoreUnavailableError: time-outs, 429 and 5xx after all retries, or no connection.
        """
        from openai import APIConnectionError, APIStatusError

        attempts = self.settings.retries + 1
        patience = attempts * (self.settings.timeout_seconds + LONGEST_BACKOFF_SECONDS)
        self.usage.calls += 1
        try:
            async with asyncio.timeout(patience):
                return self._read(await self._request(messages))
        except (APIConnectionError, TimeoutError) as error:
            raise StoreUnavailableError(self._said(f"gives no answer ({error})")) from None
        except APIStatusError as error:
            self._refuse(error.status_code, error.message)

    async def _request(self, messages: list[dict[str, object]]) -> str:
        from openai import BadRequestError, UnprocessableEntityError

        extra: dict[str, Any] = {}
        if self._with_schema:
            schema = {"name": "names", "strict": True, "schema": self.answer_schema}
            extra = {"response_format": {"type": "json_schema", "json_schema": schema}}
        try:
            raw = await self._client.chat.completions.with_raw_response.create(
                model=self.settings.model,
                messages=cast("list[ChatCompletionMessageParam]", messages),
                **extra,
            )
        except (BadRequestError, UnprocessableEntityError):
            if not self._with_schema:
                raise
            self._with_schema = False  # not every server knows schemas
            return await self._request(messages)
        self.usage.retries += raw.retries_taken
        return str(raw.http_response.text)

    def _read(self, body: str) -> str:
        try:
            completion = _Completion.model_validate_json(body)
        except ValidationError as error:
            raise BrokenAnswerError(
                self._said(f"sent no chat completion: {body[:60]!r}")
            ) from error
        if completion.usage is not None:
            self.usage.input_tokens += completion.usage.prompt_tokens
            self.usage.output_tokens += completion.usage.completion_tokens
        message, reason = completion.choices[0].message, completion.choices[0].finish_reason
        if message.refusal or reason == "content_filter":
            raise RefusedAnswerError(self._said(f"declined: {message.refusal or reason}"))
        return message.content or ""

    def _refuse(self, status: int, detail: str) -> NoReturn:
        problem = self._said(f"{REFUSED.get(status, 'answers')} ({status}: {detail})")
        if status in PASSING or status >= 500:
            raise StoreUnavailableError(problem) from None
        variable = self.settings.key_variable
        cure = f"Check {self.settings.key}.model_name and base_url."
        if status == 401:
            cure = f"Set {variable} to a good key." if variable else "Name api_key_env."
        raise AutolabelError(f"{problem}. {cure}") from None

    def _said(self, what: str) -> str:
        """Return a problem in one line, without the key, which servers like to repeat."""
        plain = " ".join(what.replace(self.key, "…").split())
        plain = plain if len(plain) < PROBLEM_CHARACTERS else f"{plain[:PROBLEM_CHARACTERS]}…"
        return f"{self.settings.model} at {self.settings.server} {plain}"
