"""A collection with its bucket, and the edits that may befall it."""

import json

from conftest import Home

from autolabel_core.documents.current_content import ExistingDocuments
from autolabel_core.labelling.audit import JudgedLabel, record_verdicts
from autolabel_core.labelling.give_labels import GivenLabel, give_labels
from autolabel_core.labelling.promotion import promote
from autolabel_core.labelling.promotion_candidates import candidates
from autolabel_core.labelling.withdrawal import Withdrawal
from autolabel_core.operations.registration import register
from autolabel_core.tables.embeddings import Embeddings
from autolabel_core.tables.raw_objects import RawObjects
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.taxonomy_labels import TaxonomyLabels

NAME = "angles"
TABLES = (RawObjects, Embeddings, ReferenceSet, TaxonomyLabels)
BASE = {f"k{i:02}": 7 * i % 360 for i in range(30)}
BASE_LABELS = {key: f"side {int(key[1:]) % 4}" for key in list(BASE)[:22]}


class World:
    """One collection with its bucket, and the edits that may befall it."""

    def __init__(self, folder, score="nearest"):
        self.home = Home(folder)
        self.score = score
        self.bucket = folder / "bucket"
        self.threshold(0.95)
        for key, angle in BASE.items():
            self.put(key, angle)
        self.sweep()
        self.give([GivenLabel(key, name) for key, name in BASE_LABELS.items()])
        self.sweep()

    @property
    def workspace(self):
        return self.home.workspace

    def threshold(self, value):
        self.home.declare(
            NAME,
            {
                "source": {"uri": str(self.bucket)},
                "feature_extractor": {"feature_extractor_name": "angle_extractor"},
                "taxonomy": {
                    "field_to_enrich": "side",
                    "confidence_threshold": value,
                    "score": self.score,
                },
                "batch_size": 8,
            },
        )

    def sweep(self, workspace=None):
        workspace = workspace or self.workspace
        collection = workspace.open(NAME)
        register(collection)
        for table in TABLES:
            for batch in table(collection).stale():
                assert table(collection).refresh(batch)
        assert [table(collection).stale() for table in TABLES] == [[]] * len(TABLES)

    def give(self, labels):
        collection = self.workspace.open(NAME)
        known = [given for given in labels if (self.bucket / given.key).exists()]
        hashes = ExistingDocuments(collection).content_hashes([given.key for given in known])
        withdrawal = Withdrawal(collection, "me", hashes)
        # Nobody can withdraw what another person alone has said.
        possible = [g for g in known if g.label is not None or not withdrawal.problem(g.key)]
        give_labels(collection, possible, "me", "cli")

    def put(self, key, angle):
        self.bucket.mkdir(exist_ok=True)
        (self.bucket / key).write_text(str(angle))

    def apply(self, edit):
        kind, *values = edit
        getattr(self, f"do_{kind.replace(' ', '_')}")(*values)

    def do_put(self, key, angle):
        self.put(key, angle)

    def do_delete(self, key):
        (self.bucket / f"{key}.json").unlink(missing_ok=True)
        (self.bucket / key).unlink(missing_ok=True)

    def do_label(self, key, name):
        self.give([GivenLabel(key, name)])

    def do_contradict(self, key, name):
        if (self.bucket / key).exists():
            give_labels(self.workspace.open(NAME), [GivenLabel(key, name)], "other", "cli")

    def do_move(self, old, new):
        if (self.bucket / old).exists():
            (self.bucket / old).rename(self.bucket / new)

    def do_withdraw(self, key):
        self.give([GivenLabel(key, None)])

    def do_withdraw_many(self, start, count):
        self.give([GivenLabel(key, None) for key in list(BASE)[start : start + count]])

    def do_sidecar(self, key, name):
        if (self.bucket / key).exists():
            (self.bucket / f"{key}.json").write_text(json.dumps({"side": name}))

    def do_promote(self, count):
        self.sweep()
        collection = self.workspace.open(NAME)
        chosen = candidates(collection, 0.97)[:count]
        promote(collection, chosen, "me")

    def do_wrong(self, count, correct):
        self.sweep()
        auto = [row for row in self.rows() if row["label_source"] == "auto"][:count]
        judged = [
            JudgedLabel(
                r["key"], r["label"], "wrong", None if correct == r["label"] else correct, ""
            )
            for r in auto
        ]
        record_verdicts(self.workspace.open(NAME), judged, "me")

    def do_threshold(self, value):
        self.threshold(value)

    def do_sweep(self):
        self.sweep()

    def rows(self):
        table = TaxonomyLabels(self.workspace.open(NAME))
        files = [table.path(batch) for batch in table.batches]
        rows = [row for file in files for row in table.warehouse.read_table(file).to_pylist()]
        return sorted(rows, key=lambda row: row["key"])
