"""Materializes what is stale through Dagster, in this process; no other module imports it."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autolabel_app.project_files import DAGSTER_YAML
from autolabel_core.declarations.cluster_fields import enriched_fields
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.paths import (
    DAGSTER_HOME_VARIABLE,
    DEFINITIONS_VARIABLE,
    Paths,
    definitions_file,
)
from autolabel_core.foundation.project_folder import DAGSTER_SETTINGS, MARKER
from autolabel_core.operations.registration import (
    Registration,
    bucket_places,
    partitions_name,
    register,
)
from autolabel_core.operations.renaming import renamed_from
from autolabel_core.operations.staleness_plan import Plan, training_plan
from autolabel_core.operations.sweep import stale_runs, sweep_order
from autolabel_core.tables.table import LedgerSnapshot
from autolabel_core.tables.workspace import OpenCollection, Workspace

GRPC_TIMEOUT_VARIABLE = "DAGSTER_GRPC_TIMEOUT_SECONDS"
GRPC_TIMEOUT_SECONDS = 300
"""How long the daemon waits until a run has started; Dagster's own 60 s end runs under load."""


@dataclass(frozen=True)
class SweepResult:
    """What one sweep did for one collection.

    Attributes:
        collection: its name.
        registration: what was new, changed or gone in its buckets.
        runs: the runs it took, each the assets and batches of one plan; empty when all was current.
        run_ids: ids of those runs in Dagster.
    """

    collection: str
    registration: Registration
    runs: tuple[Plan, ...]
    run_ids: tuple[str, ...]


class SweepError(AutolabelError):
    """Some collections could not be swept; the others were.

    Args:
        problems: what is wrong, by collection.
        results: of those that were swept.
    """

    def __init__(self, problems: dict[str, str], results: list[SweepResult]) -> None:
        super().__init__("\n".join(problems.values()))
        self.results = results


def sweep(
    workspace: Workspace,
    names: Iterable[str],
    bar: bool,
    tell: Callable[[str], None],
    accept_losses: bool = False,
) -> list[SweepResult]:
    """Register what changed, then bring every stale asset up to date; current ones cost nothing.

    Args:
        workspace: the stores.
        names: collections; empty means all. Collections that they refer to come first.
        bar: whether to draw a progress bar.
        tell: told in a line what is being done.
        accept_losses: whether what looks like a lost mount, or a lost ledger, is meant so.

    Returns:
        One result for each collection.

    Raises:
        AutolabelError: nothing is declared.
        SweepError: a declaration is wrong, a bucket is missing, a run failed, or a collection keeps
            changing while it is swept; all others were swept nevertheless.
    """
    if not workspace.collections and not workspace.declared.problems:
        raise AutolabelError(
            f"{workspace.paths.collections} declares no collection: put a YAML file there, such as "
            "`things.yaml` with `source: {uri: /data/things}`, or point AUTOLABEL_COLLECTIONS at "
            "the folder that has yours."
        )
    wanted = list(names)
    problems: dict[str, str] = {}
    for problem in workspace.declared.problems:
        if problem.collection in wanted or not wanted:
            problems[f"{problem.collection}.yaml"] = str(problem)
            tell(f"{problem.collection}: cannot be used; see the error below")
    usable = [name for name in wanted if workspace.declared.problem_of(name) is None]
    results = []
    for collection in sweep_order(workspace, usable) if usable or not wanted else ():
        try:
            results.append(_sweep_one(collection, bar, tell, accept_losses))
        except (AutolabelError, OSError) as error:
            name = collection.name
            problems[name] = str(error) if f"`{name}`" in str(error) else f"{name}: {error}"
            tell(f"{name}: failed; see the error below")
    if problems:
        raise SweepError(problems, results)
    return results


def _sweep_one(
    collection: OpenCollection, bar: bool, tell: Callable[[str], None], accept_losses: bool
) -> SweepResult:
    tell(f"{collection.name}: looking at the bucket")
    registration = register(collection, accept_losses)
    if not registration.objects:
        question = renamed_from(collection)
        places = ", ".join(bucket_places(collection))
        tell(f"{collection.name}: empty; {question or f'put files into {places}'}")
    if registration.created and (question := renamed_from(collection)):
        tell(f"{collection.name}: {question}")
    runs: list[Plan] = []
    run_ids: list[str] = []
    for following in stale_runs(collection, tell):
        batches = sorted({*registration.batches, *following.batches})
        run_ids.append(_materialize(collection, batches, following, bar))
        runs.append(following)
    return SweepResult(collection.name, registration, tuple(runs), tuple(run_ids))


