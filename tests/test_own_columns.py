"""A declared field never hides, or is hidden by, a column of our own."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest
from support.angle_samples import NAME, declaration, label

from autolabel_core.documents.documents import Documents
from autolabel_core.documents.record import BoxFields, DocumentRecord
from autolabel_core.exports import FORMATS
from autolabel_core.foundation.errors import DeclarationError
from autolabel_core.tables.detection_rows import SCHEMA as DETECTION_SCHEMA
from autolabel_core.tables.object_rows import SCHEMA as RAW_SCHEMA


def own_columns(workspace):
    """Every column of a table, view, record or export of a collection without fields."""
    collection = workspace.open("bare")
    files = workspace.warehouse.path("bare").rglob("*.parquet")
    names = {name for file in files for name in pq.read_schema(file).names}
    with Documents(collection).connect() as connection:
        for view in ("documents", "all_documents"):
            names |= {row[0] for row in connection.execute(f"DESCRIBE {view}").fetchall()}
    records = set(DocumentRecord.__annotations__)
    return names | records | set(RAW_SCHEMA.names) | set(DETECTION_SCHEMA.names)


@pytest.fixture
def bare(workspace, bring_up_to_date):
    made = workspace(
        {"bare": {**declaration(), "feature_extractor": EXTRACTOR}}, {"bare": {"a": 1}}
    )
    bring_up_to_date(made, "bare")
    return made


EXTRACTOR = {"feature_extractor_name": "angle_extractor", "field_passthrough": ["side"]}


def test_every_column_of_ours_is_refused_or_works_as_a_field(
    bare, home, run, bring_up_to_date, tmp_path
):
    names = own_columns(bare) - {"side", "label"}
    assert {"kind", "url", "detections", "key", "score", "version", "taxonomy_match"} <= names
    formats = sorted(name for name in FORMATS if name != "imagefolder")
    allowed, refused = [], []
    for name in sorted(names):
        fields = {**EXTRACTOR, "field_passthrough": ["side", name]}
        home.declare(NAME, {**declaration(), "feature_extractor": fields})
        try:
            home.workspace.collection(NAME)
            allowed.append(name)
        except DeclarationError as error:
            assert f"`{name}` is a column of its own; choose another" in str(error)
            refused.append(name)
    assert set(BoxFields.__annotations__) - {"width_px", "height_px"} <= set(allowed)
    assert {"key", "url", "score", "reason", "metadata", "confidence"} <= set(refused)
    fields = {**EXTRACTOR, "field_passthrough": ["side", *allowed]}
    exports = {"formats": formats}
    home.declare(NAME, {**declaration(), "feature_extractor": fields, "exports": exports})
    values = {name: f"mine {name}" for name in allowed}
    home.put(NAME, {"a": 0, "a.json": json.dumps(values), "b": 5})
    bring_up_to_date(home.workspace, NAME)
    label(home.workspace, {"a": "right"})
    bring_up_to_date(home.workspace, NAME)
    found = json.loads(run("documents", NAME, "--json")[1])
    assert {name: found[0][name] for name in allowed} == values
    for command in (["documents", NAME, "--urls"], ["status", NAME], ["explain", NAME, "b"]):
        status, _, err = run(*command)
        assert status == 0, (command, err)
    columns = ", ".join(f'"{name}"' for name in allowed)
    rows = json.loads(run("query", f"SELECT {columns} FROM {NAME}.documents", "--json")[1])
    assert rows[0] == values


@pytest.mark.parametrize("name", ["kind", "detections", "image_id"])
def test_a_label_field_may_be_called_like_a_column_of_boxes(home, run, bring_up_to_date, name):
    home.declare(
        NAME,
        {
            "taxonomy": {"field_to_enrich": name},
            "feature_extractor": {"feature_extractor_name": "angle_extractor"},
        },
    )
    home.put(NAME, {"a": 0})
    bring_up_to_date(home.workspace, NAME)
    label(home.workspace, {"a": "right"})
    bring_up_to_date(home.workspace, NAME)
    status, out, err = run("documents", NAME)
    assert (status, err) == (0, "") and "right" in out
