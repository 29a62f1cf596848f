"""Sums over what people said of each batch, kept up to date with what was annotated since.

A sum has one term for each document, and does not depend on their order. So one label of a long
history costs the terms of its document, before and after, and nobody reads the history again.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeAlias

from autolabel_core.foundation.atomic_files import write_atomically
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.ids import fingerprint
from autolabel_core.ledger import Annotation
from autolabel_core.ledger.annotation_table import LedgerPosition
from autolabel_core.tables.remembered import file_of
from autolabel_core.tables.table import LedgerSnapshot
from autolabel_core.tables.workspace import OpenCollection

FORMAT = 1
"""Of what is kept; another number has all sums computed anew."""
MODULUS = 1 << 128
UNSEEN = ""
"""In place of a batch: documents that were annotated before any sweep saw their object."""


@dataclass(frozen=True)
class Terms:
    """What some documents add up to.

    Attributes:
        sums: counts, and sums of digests, by name; each from 0 to `MODULUS` - 1.
        displaced: documents with annotations of another content than they have now.
    """

    sums: Mapping[str, int] = field(default_factory=dict)
    displaced: frozenset[str] = frozenset()

    def replaced(self, documents: Collection[str], before: Terms, after: Terms) -> Terms:
        """Return the terms with those of some documents exchanged.

        Args:
            documents: those documents.
            before: what they added to these terms.
            after: what they add now.

        Returns:
            What would be found by adding up everything anew.
        """
        names = {*self.sums, *before.sums, *after.sums}
        sums = {name: self._with(name, before, after) for name in sorted(names)}
        return Terms(sums, self.displaced.difference(documents) | after.displaced)

    def _with(self, name: str, before: Terms, after: Terms) -> int:
        change = after.sums.get(name, 0) - before.sums.get(name, 0)
        return (self.sums.get(name, 0) + change) % MODULUS


Source: TypeAlias = "Callable[[str], str | None]"
"""Tells what the terms of a batch are computed from beside annotations; None: it is unsettled, so
that they are computed each time."""
Measure: TypeAlias = "Callable[[str, Collection[str] | None, int], Terms]"
"""Computes terms: of which batch, which of its documents (None is all), and up to which id of the
ledger."""


@dataclass(frozen=True)
class _State:
    """What was computed, and from what.

    Attributes:
        position: how far the annotations reached.
        unseen: annotated documents of which no object had arrived.
        batches: what each batch was computed from, and its terms.
    """

    position: LedgerPosition
    unseen: frozenset[str] = frozenset()
    batches: Mapping[str, tuple[str, Terms]] = field(default_factory=dict)


def digest(*parts: object) -> int:
    """Return a term of a sum of digests: equal parts give equal numbers."""
    return int(fingerprint(*parts), 16)


def label_digest(annotation: Annotation) -> int:
    """Return what a label that holds adds to the digest of its batch."""
    fields = sorted(annotation.fields.items())
    return digest(annotation.document_id, annotation.label, annotation.source, fields)


def add_up(terms: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return the sums over several terms."""
    total: dict[str, int] = {}
    for sums in terms:
        for name, value in sums.items():
            total[name] = (total.get(name, 0) + value) % MODULUS
    return total


def summed(
    collection: OpenCollection,
    recorded: LedgerSnapshot,
    what: str,
    source: Source,
    measure: Measure,
    position: LedgerPosition | None = None,
) -> dict[str, Terms]:
    """Return the terms of each batch, and of `UNSEEN`.

    What is kept may be deleted at any time; where it cannot be written, it is computed each time.

    Args:
        collection: whose annotations.
        recorded: what the ledger holds of it.
        what: names the sums.
        source: tells what the terms of a batch are computed from.
        measure: computes terms.
        position: the last annotation that counts; None: that of `recorded`.

    Returns:
        By batch.
    """
    file = file_of(collection, what)
    position = position or recorded.annotation_position
    known = _known(collection, file, position)
    annotated = set[str]()
    if position != known.position:
        annotated = collection.ledger.annotated_after(collection.name, known.position.last)
    groups = by_batch(recorded, annotated | known.unseen)
    unseen = groups.pop(UNSEEN, set())
    batches: dict[str, tuple[str, Terms]] = {}
    found: dict[str, Terms] = {UNSEEN: measure(UNSEEN, unseen, position.last)}

    def add_up_batch(batch: str) -> tuple[str | None, Terms]:
        before, made_from = known.batches.get(batch), source(batch)
        if made_from is None or before is None or before[0] != made_from:
            return made_from, measure(batch, None, position.last)
        if documents := groups.get(batch, set()) & annotated:
            old = measure(batch, documents, known.position.last)
            new = measure(batch, documents, position.last)
            return made_from, before[1].replaced(documents, old, new)
        return before

    for batch in recorded.batches:
        made_from, found[batch] = collection.warehouse.undisturbed(partial(add_up_batch, batch))
        if made_from is not None:
            batches[batch] = (made_from, found[batch])
    state = _State(position, frozenset(unseen), batches)
    if state != known:
        text = _text(collection, state)
        with contextlib.suppress(OSError, AutolabelError):
            write_atomically(file, lambda part: part.write_text(text, encoding="utf-8"))
    return found


def by_batch(recorded: LedgerSnapshot, documents: set[str]) -> dict[str, set[str]]:
    """Return documents by the batch that they arrived in, or by `UNSEEN`."""
    arrivals = recorded.arrivals_of(documents)
    groups: dict[str, set[str]] = {}
    for document in documents:
        batch = arrivals[document].batch if document in arrivals else UNSEEN
        groups.setdefault(batch, set()).add(document)
    return groups


def _known(collection: OpenCollection, file: Path, wanted: LedgerPosition) -> _State:
    """Read what was kept; nothing where it is damaged, later, or of another ledger."""
    nothing = _State(LedgerPosition(0, 0, ""))
    try:
        stored = json.loads(file.read_bytes())
        if stored["of"] != _of(collection):
            return nothing
        position = LedgerPosition(*stored["position"])
        batches = {
            batch: (entry["made_from"], Terms(entry["sums"], frozenset(entry["displaced"])))
            for batch, entry in stored["batches"].items()
        }
        state = _State(position, frozenset(stored["unseen"]), batches)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return nothing
    if position == wanted:
        return state
    is_earlier = position == collection.ledger.annotation_position(collection.name, position.last)
    return state if is_earlier and position.last < wanted.last else nothing


def _text(collection: OpenCollection, state: _State) -> str:
    batches = {
        batch: {
            "made_from": made_from,
            "sums": dict(terms.sums),
            "displaced": sorted(terms.displaced),
        }
        for batch, (made_from, terms) in state.batches.items()
    }
    stored = {
        "of": _of(collection),
        "position": list(state.position),
        "unseen": sorted(state.unseen),
        "batches": batches,
    }
    return json.dumps(stored)


def _of(collection: OpenCollection) -> list[object]:
    return [FORMAT, collection.ledger.database.shown]