def run_clusters(collection: OpenCollection, bar: bool) -> str:
    """Bring the clusters of a collection up to date: full runs that were asked for, and the rest.

    A collection that declares none, and a full run that failed, is an `AutolabelError`.

    Args:
        collection: opened with its stores.
        bar: whether to draw a progress bar.

    Returns:
        The id of the run in Dagster.
    """
    from autolabel_core.clusters.queries import definitions

    name = collection.name
    definitions(collection)
    batches = LedgerSnapshot(collection.workspace, name).batches
    exports = (
        ("annotation_exports",) if enriched_fields(collection.workspace.collections, name) else ()
    )
    return _materialize(collection, batches, Plan(("clusters", *exports), ()), bar)


def train(workspace: Workspace, name: str, bar: bool, tell: Callable[[str], None]) -> bool:
    """Train and judge what was asked for.

    Args:
        workspace: the stores.
        name: the collection.
        bar: whether to draw a progress bar.
        tell: told in a line what is being done.

    Returns:
        Whether anything was asked for.
    """
    collection = workspace.open(name)
    following = training_plan(collection)
    if following:
        tell(f"{name}: {', '.join(following.assets)}")
        _materialize(collection, [], following, bar)
    return bool(following)


def prepare_dagster_home(paths: Paths) -> Path:
    """Return Dagster's home: the user's `DAGSTER_HOME`, else one in `AUTOLABEL_HOME`; made if new.

    Args:
        paths: where state lives.

    Returns:
        The folder; the environment variable is set to it.

    Raises:
        AutolabelError: it is a file.
    """
    home = Path(os.environ.get(DAGSTER_HOME_VARIABLE) or paths.dagster_home).expanduser().absolute()
    if home.exists() and not home.is_dir():
        raise AutolabelError(f"{DAGSTER_HOME_VARIABLE} is {home}, a file: name a folder.")
    home.mkdir(parents=True, exist_ok=True)
    settings = home / DAGSTER_SETTINGS
    if not settings.exists() and (home == paths.dagster_home or not any(home.iterdir())):
        settings.write_text(DAGSTER_YAML, encoding="utf-8")
    os.environ[DAGSTER_HOME_VARIABLE] = str(home)
    # A home of the user's own may not say it.
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "yes")
    os.environ.setdefault(GRPC_TIMEOUT_VARIABLE, str(GRPC_TIMEOUT_SECONDS))
    return home


def _materialize(
    collection: OpenCollection,
    batches: list[str],
    following: Plan,
    bar: bool,
) -> str:
    home = prepare_dagster_home(collection.paths)
    os.environ.update(collection.paths.environment)
    # A project's dagster.yaml names folders relative to itself.
    with contextlib.chdir(home if (home / MARKER).is_file() else Path.cwd()):
        return _run(collection, batches, following, bar)


def _run(
    collection: OpenCollection,
    batches: list[str],
    following: Plan,
    bar: bool,
) -> str:
    import dagster as dg

    definitions = _load_definitions()
    name = collection.name
    tags = {"autolabel/collection": name, "autolabel/by": "sweep"}
    if following.batches:
        tags["dagster/asset_partition_range_start"] = following.batches[0]
        tags["dagster/asset_partition_range_end"] = following.batches[-1]
    keys = [dg.AssetKey([name, asset]) for asset in following.assets]
    resources = dict(definitions.resources or {})
    resources["progress"] = type(resources["progress"])(bar=bar)
    # Two processes that open a new instance at once would both create its tables.
    with collection.warehouse.writing("dagster"), _no_advice_about_settings():
        opened = dg.DagsterInstance.get()
    with opened as instance:
        instance.add_dynamic_partitions(partitions_name(name), batches)
        result = dg.materialize(
            [*(definitions.assets or []), *(definitions.asset_checks or [])],
            selection=dg.AssetSelection.assets(*keys),
            instance=instance,
            resources=resources,
            tags=tags,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    if not result.success:
        raise AutolabelError(_failure(result))
    return str(result.run_id)


@contextlib.contextmanager
def _no_advice_about_settings() -> Iterator[None]:
    """Dagster warns of a `DAGSTER_HOME` without dagster.yaml, which is the user's to leave so."""

    def concerns_more(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("No dagster instance configuration file")

    logger = logging.getLogger("dagster")
    logger.addFilter(concerns_more)
    try:
        yield
    finally:
        logger.removeFilter(concerns_more)


def _load_definitions() -> Any:
    file = definitions_file()
    if not file.is_file():
        raise AutolabelError(
            f"The Dagster code location {file} does not exist. Point AUTOLABEL_DEFINITIONS at "
            "the file that defines yours, or unset it to take the one of autolabel."
        )
    if os.environ.get(DEFINITIONS_VARIABLE) and str(file.parent) not in sys.path:
        sys.path.insert(0, str(file.parent))
    spec = importlib.util.spec_from_file_location("autolabel_definitions", file)
    if spec is None or spec.loader is None:
        raise AutolabelError(f"{file} cannot be loaded as Python.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.defs


def _failure(result: Any) -> str:
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            described = data.user_failure_data.description if data.user_failure_data else None
            return described or f"{event.step_key} failed: {data.error.to_string()}"
    return f"The run {result.run_id} failed; see its log in Dagster."
