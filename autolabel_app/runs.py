"""Materializes what is stale through Dagster, in this process; no other module here imports it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autolabel_app.dagster_home import prepare_dagster_home, without_advice_about_settings
from autolabel_core.declarations.cluster_fields import enriched_fields
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.paths import DEFINITIONS_VARIABLE, definitions_file
from autolabel_core.foundation.project_folder import MARKER
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

LOOK_SECONDS = 5.0
"""How often a run that may wait for others looks whether these still live."""


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
    with collection.warehouse.writing("dagster"), without_advice_about_settings():
        opened = dg.DagsterInstance.get()
    with opened as instance:
        instance.add_dynamic_partitions(partitions_name(name), batches)
        with _dead_runs_reported(instance, collection.workspace):
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
def _dead_runs_reported(instance: Any, workspace: Workspace) -> Iterator[None]:
    """Report runs as failed whose process was killed: a run would wait for their pools for ever.

    Where a daemon runs its sensors do so too; here there may be none.
    """
    from autolabel_assets.resources.dead_runs import fail_dead_runs

    over = threading.Event()

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            fail_dead_runs(instance, workspace)

    fail_dead_runs(instance, workspace)
    thread = threading.Thread(target=look, name="dead runs", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


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
