"""A cache on disk of a language model's answers, keyed by the request, with a time to live."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from autolabel_core.clusters.naming.answer_parsing import checked_answer
from autolabel_core.clusters.naming.prompt import VERSION, Showing
from autolabel_core.clusters.naming.prompt_media import Medium
from autolabel_core.declarations.llm_naming import LLMLabeling
from autolabel_core.foundation.atomic_files import write_atomically
from autolabel_core.foundation.errors import AutolabelError

ASKED = (
    *("model", "server", "custom_prompt", "response_shape", "include_summary"),
    *("include_keywords",),
)
"""Settings that change an answer."""


@dataclass(frozen=True)
class AnswerCache:
    """Answers by the content that was shown; neither keys nor documents are stored.

    Attributes:
        folder: where, under `AUTOLABEL_HOME/cache`; may be deleted at any time.
        settings: what is asked, and for how long an answer is good.
        now: the present moment.
    """

    folder: Path
    settings: LLMLabeling
    now: datetime

    def get(self, showing: Showing) -> dict[str, object] | None:
        """Return a good answer, None where there is none; what is damaged counts as none."""
        if not self.settings.cache_ttl_seconds:
            return None
        try:
            kept = json.loads(self._file(showing).read_text(encoding="utf-8"))
            age = self.now - datetime.fromisoformat(kept["saved_at"])
            if not timedelta(0) <= age < timedelta(seconds=self.settings.cache_ttl_seconds):
                return None
            answer, problems = checked_answer(kept["answer"], self.settings)
            return None if problems else answer
        except (OSError, ValueError, KeyError, TypeError, AttributeError, AutolabelError):
            return None

    def put(self, showing: Showing, answer: dict[str, object]) -> None:
        """Keep a checked answer, in one step."""
        if not self.settings.cache_ttl_seconds:
            return
        kept = {"saved_at": self.now.isoformat(), "answer": answer}
        text = json.dumps(kept, ensure_ascii=False, sort_keys=True)
        write_atomically(self._file(showing), lambda part: _write(part, text))

    def prune(self) -> None:
        """Remove what is too old to be used again."""
        ttl_seconds = self.settings.cache_ttl_seconds
        for file in self.folder.glob("*.json") if ttl_seconds else ():
            try:
                if self.now.timestamp() - file.stat().st_mtime > ttl_seconds:
                    file.unlink()
            except OSError:  # another process was faster
                continue

    def _file(self, showing: Showing) -> Path:
        return self.folder / f"{content_key(showing, self.settings)}.json"


def content_key(showing: Showing, settings: LLMLabeling) -> str:
    """Return what an answer depends on, as 32 hexadecimal digits.

    Args:
        showing: the cluster; its id and its size are no part of it, a renamed cluster has its name.
        settings: those that change an answer.

    Returns:
        The same for the same documents and question, whatever addresses are signed with.
    """
    asked = {name: getattr(settings, name) for name in ASKED}
    documents = [[d.text, _identities(d.media)] for d in showing.documents]
    whole = json.dumps([VERSION, asked, documents], ensure_ascii=True, sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()[:32]


def _identities(media: Iterable[Medium]) -> list[str]:
    return [f"{medium.kind} {medium.identity}" for medium in media]


def _write(part: Path, text: str) -> None:
    part.write_text(text, encoding="utf-8")
