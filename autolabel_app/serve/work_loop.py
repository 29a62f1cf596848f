"""Keeps every collection up to date, pass after pass: what the daemon's sensors do, in one process.

Started by `autolabel serve --work` as a process of its own, so that no request waits behind a
sweep. Models stay loaded between passes. It writes a line of JSON for everything it does.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

from autolabel_app.serve.opened_project import OpenedProject
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.progress import told_in_lines
from autolabel_core.operations.project import Project
from autolabel_core.operations.sweep import sweep_here, sweep_order
from autolabel_core.tables.workspace import OpenCollection

LOOK_SECONDS = 0.25
PASS_SECONDS = 2.0
REST = 5.0
Tell = Callable[[str, str, str], None]


def work(opened: OpenedProject, tell: Tell, is_over: Callable[[], bool]) -> None:
    """Sweep all collections whenever somebody has labelled, and now and then for new objects.

    A pass follows within `LOOK_SECONDS` of a label; the buckets are looked at every `PASS_SECONDS`,
    or more rarely where a look takes long, so that looking costs a sixth of a core at most.

    Args:
        opened: the project.
        tell: told the collection, what is done in it, and what failed, the last two or empty.
        is_over: whether to end after this pass.
    """
    said, rest, ended = None, 0.0, float("-inf")
    while not is_over():
        now_said = _said(opened)
        if now_said == said and time.monotonic() - ended < rest:
            time.sleep(LOOK_SECONDS)
            continue
        began = time.monotonic()
        _sweep_all(opened, tell)
        ended = time.monotonic()
        said, rest = now_said, max(PASS_SECONDS, REST * (ended - began))


def _said(opened: OpenedProject) -> object:
    """Return what changes with every annotation."""
    try:
        project = opened.project
        ledger = project.workspace.ledger
        return [(name, ledger.last_annotation_ids(name)) for name in project.collections]
    except (AutolabelError, OSError) as error:
        return str(error)


def _sweep_all(opened: OpenedProject, tell: Tell) -> None:
    """One pass; what is wrong with one collection stops no other."""
    project = opened.project
    done: set[str] = set()
    for name in project.collections:
        try:
            for collection in sweep_order(project.workspace, [name]):
                if collection.name not in done:
                    done.add(collection.name)
                    _sweep(collection, tell)
        except (AutolabelError, OSError) as error:
            tell(name, "", str(error))


def _sweep(collection: OpenCollection, tell: Tell) -> None:
    name = collection.name

    def doing(line: str) -> None:
        tell(name, line.removeprefix(f"{name}: "), "")

    sweep_here(collection, doing, lambda what: told_in_lines(what, doing))
    tell(name, "", "")


def main() -> None:
    """Work until the parent ends or asks for the end."""

    def tell(collection: str, doing: str, trouble: str) -> None:
        print(
            json.dumps({"collection": collection, "doing": doing, "trouble": trouble}), flush=True
        )

    try:
        work(OpenedProject(Project.open()), tell, lambda: False)
    except (BrokenPipeError, KeyboardInterrupt):
        sys.exit(0)


if __name__ == "__main__":
    main()
