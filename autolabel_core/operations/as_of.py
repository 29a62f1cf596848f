"""Looks back: a project as it stood at an earlier moment, in a copy that is gone at the end.

Labels are a function of the ledger, the bucket and the declarations. So the ledger is cut off at
that moment, what was declared then is declared again, and the very code that labels today labels
there. The bucket has no history: objects that have changed or gone since are left out, and named.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from autolabel_core.declarations import Collection
from autolabel_core.declarations.collections_folder import CollectionsFolder
from autolabel_core.declarations.rule import with_rule
from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.json_types import JsonObject
from autolabel_core.ledger import Arrival, Ledger
from autolabel_core.ledger.arrivals import DELETED
from autolabel_core.ledger.positions import Positions, keep_until
from autolabel_core.operations.copied_home import copied_home, label_copy
from autolabel_core.operations.sweep import sweep_order
from autolabel_core.tables.workspace import OpenCollection, Workspace

LEFT_OUT = frozenset({"ledger", "clusters", "annotation_exports", "box_exports"})
"""Folders of the warehouse that say something of today, and that no label comes from."""
MAX_NAMED = 5


@dataclass(frozen=True)
class Moment:
    """A moment in the life of a project.

    Attributes:
        name: what people call it.
        positions: how far the ledger reached.
        rules: what was declared, by collection; where one is absent, the ledger knows it.
    """

    name: str
    positions: Positions
    rules: Mapping[str, JsonObject] = field(default_factory=dict)


@dataclass(frozen=True)
class Past:
    """A project as it stood.

    Attributes:
        workspace: the copy.
        moment: when.
        notes: what is not as it stood, a sentence for each.
    """

    workspace: Workspace
    moment: Moment
    notes: list[str]


@contextmanager
def past(workspace: Workspace, moment: Moment, names: Iterable[str] = ()) -> Iterator[Past]:
    """Open a project as it stood.

    Labels are those that a sweep at that moment would have left. Clusters, webhooks and alerts are
    left out.

    Args:
        workspace: the project of today; it stays as it is.
        moment: when.
        names: of the collections that are looked at; empty means all.

    Yields:
        Past: the copy; an `AutolabelError` where the warehouse is not on a disk.
    """
    order = [one.name for one in sweep_order(workspace, names)]
    with copied_home(workspace, order, LEFT_OUT) as copy:
        keep_until(copy.ledger.database, moment.positions)
        notes: list[str] = []
        override = _declared_then(copy.declared, copy.ledger, moment, order, notes)
        # Opened anew: what was read of the ledger is remembered.
        copy = Workspace(copy.paths, copy.s3, override)
        for name in order:
            if not copy.ledger.knows(name):
                shutil.rmtree(copy.paths.warehouse / name, ignore_errors=True)
                continue
            notes += _leave_out_what_is_gone(workspace.open(name), copy.open(name))
        for name in order:
            label_copy(copy, name)
        yield Past(copy, moment, notes)


def _declared_then(
    today: CollectionsFolder,
    ledger: Ledger,
    moment: Moment,
    names: Iterable[str],
    notes: list[str],
) -> CollectionsFolder:
    collections: dict[str, Collection] = {}
    for name, declared in today.collections.items():
        plain = declared.model_copy(update={"clusters": (), "webhooks": (), "alerts": ()})
        recorded = ledger.rules(name)
        rule = moment.rules.get(name) or (recorded[-1].payload if recorded else None)
        if rule is None and name in names and ledger.knows(name):
            notes.append(
                f"`{name}`: what its YAML said then is not recorded; what it says today is used."
            )
        collections[name] = plain if rule is None else with_rule(plain, rule)
    return replace(today, collections=collections)


def _leave_out_what_is_gone(today: OpenCollection, then: OpenCollection) -> list[str]:
    """Take objects that are there no more as they were out of the copy."""
    present = today.ledger.objects(today.name)
    before = {d: a for d, a in then.ledger.objects(then.name).items() if a.event != DELETED}
    changed = {
        document: arrival
        for document, arrival in before.items()
        if present[document].event == DELETED or present[document].version != arrival.version
    }
    contents = _contents(today) if changed else {}
    # What was judged last is the only trace of an earlier content.
    judged = {event.document_id: event.content_hash for event in then.ledger.annotations(then.name)}
    arrivals: list[Arrival] = []
    gone: list[str] = []
    for document, arrival in changed.items():
        same = contents.get(document)
        if same is not None and judged.get(document) == same:
            arrivals.append(arrival._replace(event="updated", version=present[document].version))
        else:
            arrivals.append(arrival._replace(event=DELETED))
            gone.append(arrival.key)
    then.ledger.record_arrivals(then.name, lambda _: arrivals)
    if not gone:
        return []
    labelled = {e.key for e in then.ledger.annotations(then.name)} & set(gone)
    shown = ", ".join(sorted(gone)[:MAX_NAMED]) + (", …" if len(gone) > MAX_NAMED else "")
    without = (
        f" People had labelled {len(labelled)} of them: labels that rested on these may have been "
        "others."
        if labelled
        else ""
    )
    return [
        f"`{then.name}`: {len(gone)} objects have changed or gone since and are left out "
        f"({shown}).{without}"
    ]


def _contents(collection: OpenCollection) -> dict[str, str]:
    """Present content hash of each object, as the last sweep saw it."""
    with Documents(collection, clusters=False).connect() as connection:
        rows = connection.execute(
            "SELECT document_id, content_hash FROM all_documents WHERE content_hash IS NOT NULL"
        ).fetchall()
    return dict(rows)
