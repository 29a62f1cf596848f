"""Fingerprints: named parts, one text form, and files of other versions are rebuilt."""

from dataclasses import replace

import pyarrow as pa
import pytest

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.storage.typed_rows import rows_as
from autolabel_core.tables.detection_rows import SCHEMA as DETECTION_SCHEMA
from autolabel_core.tables.detection_rows import DetectionRow
from autolabel_core.tables.document_table import DocumentRow
from autolabel_core.tables.fingerprints import LabelsFingerprint, MadeFrom, ObjectsFingerprint
from autolabel_core.tables.object_rows import FRAMES_SCHEMA, ObjectRow
from autolabel_core.tables.object_rows import SCHEMA as OBJECT_SCHEMA


def test_the_text_form_is_the_one_that_earlier_versions_wrote():
    assert str(ObjectsFingerprint("a1", "b2")) == "a1.b2"
    assert str(ObjectsFingerprint("a1", "b2", unfinished=True)) == "a1.b2~"
    assert str(MadeFrom("c3", unfinished=True)) == "c3~"


@pytest.mark.parametrize("unfinished", [False, True])
def test_what_was_written_is_read_back(unfinished):
    made_from = LabelsFingerprint("a", "b", "c", unfinished=unfinished)
    assert LabelsFingerprint.parse(str(made_from)) == made_from
    assert replace(made_from, unfinished=False).taxonomy == "b"


@pytest.mark.parametrize("text", ["", "a", "a.b", "a.b.c.d"])
def test_another_number_of_parts_is_refused(text):
    with pytest.raises(ValueError, match="Expected 3 parts"):
        LabelsFingerprint.parse(text)


def test_a_file_of_unknown_origin_is_made_from_nothing(workspace):
    warehouse = workspace({}, {}).warehouse
    path = warehouse.path("c", "raw_objects", "batch_000001.parquet")
    assert ObjectsFingerprint.of_file(warehouse, path) is None
    warehouse.write_table(path, pa.table({"a": [1]}), "one part")
    assert ObjectsFingerprint.of_file(warehouse, path) is None
    warehouse.write_table(path, pa.table({"a": [1]}), "d.v~")
    assert ObjectsFingerprint.of_file(warehouse, path) == ObjectsFingerprint(
        "d", "v", unfinished=True
    )


def test_each_row_type_has_exactly_the_columns_of_its_schema():
    assert set(ObjectRow.__annotations__) == set(FRAMES_SCHEMA.names)
    assert ObjectRow.__required_keys__ == set(OBJECT_SCHEMA.names), "only frames have the others"
    assert set(DetectionRow.__annotations__) == set(DETECTION_SCHEMA.names)


def test_a_table_without_a_declared_column_is_refused_by_name():
    with pytest.raises(AutolabelError, match=r"lacks the columns .*reason"):
        rows_as(pa.table({"document_id": ["d"], "key": ["k"]}), DocumentRow)
