"""Asks a vision-language model for labels: cached by content, checked, counted, a few at a time."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from autolabel_core.declarations.zero_shot import VisionLanguageModel
from autolabel_core.foundation.atomic_files import write_atomically
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.models.language_models.chat_client import (
    BrokenAnswerError,
    ChatClient,
    RefusedAnswerError,
    Usage,
    server_key,
)
from autolabel_core.models.language_models.label_question import (
    VERSION,
    LabelAnswer,
    answer_schema,
    parse_label,
    question,
)

if TYPE_CHECKING:
    from PIL import Image

ASKS = 2
"""How often a document is asked about before its answer is given up as unusable."""
AT_ONCE = 4


@dataclass(frozen=True)
class NoAnswer:
    """Why there is no answer; `for_now`: the server may answer another time."""

    problem: str
    for_now: bool


@dataclass
class LabelQuestions:
    """The questions of one table to one server.

    Attributes:
        settings: the server.
        vocabulary: the labels that it chooses from.
        cache: folder of answers, under `AUTOLABEL_HOME/cache`; may be deleted at any time.
        now: the present moment.
        environ: holds the key of the server.
        usage: what was asked.
        cached: how many answers came from the cache.
    """

    settings: VisionLanguageModel
    vocabulary: tuple[str, ...]
    cache: Path
    now: datetime
    environ: Mapping[str, str] = field(repr=False)
    usage: Usage = field(default_factory=Usage)
    cached: int = 0

    def ask(self, items: Mapping[str, Image.Image | str]) -> dict[str, LabelAnswer | NoAnswer]:
        """Return the answers about documents.

        Args:
            items: images or texts by content hash.

        Returns:
            An answer for each, or why there is none: nothing that a server does is an error.
        """
        answers: dict[str, LabelAnswer | NoAnswer] = {}
        for content in items:
            kept = self._kept(content)
            if kept is not None:
                answers[content] = kept
                self.cached += 1
        unknown = {content: item for content, item in items.items() if content not in answers}
        return answers | (asyncio.run(self._ask_server(unknown)) if unknown else {})

    async def _ask_server(
        self, items: Mapping[str, Image.Image | str]
    ) -> dict[str, LabelAnswer | NoAnswer]:
        try:
            key = server_key(self.settings, self.environ)
        except AutolabelError as error:
            return dict.fromkeys(items, NoAnswer(str(error), for_now=True))
        answers: dict[str, LabelAnswer | NoAnswer] = {}
        waiting = iter(items.items())
        schema = answer_schema(self.vocabulary)
        async with ChatClient(self.settings, schema, key, self.usage) as client:

            async def work() -> None:
                for content, item in waiting:
                    answers[content] = await self._answer(client, content, item)
                    if isinstance(answer := answers[content], NoAnswer) and answer.for_now:
                        # A server that does not answer one is not kept busy with the others.
                        left = {other: answer for other, _ in waiting}
                        answers.update(left)

            await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        return {content: answers[content] for content in items}

    async def _answer(
        self, client: ChatClient, content: str, item: Image.Image | str
    ) -> LabelAnswer | NoAnswer:
        side_px, instructions = self.settings.image_side_px, self.settings.custom_prompt
        messages = question(item, self.vocabulary, side_px, instructions)
        problem = ""
        for _ in range(ASKS):
            try:
                text = await client.ask(messages)
            except (RefusedAnswerError, BrokenAnswerError) as error:
                return NoAnswer(str(error), for_now=False)
            except AutolabelError as error:
                return NoAnswer(str(error), for_now=True)
            try:
                answer = parse_label(text, self.vocabulary)
            except AutolabelError as error:
                problem = str(error)
                continue
            self._keep(content, answer)
            return answer
        return NoAnswer(f"{self.settings.model} answered with {problem}", for_now=False)

    def _file(self, content: str) -> Path:
        settings = self.settings
        asked = [VERSION, settings.model, settings.server, settings.custom_prompt]
        whole = json.dumps([*asked, settings.image_side_px, self.vocabulary, content])
        return self.cache / f"{hashlib.sha256(whole.encode()).hexdigest()[:32]}.json"

    def _kept(self, content: str) -> LabelAnswer | None:
        """Return a good answer of the cache; what is damaged or too old counts as none."""
        if not self.settings.cache_ttl_seconds:
            return None
        try:
            kept = json.loads(self._file(content).read_text(encoding="utf-8"))
            age = self.now - datetime.fromisoformat(kept["saved_at"])
            if timedelta(0) <= age < timedelta(seconds=self.settings.cache_ttl_seconds):
                return parse_label(json.dumps(kept["answer"]), self.vocabulary)
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return None

    def _keep(self, content: str, answer: LabelAnswer) -> None:
        if not self.settings.cache_ttl_seconds:
            return
        kept = {"saved_at": self.now.isoformat(), "answer": vars(answer)}
        text = json.dumps(kept, ensure_ascii=False, sort_keys=True)
        write_atomically(self._file(content), lambda part: _write(part, text))


def _write(part: Path, text: str) -> None:
    part.write_text(text, encoding="utf-8")
