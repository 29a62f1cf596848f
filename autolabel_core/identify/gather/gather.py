"""Runs the queries, downloads and checks the pictures, and records each outcome."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout
from pydantic import ValidationError

from autolabel_core.declarations.file_name_labels import Card
from autolabel_core.foundation.atomic_files import clear_killed_writes
from autolabel_core.foundation.errors import (
    AutolabelError,
    UnreachableItemError,
    UnreadableItemError,
)
from autolabel_core.foundation.paths import Paths
from autolabel_core.identify.gather.pictures import checked, digest, keep
from autolabel_core.identify.gather.project import Gathering, Query
from autolabel_core.identify.gather.site_adapter import Asking, Found, PictureSite
from autolabel_core.identify.gather.site_registry import SITES
from autolabel_core.identify.gather.sources_csv import Sources
from autolabel_core.identify.web import PoliteClient, agent_name
from autolabel_core.storage.buckets.sources_csv import PictureSource

T = TypeVar("T")
PATIENCE = 3
"""After so many queries in a row that did not reach the site, or pictures, no more are asked."""
Progress = Callable[[int, int], None]


@dataclass
class Gathered:
    """What came of it.

    Attributes:
        fetched: rows of the pictures that were kept now.
        present: how many wanted pictures were there already.
        problems: rows of what failed: queries, and pictures that were refused.
        found: what a dry run would fetch.
    """

    fetched: list[PictureSource] = field(default_factory=list)
    present: int = 0
    problems: list[PictureSource] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)


def gather(
    wanted: Gathering,
    paths: Paths,
    *,
    dry_run: bool = False,
    environ: Mapping[str, str] = os.environ,
    progress: Progress = lambda _done, _total: None,
) -> Gathered:
    """Fetch the pictures that are missing; what fails is recorded, and stops nothing.

    Args:
        wanted: site, queries and folder.
        paths: where answers are cached and locks lie.
        dry_run: ask the site, and neither fetch pictures nor write anything into the folder.
        environ: holds the key of a site that wants one.
        progress: told how many queries are done, of how many.

    Returns:
        What came of it. Where nothing could be asked (no query, no key, or another process gathers
        into this folder) an `AutolabelError` says so.
    """
    site, queries, folder = SITES[wanted.site], wanted.asked(), Path(wanted.out)
    with _client(wanted, site, paths) as client:
        asking = _asking(wanted, site, client, environ)
        if dry_run:
            run = _Run(wanted, asking, Sources(folder), dry=True)
            return _over(queries, run.look, run.gathered, progress)
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder, paths), Sources(folder) as sources:
            clear_killed_writes(folder)
            run = _Run(wanted, asking, sources, dry=False)
            return _over(queries, run.take, run.gathered, progress)


def _over(
    queries: Sequence[Query],
    do: Callable[[Query], None],
    gathered: Gathered,
    progress: Progress,
) -> Gathered:
    for done, query in enumerate(queries, 1):
        do(query)
        progress(done, len(queries))
    return gathered


class _Run:
    """One pass over the queries."""

    def __init__(self, wanted: Gathering, asking: Asking, sources: Sources, dry: bool) -> None:
        self.gathered, self._dry = Gathered(), dry
        self._wanted, self._asking, self._sources = wanted, asking, sources
        self._site = SITES[wanted.site]
        self._limit = wanted.max_per_query or self._site.per_query
        self._folder = Path(wanted.out)
        self._queries, self._pictures = _Patience(), _Patience()

    def look(self, query: Query) -> None:
        """Find out what would be fetched."""
        held = self._sources.held(self._wanted.site, query.query)
        self.gathered.present += len(held)
        if len(held) < self._limit:
            known = {row.picture_url for row in held}
            found = self._found(query)
            self.gathered.found += [one for one in found if one.picture not in known]

    def take(self, query: Query) -> None:
        """Fetch what is missing of a query."""
        held = self._sources.held(self._wanted.site, query.query)
        if len(held) >= self._limit:
            self.gathered.present += len(held)
            return
        self._sources.forget_problems(self._wanted.site, query.query)
        for found in self._found(query):
            self._take(query, found)

    def _found(self, query: Query) -> list[Found]:
        searched = islice(_shaped(self._site, self._asking, query, self._limit), self._limit)
        try:
            found = self._queries.spend(lambda: list(searched))
        except UnreadableItemError as error:
            self._fail(query, str(error))
            return []
        if not found:
            self._fail(query, f"{self._wanted.site} knows nothing of that name")
        return found

    def _take(self, query: Query, found: Found) -> None:
        row = PictureSource(
            label=found.name,
            set_code=found.set_code or "",
            rarity=found.rarity or "",
            site=self._wanted.site,
            query=query.query,
            source_page=found.page,
            picture_url=found.picture,
            licence=found.licence,
            attribution=found.attribution,
        )
        same = self._sources.holder(found.picture)
        if same is not None:
            self.gathered.present += 1
            self._sources.add(replace(same, site=row.site, query=row.query))
            return
        client, limit_bytes = self._asking.client, int(self._wanted.max_picture_mb * 1e6)
        try:
            fetched = self._pictures.spend(lambda: client.content(found.picture, limit_bytes))
            data, suffix = checked(fetched)
            card = Card(found.name, "", found.set_code, found.rarity)
            kept = keep(self._folder, data, suffix, card, self._wanted.names)
        except UnreadableItemError as error:
            self._record(replace(row, problem=str(error)))
            return
        now = datetime.now(UTC).isoformat(timespec="seconds")
        row = replace(row, file=kept.filename, label=kept.name, sha256=digest(data), fetched_at=now)
        self._sources.add(row)
        self.gathered.fetched.append(row)

    def _fail(self, query: Query, problem: str) -> None:
        self._record(PictureSource(site=self._wanted.site, query=query.query, problem=problem))

    def _record(self, row: PictureSource) -> None:
        self.gathered.problems.append(row)
        if not self._dry:
            self._sources.add(row)


class _Patience:
    """Gives a host up that was not reached so often in a row."""

    def __init__(self) -> None:
        self._failed: list[UnreachableItemError] = []

    def spend(self, ask: Callable[[], T]) -> T:
        """Ask, or raise what was said before where there is no patience left."""
        if len(self._failed) >= PATIENCE:
            raise UnreachableItemError(f"not asked, since before it: {self._failed[-1]}")
        try:
            answer = ask()
        except UnreachableItemError as error:
            self._failed.append(error)
            raise
        except UnreadableItemError:
            self._failed.clear()
            raise
        self._failed.clear()
        return answer


def _shaped(site: PictureSite, asking: Asking, query: Query, limit: int) -> Iterator[Found]:
    """Search; an answer of another shape than the site's is told as that."""
    try:
        for found in site.search(asking, query.query, limit):
            licence = found.licence or site.licence
            yield replace(found, name=query.label or found.name, licence=licence)
    except (KeyError, TypeError, IndexError, AttributeError, ValidationError) as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())[:160]
        raise UnreadableItemError(
            f"{asking.base_url} answers in a shape that is not known ({why}). It may have changed; "
            "check `base_url` and `parameters`."
        ) from error


