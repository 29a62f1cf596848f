"""Names the clusters of one run: from the cache, by a language model, else without one."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from autolabel_core.clusters.naming.answer_parsing import (
    answer_name,
    answers_schema,
    parse_answer,
)
from autolabel_core.clusters.naming.cache import AnswerCache
from autolabel_core.clusters.naming.keyword_names import distinct_names, offline_names
from autolabel_core.clusters.naming.merge_names import Embed, merge_alike
from autolabel_core.clusters.naming.prompt import Showing, calls, messages, showing_of
from autolabel_core.clusters.naming.prompt_media import Sign, shown
from autolabel_core.clusters.naming.samples import ClusterName, ClusterSample
from autolabel_core.declarations.llm_naming import LLMLabeling
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.models.language_models.chat_client import (
    BrokenAnswerError,
    ChatClient,
    RefusedAnswerError,
    server_key,
)

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
    usage: dict[str, float | None]
    problems: list[str]
    merged: dict[str, str]


def name_clusters(
    samples: Sequence[ClusterSample],
    settings: LLMLabeling | None,
    context: NamingContext,
    wanted: Collection[str] | None = None,
    taken: Collection[str] = (),
) -> NamingResult:
    """Name every cluster; a server that fails costs its names, never the run.

    Args:
        samples: the clusters.
        settings: the server and what it is shown; None asks no server.
        context: cache, clock, environment.
        wanted: ids of those to be named; the others only tell keywords apart. None: all.
        taken: labels of the others.

    Returns:
        The names.
    """
    declared = settings or LLMLabeling(enabled=False)
    names = offline_names(samples, declared.include_summary, declared.include_keywords)
    asked = [s for s in samples if wanted is None or s.cluster_id in wanted]
    asking = _Asking(declared, context)
    if declared.enabled and asked:
        asyncio.run(asking.ask(asked))
    sizes = {sample.cluster_id: sample.size for sample in asked}
    offline = {c: names[c] for c in sizes if c not in asking.names}
    if not declared.use_embedding_dedup:
        given = [*taken, *(name.label for name in asking.names.values())]
        offline = distinct_names(offline, sizes, given)
    names = {c: asking.names.get(c) or offline[c] for c in sizes}
    merged: dict[str, str] = {}
    if declared.use_embedding_dedup and names:
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
        self._server: ChatClient | None = None
        self._partial: dict[str, ClusterName] = {}
        self.names: dict[str, ClusterName] = {}
        self.problems: list[str] = []

    @property
    def usage(self) -> dict[str, float | None]:
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
        showings = [showing for showing in map(self._showing, samples) if not self._known(showing)]
        unknown = self._with_content(showings)
        if not unknown:
            return
        try:
            key = server_key(self._settings, self._context.environ)
            schema = answers_schema(self._settings)
            async with ChatClient(self._settings, schema, key) as self._server:
                for call in calls(unknown, self._settings):
                    await self._ask_until_right(self._server, call)
        except AutolabelError as error:
            unnamed = sum(showing.cluster_id not in self.names for showing in unknown)
            self.problems.append(f"{error} {unnamed} clusters are named without it.")

    def _showing(self, sample: ClusterSample) -> Showing:
        documents = sample.documents[: self._settings.max_samples_per_cluster]
        sign = self._context.sign
        return showing_of(sample, (shown(d, self._settings, sign) for d in documents))

    def _with_content(self, showings: Sequence[Showing]) -> list[Showing]:
        """Leave out clusters of which there is nothing to show, and say so: names are of content.

        An answer to nothing would be kept in the cache for every other cluster without content.
        """
        empty = [showing.cluster_id for showing in showings if showing.is_empty]
        if empty:
            self.problems.append(
                f"{', '.join(empty)}: nothing of their documents can be shown, so that they are "
                "named without the server. Check the paths under llm_labeling.labeling_inputs."
            )
        return [showing for showing in showings if not showing.is_empty]

    def _known(self, showing: Showing) -> bool:
        answer = None if showing.is_empty else self._cache.get(showing)
        if answer is not None:
            self.names[showing.cluster_id] = answer_name(answer)
            self._cached += 1
        return answer is not None

    async def _ask_until_right(self, server: ChatClient, call: Sequence[Showing]) -> None:
        """Ask, and once more about the clusters whose answer is not as declared.

        A good label is kept, whatever else is wrong with its answer.
        """
        problems: list[str] = []
        call = self._with_content([showing.loaded() for showing in call])
        try:
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
        finally:
            self.names = {**self._partial, **self.names}

    def _take(self, call: Sequence[Showing], text: str) -> list[str]:
        parsed = parse_answer(text, [showing.cluster_id for showing in call], self._settings)
        for showing in call:
            cluster = showing.cluster_id
            if cluster in parsed.complete:
                self.names[cluster] = answer_name(parsed.complete[cluster])
                self._cache.put(showing, parsed.complete[cluster])
            elif cluster in parsed.partial:
                self._partial[cluster] = answer_name(parsed.partial[cluster])
        return parsed.problems
