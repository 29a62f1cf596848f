"""Other processes at any moment of one: what they do is done between two of its looks or writes."""

from __future__ import annotations

import contextlib
import math
from contextlib import contextmanager
from unittest.mock import patch

from conftest import Home

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.ids import content_hash, document_id
from autolabel_core.labelling.give_labels import GivenLabel, give_labels
from autolabel_core.ledger import effective_annotations
from autolabel_core.ledger.annotation_table import AnnotationRows
from autolabel_core.ledger.arrivals import ArrivalRows
from autolabel_core.ledger.database import Database
from autolabel_core.operations.automation import waiting
from autolabel_core.operations.registration import register
from autolabel_core.operations.staleness_plan import plan
from autolabel_core.storage import checksums
from autolabel_core.storage.buckets.object_source import ObjectSource
from autolabel_core.storage.checksums import Checksums
from autolabel_core.storage.local_files import LocalFiles
from autolabel_core.storage.warehouse import Warehouse
from autolabel_core.tables.embeddings import Embeddings
from autolabel_core.tables.raw_objects import RawObjects
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.taxonomy_labels import TaxonomyLabels

NAME = "angles"
TABLES = (RawObjects, Embeddings, ReferenceSet, TaxonomyLabels)
THRESHOLD = 0.9
ANGLES = (0, 2, 8, 18, 30, 44, 64, 68)
"""No two pairs are equally far apart, so that no document has two nearest references."""
LOOKS = (
    *((LocalFiles, name) for name in ("exists", "local", "files_in", "written_in", "write")),
    *((Checksums, name) for name in ("_noted", "_set_aside", "settle")),
    (checksums, "_sum_of"),
    *((AnnotationRows, name) for name in ("annotation_position", "annotations_of")),
    *((AnnotationRows, name) for name in ("annotated_after", "holding_annotations")),
    *((ArrivalRows, name) for name in ("objects", "objects_of", "arrival_position")),
    *((ObjectSource, name) for name in ("list", "open")),
)
"""Where one process looks at what others may change, or changes what others look at."""


class HeldLockError(Exception):
    """Another process would wait here for a lock; it does something else instead."""


class Interruptions:
    """Does something once before a look of this process, counted from 0."""

    def __init__(self) -> None:
        self._held: set[tuple[str, ...]] = set()
        self._transactions = 0
        self._inside = False
        self._looks, self._at, self._act = 0, -1, lambda: None

    @contextmanager
    def at(self, look: int, act):
        """Do `act` before the look of that number; what it would wait for ends it."""
        self._looks, self._at, self._act = 0, look, act
        try:
            yield
        finally:
            self._at = -1

    @property
    def looks(self) -> int:
        """How many looks there were since the last `at`."""
        return self._looks

    @contextmanager
    def installed(self):
        """Watch all looks, locks and transactions of this process."""
        with contextlib.ExitStack() as stack:
            for owner, name in LOOKS:
                stack.enter_context(patch.object(owner, name, self._watched(getattr(owner, name))))
            stack.enter_context(patch.object(Warehouse, "writing", self._lock(Warehouse.writing)))
            stack.enter_context(
                patch.object(Database, "writing", self._transaction(Database.writing))
            )
            yield self

    def _watched(self, real):
        def look(*arguments, **named):
            if not self._inside and not self._transactions:
                self._looks += 1
                if self._looks == self._at + 1:
                    self._interrupt()
            return real(*arguments, **named)

        return look

    def _interrupt(self) -> None:
        self._inside = True
        try:
            with contextlib.suppress(HeldLockError):
                self._act()
        finally:
            self._inside = False

    def _lock(self, real):
        @contextmanager
        def writing(warehouse, *names):
            if names in self._held:
                raise HeldLockError(names)
            with real(warehouse, *names):
                self._held.add(names)
                try:
                    yield
                finally:
                    self._held.remove(names)

        return writing

    def _transaction(self, real):
        @contextmanager
        def writing(database):
            self._transactions += 1
            try:
                with real(database) as connection:
                    yield connection
            finally:
                self._transactions -= 1

        return writing


