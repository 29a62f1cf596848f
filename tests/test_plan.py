import shutil

import pytest
from support.angle_samples import NAME, declaration, label

from autolabel_core.declarations import Collection
from autolabel_core.operations.registration import register
from autolabel_core.operations.staleness_plan import edges_of, plan, tables_of
from autolabel_core.tables.remembered import FOLDER

LABELLING = ("reference_set", "taxonomy_labels", "annotation_exports")
TABLES = tables_of(Collection(collection_name=NAME))
EVERYTHING = tuple(table.name for table in TABLES)


def planned(workspace):
    return plan(workspace.open(NAME))


def without_index(found):
    return tuple(name for name in found.assets if name != "reindexed_vectors")


def test_an_empty_bucket_asks_for_nothing_but_an_empty_reference_set(workspace):
    ws = workspace({NAME: declaration()}, {NAME: {}})
    register(ws.open(NAME))
    assert set(planned(ws).assets) <= {"reference_set", "annotation_exports", "taxonomy_labels"}


def test_new_objects_ask_for_everything_over_their_batch(workspace):
    ws = workspace({NAME: declaration()}, {NAME: {"a": 0}})
    register(ws.open(NAME))
    found = planned(ws)
    assert found.assets == EVERYTHING
    assert found.batches == ("batch_000001",)


def test_nothing_is_planned_when_all_is_current(angles, bring_up_to_date):
    ws = angles({"a": 0, "b": 5}, {"a": "left"})
    bring_up_to_date(ws, NAME, index=True)
    assert not planned(ws)
    assert planned(ws).assets == ()


def test_a_label_asks_for_one_run_over_all_batches(angles):
    ws = angles({f"k{i}": i for i in range(6)}, {"k0": "left"}, batch_size=2)
    label(ws, {"k1": "right"})
    found = planned(ws)
    assert without_index(found) == LABELLING
    assert found.batches[:3] == ("batch_000001", "batch_000002", "batch_000003")


def test_an_upload_without_labels_asks_only_for_its_own_batch(angles, home, bring_up_to_date):
    ws = angles({f"k{i}": i for i in range(6)}, {"k0": "left"}, batch_size=2)
    bring_up_to_date(ws, NAME, index=True)
    home.put(NAME, {"late": 3})
    register(ws.open(NAME))
    assert planned(ws).batches == ("batch_000004",)


@pytest.mark.parametrize(
    ("changed", "assets"),
    [
        ({"taxonomy": {"field_to_enrich": "side", "confidence_threshold": 0.5}}, LABELLING[1:]),
        ({"exports": {"formats": ["csv"]}}, LABELLING[2:]),
        ({"description": "another text"}, ()),
    ],
)
def test_a_changed_declaration_asks_for_what_it_concerns(angles, home, changed, assets):
    angles({"a": 0, "b": 5}, {"a": "left"})
    home.declare(NAME, {**declaration(), **changed})
    assert without_index(planned(home.workspace)) == assets


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_deleted_file_asks_for_itself_and_what_stands_downstream(angles, table):
    ws = angles({"a": 0, "b": 5}, {"a": "left"})
    opened = table(ws.open(NAME))
    if table.name == "reindexed_vectors":
        return
    opened.path(opened.partitions[0]).unlink()
    found = planned(ws).assets
    assert table.name in found
    collection = ws.open(NAME).declaration
    by_name = {table.name: table for table in TABLES}
    for name in found:
        above = {asset for _, asset in edges_of(collection, by_name[name])}
        assert name in {table.name, "reindexed_vectors"} or above & set(found)


def test_the_ledger_is_read_once_for_a_plan(angles, monkeypatch):
    ws = angles({"a": 0, "b": 5}, {"a": "left"})
    reads = []
    ledger = ws.ledger
    shutil.rmtree(ws.paths.cache / FOLDER)
    for name in ("objects", "annotations", "holding_annotations"):
        real = getattr(ledger, name)
        monkeypatch.setattr(
            ledger, name, lambda *a, real=real, name=name: reads.append(name) or real(*a)
        )
    planned(ws)
    assert reads == ["objects"]
    planned(ws)
    assert reads == ["objects"], "arrivals and words are remembered"