def _client(wanted: Gathering, site: PictureSite, paths: Paths) -> PoliteClient:
    delay_s = site.delay_s if wanted.delay_s is None else wanted.delay_s
    named = [wanted.base_url, wanted.pictures_url, *wanted.allow]
    return PoliteClient(
        delay_s,
        agent=agent_name(wanted.contact),
        cache=paths.web,
        private=[address for address in named if address is not None],
    )


def _asking(
    wanted: Gathering, site: PictureSite, client: PoliteClient, environ: Mapping[str, str]
) -> Asking:
    key = environ.get(site.key_variable) if site.key_variable else None
    if site.needs_key and not key:
        raise AutolabelError(
            f"{wanted.site} answers only with a key: get one from the site and set the environment "
            f"variable {site.key_variable}. It is sent to the site, and neither stored nor shown."
        )
    return Asking(
        client,
        (wanted.base_url or site.base_url).rstrip("/"),
        (wanted.pictures_url or site.pictures_url).rstrip("/"),
        wanted.parameters,
        key,
        Path(wanted.urls) if wanted.urls else None,
    )


@contextmanager
def _alone(folder: Path, paths: Paths) -> Iterator[None]:
    """Keep other processes from gathering into a folder."""
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    paths.locks.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(paths.locks / f"gather.{name}.lock", timeout=0):
            yield
    except Timeout as error:
        raise AutolabelError(
            f"Another process gathers into {folder} at the moment. Wait for it, or stop it."
        ) from error