class SharedHome:
    """A collection that several processes work on; each action opens its stores anew."""

    def __init__(self, folder, batch_size: int) -> None:
        self.home = Home(folder)
        self.bucket = folder / "bucket"
        self.bucket.mkdir()
        self.home.declare(
            NAME,
            {
                "source": {"uri": str(self.bucket), "max_deleted_share": 1.0},
                "feature_extractor": {"feature_extractor_name": "angle_extractor"},
                "taxonomy": {"field_to_enrich": "side", "confidence_threshold": THRESHOLD},
                "batch_size": batch_size,
            },
        )

    @property
    def opened(self):
        return self.home.workspace.open(NAME)

    def do(self, action) -> None:
        """Do what one process or person does; what is refused is not done."""
        kind, *values = action
        with contextlib.suppress(AutolabelError):
            getattr(self, f"do_{kind}")(*values)

    def do_put(self, key, angle):
        (self.bucket / key).write_text(str(angle))

    def do_delete(self, key):
        (self.bucket / key).unlink(missing_ok=True)

    def do_move(self, old, new):
        if (self.bucket / old).exists():
            (self.bucket / old).rename(self.bucket / new)

    def do_label(self, key, label):
        give_labels(self.opened, [GivenLabel(key, label)], "me", "cli")

    def do_register(self):
        register(self.opened)

    def do_refresh(self, number):
        """What a run does: one table, with what it has read kept over its batches."""
        table = TABLES[number](self.opened)
        for batch in table.stale():
            table.refresh(batch)

    def do_compare(self):
        """What the sensors do."""
        plan(self.opened, uploads_only=True)
        waiting(self.opened)

    def do_sweep(self):
        self.do_register()
        for number in range(len(TABLES)):
            self.do_refresh(number)

    def sweep(self) -> None:
        """Bring everything up to date, undisturbed."""
        for _ in range(4):
            self.do_sweep()
            if not self.stale():
                return
        raise AssertionError(f"still stale: {self.stale()}")

    def stale(self):
        """Stale batches by table, after a look at the bucket."""
        opened = self.opened
        register(opened)
        raw = RawObjects(opened)
        found = {table.name: raw.sibling(table).stale() for table in TABLES}
        return {name: batches for name, batches in found.items() if batches}

    def labels(self):
        """Label and source by key, as the tables have them."""
        table = TaxonomyLabels(self.opened)
        files = [table.path(batch) for batch in table.batches]
        rows = [row for file in files for row in table.warehouse.read_table(file).to_pylist()]
        return {row["key"]: (row["label"], row["label_source"]) for row in rows}

    def naive(self):
        """What `labels` shall be, by the bucket and the ledger alone."""
        angles = {path.name: int(path.read_text()) for path in self.bucket.iterdir()}
        ids = {document_id(NAME, key): key for key in angles}
        contents = {id_: content_hash(str(angles[key]).encode()) for id_, key in ids.items()}
        said = effective_annotations(self.opened.ledger.annotations(NAME), contents)
        references = {id_: a for id_, a in sorted(said.items()) if a.label is not None}
        found = {}
        for id_, key in ids.items():
            if id_ in references:
                found[key] = (references[id_].label, references[id_].source)
                continue
            others = [(abs(angles[ids[i]] - angles[key]), i) for i in references if i != id_]
            apart, nearest = min(others, default=(360, ""))
            is_near = math.cos(math.radians(apart)) >= THRESHOLD and nearest
            found[key] = (references[nearest].label, "auto") if is_near else (None, None)
        return found

    def explained(self) -> str:
        """Return what a person needs to see why labels are not what they shall be."""
        ledger = self.opened.ledger
        lines = [f"labels {self.labels()}", f"wanted {self.naive()}"]
        lines += [str(arrival) for arrival in ledger.objects(NAME).values()]
        lines += [f"{a.key} {a.content_hash[:8]} {a.label}" for a in ledger.annotations(NAME)]
        for table in TABLES:
            opened = table(self.opened)
            made = {b: opened.warehouse.fingerprint(opened.path(b)) for b in opened.partitions}
            lines.append(f"{table.name} {made}")
        return "\n".join(lines)
