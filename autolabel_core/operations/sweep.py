"""One pass over a collection: register changes, then refresh tables until nothing is stale."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.progress import Progress
from autolabel_core.labelling.certificate_drift import end_drifted_certificates
from autolabel_core.labelling.gold_set import judge_by_gold
from autolabel_core.notifications.batch_events import record_batch_events
from autolabel_core.operations.registration import Registration, register
from autolabel_core.operations.staleness_plan import Plan, plan, tables_of
from autolabel_core.tables.table import WHOLE
from autolabel_core.tables.workspace import OpenCollection, Workspace

MAX_RUNS = 4
Tell = Callable[[str], None]


def sweep_order(workspace: Workspace, names: Iterable[str]) -> Iterator[OpenCollection]:
    """Yield collections, each after the one whose references it looks at.

    Args:
        workspace: the stores.
        names: which; empty means all.

    Yields:
        OpenCollection: each once, also those that the named ones refer to.
    """
    done: set[str] = set()
    for name in list(names) or sorted(workspace.collections):
        chain = [workspace.open(name)]
        while (reference := chain[-1].declaration.reference_collection) not in (
            None,
            chain[-1].name,
        ):
            chain.append(workspace.open(str(reference)))
        for collection in reversed(chain):
            if collection.name not in done:
                done.add(collection.name)
                yield collection


def stale_runs(collection: OpenCollection, tell: Tell) -> Iterator[Plan]:
    """Yield what is to be brought up to date, run after run, until nothing is stale.

    Args:
        collection: opened with its stores.
        tell: told in a line what is being done.

    Yields:
        Plan: the next run; it is carried out before the next one is asked for.

    Raises:
        AutolabelError: the collection keeps changing while it is swept.
    """
    last, runs = None, 0
    while following := plan(collection):
        if following.wanted == last:
            tell(f"{collection.name}: what cannot be read for now is left to the next sweep")
            return
        if runs == MAX_RUNS:
            raise AutolabelError(
                f"`{collection.name}` is still out of date after {MAX_RUNS} runs "
                f"({', '.join(following.assets)}). Is another process writing to "
                f"{collection.paths.warehouse_place}? Sweep again when it is done."
            )
        batches = f"{len(following.batches)} batch{'' if len(following.batches) == 1 else 'es'}"
        tell(f"{collection.name}: {', '.join(following.assets)} over {batches}")
        yield following
        last, runs = following.wanted, runs + 1


def sweep_here(
    collection: OpenCollection,
    tell: Tell,
    progress: Callable[[str], Progress],
    accept_losses: bool = False,
) -> Registration:
    """Bring a collection up to date in this process, without Dagster.

    Args:
        collection: opened with its stores.
        tell: told in a line what is being done.
        progress: gives for a piece of work what is told how far it is.
        accept_losses: whether what looks like a lost mount, or a lost ledger, is meant so.

    Returns:
        What was new, changed or gone in its buckets.
    """
    tell(f"{collection.name}: looking at the bucket")
    registration = register(collection, accept_losses)
    for run in stale_runs(collection, tell):
        for table in tables_of(collection.declaration):
            if table.name not in run.assets:
                continue
            for batch in run.batches if table.partitioned else [WHOLE]:
                table(collection).refresh(batch, progress(f"{table.name} {batch}".strip()))
        record_batch_events(collection)
        end_drifted_certificates(collection)
        judge_by_gold(collection)
    return registration
