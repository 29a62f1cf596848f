"""Naming the clusters of one run: from the cache, from the server, else without it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autolabel_core.clusters.naming.answer_parsing import answer_name, parse_answer
from autolabel_core.clusters.naming.cache import AnswerCache
from autolabel_core.clusters.naming.chat_client import (
    BrokenAnswerError,
    ChatServer,
    RefusedAnswerError,
    server_key,
)
from autolabel_core.clusters.naming.keyword_names import offline_names
from autolabel_core.clusters.naming.merge_names import Embed, merge_alike
from autolabel_core.clusters.naming.prompt import Showing, calls, messages
from autolabel_core.clusters.naming.prompt_media import Sign, shown
from autolabel_core.clusters.naming.samples import ClusterName, ClusterSample
from autolabel_core.declarations.llm_naming import LLMLabeling
from autolabel_core.foundation.errors import AutolabelError

ASKS = 2
"""How often a cluster is asked about before its answer is given up as unusable."""


def hashed_vectors(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """Return vectors of texts by the embedded text extractor."""
    from autolabel_core.models.extractors.hashed import text_vector

    return np.stack([text_vector(text) for text in texts])


@dataclass(frozen=True)
class NamingContext:
    """What naming needs beside the clusters.

    Attributes:
        cache: folder of answers, under `AUTOLABEL_HOME/cache`.
        now: the present moment.
        environ: holds the keys of servers.
        sign: makes `s3://` addresses ones that a server can fetch.
        embed: vectors of labels, to find those that mean the same.
    """

    cache: Path
    now: datetime
    environ: Mapping[str, str] = field(repr=False)
    sign: Sign
    embed: Embed = hashed_vectors


@dataclass(frozen=True)
class NamingResult:
    """The names of a run's clusters, and what they cost.

    Attributes:
        names: one for each cluster, by its id.
        usage: `calls, retries, cached, named_by_llm, input_tokens, output_tokens, cost_usd` (None
            where no prices are declared).
        problems: why clusters were named without the server; a line each, without secrets.
        merged: clusters that took the label of another, by id.
    """

    names: dict[str, ClusterName]
    usage: dict[str, Any]
    problems: list[str]
    merged: dict[str, str]


def name_clusters(
    samples: Sequence[ClusterSample],
    settings: LLMLabeling | None,
    context: NamingContext,
    wanted: Collection[str] | None = None,
) -> NamingResult:
    """Name every cluster; a server that fails costs its names, never the run.

    Args:
        samples: the clusters.
        settings: the server and what it is shown; None asks no server.
        context: cache, clock, environment.
        wanted: ids of those to be named; the others only tell keywords apart. None: all.

    Returns:
        The names.
    """
    declared = settings or LLMLabeling(enabled=False)
    names = offline_names(samples, declared.include_summary, declared.include_keywords)
    asked = [s for s in samples if wanted is None or s.cluster_id in wanted]
    asking = _Asking(declared, context)
    if declared.enabled and asked:
        asyncio.run(asking.ask(asked))
    names = {s.cluster_id: names[s.cluster_id] for s in asked} | asking.names
    merged: dict[str, str] = {}
    if declared.use_embedding_dedup and names:
        sizes = {sample.cluster_id: sample.size for sample in asked}
        least = declared.embedding_similarity_threshold
        names, merged = merge_alike(names, sizes, context.embed, least)
    return NamingResult(names, asking.usage, asking.problems, merged)


class _Asking:
    """The questions of one run to one server."""

    def __init__(self, settings: LLMLabeling, context: NamingContext) -> None:
        self._settings = settings
        self._context = context
        self._cache = AnswerCache(context.cache, settings, context.now)
        self._cached = 0
        self._server: ChatServer | None = None
        self.names: dict[str, ClusterName] = {}
        self.problems: list[str] = []

    @property
    def usage(self) -> dict[str, Any]:
        """What it took."""
        spent = self._server.usage if self._server else None
        return {
            "calls": spent.calls if spent else 0,
            "retries": spent.retries if spent else 0,
            "cached": self._cached,
            "named_by_llm": len(self.names),
            "input_tokens": spent.input_tokens if spent else 0,
            "output_tokens": spent.output_tokens if spent else 0,
            "cost_usd": spent.cost_usd(self._settings) if spent else 0.0,
        }

    async def ask(self, samples: Sequence[ClusterSample]) -> None:
        """Fill in names and problems."""
        self._cache.prune()
        open_ = [showing for showing in map(self._showing, samples) if not self._known(showing)]
        if not open_:
            return
        try:
            key = server_key(self._settings, self._context.environ)
            async with ChatServer(self._settings, key) as self._server:
                for call in calls(open_, self._settings):
                    await self._ask_until_right(self._server, call)
        except AutolabelError as error:
            left = sum(showing.cluster_id not in self.names for showing in open_)
            self.problems.append(f"{error} {left} clusters are named without it.")

    def _showing(self, sample: ClusterSample) -> Showing:
        documents = sample.documents[: self._settings.max_samples_per_cluster]
        sign = self._context.sign
        return Showing(sample, tuple(shown(d, self._settings, sign) for d in documents))

    def _known(self, showing: Showing) -> bool:
        answer = self._cache.get(showing)
        if answer is not None:
            self.names[showing.cluster_id] = answer_name(answer)
            self._cached += 1
        return answer is not None

    async def _ask_until_right(self, server: ChatServer, call: Sequence[Showing]) -> None:
        """Ask, and once more about the clusters whose answer cannot be used."""
        problems: list[str] = []
        for _ in range(ASKS):
            call = [showing for showing in call if showing.cluster_id not in self.names]
            if not call:
                return
            try:
                problems = self._take(call, await server.ask(messages(call, self._settings)))
            except RefusedAnswerError as error:
                problems = [str(error)]
                break
            except BrokenAnswerError as error:
                problems = [str(error)]
        self.problems += problems

    def _take(self, call: Sequence[Showing], text: str) -> list[str]:
        ids = [showing.cluster_id for showing in call]
        answers, problems = parse_answer(text, ids, self._settings)
        for showing in call:
            if showing.cluster_id in answers:
                self.names[showing.cluster_id] = answer_name(answers[showing.cluster_id])
                self._cache.put(showing, answers[showing.cluster_id])
        return problems
