"""Enriched fields: numbers stay numbers, and what a person labelled is enriched too."""

import json

import pyarrow as pa
import pytest
from support.angle_samples import NAME, declaration, label

from autolabel_core.documents.documents import Documents
from autolabel_core.tables.enriched_fields import typed_column

PRICED = {
    **declaration(),
    "feature_extractor": {
        "feature_extractor_name": "angle_extractor",
        "field_passthrough": ["side", "price"],
    },
}
SEPARATE = declaration(
    reference="known", enrichment_fields=[{"source": "price", "target": "expected_price"}]
)


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        ([1, 2, None], pa.int64()),
        ([1, 2.5, None], pa.float64()),
        ([2.5, "3"], pa.float64()),
        ([1, "several"], pa.string()),
        (["00123", "5"], pa.string()),
        ([True, None], pa.bool_()),
        ([True, "yes"], pa.string()),
        ([2**60, 1], pa.string()),
        ([None, None], pa.null()),
        ([], pa.null()),
    ],
)
def test_a_column_has_the_type_of_its_values(values, type_):
    assert typed_column(values).type == type_


def test_no_value_is_changed_by_its_column():
    assert typed_column([1, None, 3]).to_pylist() == [1, None, 3]
    assert typed_column([2**60, 1]).to_pylist() == [str(2**60), "1"]
    assert typed_column([True, "yes"]).to_pylist() == ["true", "yes"]


def records(ws, name=NAME):
    return {r["key"]: r for r in Documents(ws.open(name)).find()}


@pytest.fixture
def priced(workspace, home, bring_up_to_date):
    """References with prices, and a collection that takes the expected price from them."""
    ws = workspace(
        {"known": PRICED, NAME: SEPARATE},
        {"known": {"l": 0, "u": 90}, NAME: {"a": 5, "b": 10, "c": 88, "d": 180}},
    )
    for key, price in (("l", 12.5), ("u", 7)):
        home.put("known", {f"{key}.json": json.dumps({"price": price})})
    for name in ("known", NAME):
        bring_up_to_date(ws, name)
    label(ws, {"l": "left", "u": "up"}, "known")
    label(ws, {"b": "left", "d": "down"})
    for name in ("known", NAME):
        bring_up_to_date(ws, name)
    return ws


def test_numbers_stay_numbers(priced, run):
    found = records(priced)
    assert found["a"]["expected_price"] == 12.5
    assert found["c"]["expected_price"] == 7.0
    assert records(priced, "known")["l"]["price"] == 12.5
    shown = json.loads(run("documents", NAME, "--filter", "expected_price:gt:10", "--json")[1])
    assert {r["key"]: r["expected_price"] for r in shown} == {"a": 12.5, "b": 12.5}
    sql = f"SELECT sum(expected_price) AS s FROM {NAME}.documents"
    (row,) = json.loads(run("query", sql, "--json")[1])
    assert row["s"] == 32.0


def test_what_a_person_labelled_takes_fields_from_the_nearest_reference_of_that_label(priced):
    found = records(priced)
    assert (found["b"]["label_source"], found["b"]["expected_price"]) == ("human", 12.5)
    assert (found["d"]["label_source"], found["d"]["expected_price"]) == ("human", None)


def test_its_own_value_goes_first(workspace, home, bring_up_to_date):
    fields = [{"source": "price", "target": "price_class"}]
    own = {**PRICED, "taxonomy": {**PRICED["taxonomy"], "enrichment_fields": fields}}
    ws = workspace({NAME: own}, {NAME: {"a": 0, "b": 5, "c": 10}})
    home.put(NAME, {"a.json": json.dumps({"price": 3}), "b.json": json.dumps({"price": 4})})
    bring_up_to_date(ws, NAME)
    label(ws, {"a": "left", "b": "left"})
    bring_up_to_date(ws, NAME)
    found = records(ws)
    assert [found[key]["price_class"] for key in "abc"] == [3, 4, 4]
    assert [found[key]["price"] for key in "abc"] == [3, 4, None]


def test_a_batch_without_any_value_turns_no_number_into_a_text(workspace, home, bring_up_to_date):
    ws = workspace({NAME: {**PRICED, "batch_size": 1}}, {NAME: {"a": 0, "b": 90}})
    home.put(NAME, {"a.json": json.dumps({"price": 3})})
    bring_up_to_date(ws, NAME)
    assert [records(ws)[key]["price"] for key in "ab"] == [3, None]


def test_a_promotion_keeps_numbers(workspace, home, bring_up_to_date):
    from autolabel_core.labelling.promotion import promote
    from autolabel_core.labelling.promotion_candidates import candidates

    ws = workspace({NAME: PRICED}, {NAME: {"a": 0, "b": 5}})
    home.put(NAME, {"a.json": json.dumps({"price": 3})})
    bring_up_to_date(ws, NAME)
    label(ws, {"a": "left"})
    bring_up_to_date(ws, NAME)
    assert promote(ws.open(NAME), candidates(ws.open(NAME)), "me") == 1
    bring_up_to_date(ws, NAME)
    assert records(ws)["b"]["price"] == 3
