"""Only those rows of labels are made again that an edit concerns."""

import json

import pyarrow as pa
from support.angle_samples import NAME, label

from autolabel_core.foundation.progress import no_progress
from autolabel_core.tables import taxonomy_labels
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.table import WHOLE


def table_of(workspace):
    """The labels of the one batch by key."""
    table = taxonomy_labels.TaxonomyLabels(workspace.open(NAME))
    rows = table.warehouse.read_table(table.path("batch_000001")).to_pylist()
    return {row["key"]: row for row in rows}


def test_only_documents_that_an_edit_concerns_are_labelled_again(
    angles, home, bring_up_to_date, monkeypatch
):
    """Two far groups, each of more documents than a list of neighbours has places."""
    left = {f"left {i:02}": i / 10 for i in range(14)}
    right = {f"right {i:02}": 180 + i / 10 for i in range(14)}
    labels = dict.fromkeys(left, "left") | dict.fromkeys(right, "right")
    ws = angles(left | right | {"alone": 90}, labels)
    made = []
    real = taxonomy_labels.label_table

    def watched(known, taxonomy):
        made.extend(row["key"] for row in known.objects)
        return real(known, taxonomy)

    monkeypatch.setattr(taxonomy_labels, "label_table", watched)
    label(ws, {"left 00": "far left"})
    bring_up_to_date(home.workspace, NAME)
    assert made, "the labelled document is among them"
    assert set(made) <= {*left, "alone"}, "none of the right"
    assert table_of(home.workspace)["left 00"]["label"] == "far left"
    made.clear()
    label(home.workspace, {"right 03": None})
    bring_up_to_date(home.workspace, NAME)
    assert set(made) <= {*right, "alone"}


def test_neighbours_of_an_earlier_version_are_looked_for_anew(angles, home, bring_up_to_date):
    ws = angles({"a": 0, "b": 10, "c": 180}, {"a": "left", "c": "right"})
    for file in home.paths.warehouse.rglob(".neighbours/*/*.arrow"):
        batch = pa.ipc.open_file(file.read_bytes()).read_all().combine_chunks().to_batches()[0]
        bare = batch.replace_schema_metadata({"autolabel.references": json.dumps(["a", "c"])})
        ws.warehouse.write_batch(file, bare)
    label(home.workspace, {"b": "near"})
    bring_up_to_date(home.workspace, NAME)
    rows = table_of(home.workspace)
    assert [rows[key]["label"] for key in "abc"] == ["left", "near", "right"]


def test_references_that_change_while_a_batch_is_labelled_are_not_taken_for_the_earlier(
    angles, home, bring_up_to_date
):
    objects = {f"k{i:02}": i * 9 for i in range(40)}
    first = {f"k{i:02}": f"side {i}" for i in range(0, 40, 8)}
    second = {f"k{i:02}": f"new {i}" for i in range(3, 40, 8)}
    ws = angles(objects, first)
    table = taxonomy_labels.TaxonomyLabels(ws.open(NAME))
    earlier = table.fingerprint("batch_000001")
    label(home.workspace, second)
    ReferenceSet(home.workspace.open(NAME)).refresh(WHOLE)
    table.build("batch_000001", earlier, no_progress)
    rows = table_of(home.workspace)
    keys = {row["document_id"]: key for key, row in rows.items()}
    auto = [row for row in rows.values() if row["label_source"] == "auto"]
    assert len(auto) > 10
    for row in auto:
        assert row["label"] == (first | second)[keys[row["source_document_id"]]]
        nearest = min((first | second), key=lambda key, of=row["key"]: apart(objects, key, of))
        assert apart(objects, nearest, row["key"]) == apart(
            objects, keys[row["source_document_id"]], row["key"]
        )


def apart(objects, one, other):
    """Degrees between two documents, the shorter way round."""
    difference = abs(objects[one] - objects[other]) % 360
    return min(difference, 360 - difference)
