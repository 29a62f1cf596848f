from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.naive_conditions import holds

from autolabel_core.declarations.conditions import (
    OPERATORS,
    AllOf,
    AnyOf,
    Comparison,
    Negation,
    fields_of,
    parse,
    parse_text,
    to_sql,
)
from autolabel_core.foundation.errors import AutolabelError, NotFoundError

LABELS = [
    "cat",
    "7",
    "7.0",
    " 7",
    "true",
    "TRUE",
    "nan",
    "1_000",
    "",
    None,
    "A>B",
    "A > B > C",
    "AB",
]
NUMBERS = [0.0, -1.5, 7.0, 1e16, 1e-5, float("nan"), float("inf"), None]
TAGS = [None, [], ["a", "b"], ["a", None], ["7"], ["[a]"]]
COLUMNS = {
    "label": "label",
    "score": "score",
    "count": "count",
    "matched": "matched",
    "tags": "tags",
    "meta.camera": "struct_extract(meta, 'camera')",
    "meta": "meta",
}
SCHEMA = pa.schema(
    [
        ("label", pa.string()),
        ("score", pa.float64()),
        ("count", pa.int64()),
        ("matched", pa.bool_()),
        ("tags", pa.list_(pa.string())),
        ("meta", pa.struct([("camera", pa.string())])),
    ]
)


def rows_that_hold(condition, rows):
    import duckdb

    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    sql, values = to_sql(condition, COLUMNS)
    with duckdb.connect() as connection:
        connection.register("documents", table)
        found = connection.execute(f"SELECT {sql} FROM documents", values).fetchall()
    return [row[0] for row in found]


documents = st.fixed_dictionaries(
    {
        "label": st.sampled_from(LABELS) | st.text(max_size=4),
        "score": st.sampled_from(NUMBERS) | st.floats(),
        "count": st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 8),
        "matched": st.none() | st.booleans(),
        "tags": st.sampled_from(TAGS),
        "meta": st.fixed_dictionaries({"camera": st.sampled_from(["cam 1", "7", None])}),
    }
)
texts = st.sampled_from([label for label in LABELS if label is not None]) | st.text(max_size=3)
numbers = st.sampled_from([0, 7, 7.0, -1.5, 1e16, 1e-5]) | st.floats(allow_nan=False)
scalars = texts | numbers | st.booleans() | st.none()


@st.composite
def comparisons(draw):
    field = draw(st.sampled_from(sorted(COLUMNS)))
    operator = draw(st.sampled_from(OPERATORS))
    values = {
        "exists": st.booleans(),
        "in": st.lists(scalars, max_size=4),
        "contains": texts | st.none(),
        "under": texts.filter(lambda text: text.strip()) | st.none(),
        "eq": scalars,
        "ne": scalars,
    }
    value = draw(values.get(operator, texts | numbers | st.none()))
    return {"field": field, "operator": operator, "value": value}


conditions = st.recursive(
    comparisons(),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.fixed_dictionaries({"AND": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries({"OR": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries({"NOT": st.tuples(inner)}),
        st.fixed_dictionaries(
            {"must": st.lists(inner, max_size=2), "must_not": st.lists(inner, max_size=2)}
        ),
    ),
    max_leaves=5,
)


@settings(max_examples=100, deadline=None)
@given(conditions, st.lists(documents, min_size=1, max_size=6))
def test_rows_and_single_documents_agree_about_every_condition(raw, rows):
    condition = parse(raw)
    assert rows_that_hold(condition, rows) == [holds(condition, row) for row in rows]


NAMED = [
    ("null is missing", "label:eq:null", {"label": None}, True),
    ("an absent field is missing", "label:eq:null", {}, True),
    ("an empty text is not missing", "label:eq:null", {"label": ""}, False),
    ("not equal includes null", "label:ne:cat", {"label": None}, True),
    ("not equal excludes the value", "label:ne:cat", {"label": "cat"}, False),
    ("not equal to null is exists", "label:ne:null", {"label": "cat"}, True),
    ("exists", "label:exists:true", {"label": "cat"}, True),
    ("exists without a value", "label:exists", {"label": None}, False),
    ("does not exist", "label:exists:false", {"label": None}, True),
    ("null is below nothing", "score:lt:0.4", {"score": None}, False),
    ("at the bound, at least", "score:gte:0.85", {"score": 0.85}, True),
    ("at the bound, above", "score:gt:0.85", {"score": 0.85}, False),
    ("at most", "score:lte:0.85", {"score": 0.85}, True),
    ("a text that reads as a number", "label:eq:7", {"label": "7.0"}, True),
    ("a text that does not", "label:gt:0", {"label": "cat"}, False),
    ("a quoted number is a text", 'label:eq:"7"', {"label": "7.0"}, False),
    ("a number is no truth value", "matched:eq:1", {"matched": True}, False),
    ("a truth value in a text", "label:eq:true", {"label": "TRUE"}, True),
    ("not a number answers nothing", "score:gte:0", {"score": float("nan")}, False),
    ("one of several", "label:in:cat,dog", {"label": "dog"}, True),
    ("one of several types", "count:in:1, 2,null", {"count": None}, True),
    ("one of none", "label:in:", {"label": ""}, False),
    ("a comma within quotes", 'label:in:"a, b",c', {"label": "a, b"}, True),
    ("part of a text", "label:contains:a", {"label": "cat"}, True),
    ("per cent is no wildcard", "label:contains:%", {"label": "cat"}, False),
    ("member of a list", "tags:contains:a", {"tags": ["a", "b"]}, True),
    ("part of a member is none", "tags:contains:a", {"tags": ["ab"]}, False),
    ("the label itself", "label:under:Shoes", {"label": "Shoes"}, True),
    ("a descendant", "label:under:Shoes > Running", {"label": "Shoes > Running > Red"}, True),
    (
        "another spelling of the path",
        "label:under:Shoes>Running",
        {"label": "Shoes >Running"},
        True,
    ),
    ("a longer word is no descendant", "label:under:Shoes", {"label": "Shoes and socks"}, False),
    ("colons in the value", "meta.camera:eq:rtsp://a:1", {"meta": {"camera": "rtsp://a:1"}}, True),
]


@pytest.mark.parametrize(
    ("text", "document", "expected"), [row[1:] for row in NAMED], ids=[row[0] for row in NAMED]
)
def test_a_condition_means_what_it_says(text, document, expected):
    condition = parse(text)
    assert holds(condition, document) is expected
    assert rows_that_hold(condition, [document]) == [expected]


UNLABELLED = Comparison("product_label", "eq", None)
FORMS = [
    ("flat", {"field": "product_label", "operator": "eq", "value": None}, UNLABELLED),
    (
        "key and match",
        {"key": "product_label", "match": {"operator": "eq", "value": None}},
        UNLABELLED,
    ),
    ("match without operator", {"key": "a", "match": {"value": "x"}}, Comparison("a", "eq", "x")),
    ("text", "product_label:eq:null", UNLABELLED),
    (
        "must",
        {"must": [{"key": "product_label", "match": {"operator": "eq", "value": None}}]},
        AllOf((UNLABELLED,)),
    ),
    ("AND", {"AND": ["product_label:eq:null", "a:exists"]}, AllOf((UNLABELLED, parse("a:exists")))),
    ("OR", {"OR": ["product_label:eq:null"]}, AnyOf((UNLABELLED,))),
    ("lower case", {"or": ["product_label:eq:null"]}, AnyOf((UNLABELLED,))),
    ("NOT", {"NOT": "product_label:eq:null"}, Negation(UNLABELLED)),
    ("must_not", {"must_not": ["a:exists"]}, Negation(AnyOf((parse("a:exists"),)))),
    ("list", ["product_label:eq:null"], AllOf((UNLABELLED,))),
    (
        "two groups",
        {"must": ["a:eq:1"], "should": ["b:eq:2"]},
        AllOf((AllOf((parse("a:eq:1"),)), AnyOf((parse("b:eq:2"),)))),
    ),
    ("nothing", {}, AllOf(())),
    ("no wishes", {"should": []}, AllOf(())),
    ("parsed already", UNLABELLED, UNLABELLED),
]


@pytest.mark.parametrize(
    ("raw", "expected"), [row[1:] for row in FORMS], ids=[row[0] for row in FORMS]
)
def test_every_written_form_becomes_the_same_tree(raw, expected):
    assert parse(raw) == expected


WRONG = [
    ("an operator that is nearly one", {"field": "a", "operator": "gtr", "value": 1}, '"gt"'),
    ("another operator", "a:like:x", "Accepted: eq, ne"),
    ("a key that is nearly one", {"feild": "a", "operator": "eq", "value": 1}, '"field"'),
    ("a group that is nearly one", {"ADN": []}, '"AND"'),
    ("no value", {"field": "a", "operator": "gt"}, "Expected a value for a gt"),
    ("no field", {"operator": "eq", "value": 1}, "condition with a field"),
    ("no operator in a text", "label", "field:operator:value"),
    ("a list for eq", {"field": "a", "operator": "eq", "value": [1]}, "operator in"),
    ("no list for in", {"field": "a", "operator": "in", "value": "x"}, "list of values"),
    ("no truth value for exists", "a:exists:1", "true or false"),
    ("a truth value for an order", "a:gt:true", "a number or a text"),
    ("not a number", {"field": "a", "operator": "gt", "value": float("nan")}, "a number"),
    ("under nothing", "a:under: ", "a label"),
    ("several under NOT", {"NOT": ["a:exists", "b:exists"]}, "must_not"),
    ("no condition", 3, "Accepted forms"),
    ("a match that is no mapping", {"key": "a", "match": 3}, "condition with a field"),
]


@pytest.mark.parametrize(("raw", "message"), [row[1:] for row in WRONG], ids=[r[0] for r in WRONG])
def test_a_malformed_condition_says_what_was_found_and_what_is_accepted(raw, message):
    with pytest.raises(AutolabelError, match=message.replace("(", r"\(")):
        parse(raw)


def test_an_unknown_field_is_named_with_a_near_one():
    with pytest.raises(NotFoundError, match='"label"'):
        to_sql(parse("lable:eq:cat"), COLUMNS)


def test_a_function_may_give_the_columns():
    assert to_sql(parse("a.b:exists"), lambda name: f'"{name}"') == ('("a.b" IS NOT NULL)', [])


def test_values_are_bound_and_never_pasted():
    hostile = "x'; DROP TABLE documents; --"
    for operator in ("eq", "gt", "contains", "under"):
        sql, values = to_sql(
            parse({"field": "label", "operator": operator, "value": hostile}), COLUMNS
        )
        assert "DROP" not in sql
        assert any(hostile in str(value) for value in values)
    assert rows_that_hold(
        parse({"field": "label", "operator": "eq", "value": hostile}), [{"label": hostile}]
    ) == [True]


def test_the_fields_of_a_condition():
    raw = {"AND": ["b:eq:1", {"NOT": "a.c:exists"}, {"OR": ["b:eq:2"]}]}
    assert fields_of(parse(raw)) == ("a.c", "b")


def test_a_deep_field_is_found_level_by_level():
    document = {"detections": [{"confidence": 0.6}], "a.b": 1}
    assert holds(parse("detections.0.confidence:lt:0.7"), document)
    assert not holds(parse("detections.1.confidence:lt:0.7"), document)
    assert not holds(parse("detections.0.confidence.x:exists"), document)
    assert holds(parse("a.b:eq:1"), document)


def test_a_date_is_compared_as_text():
    import datetime

    condition = parse({"field": "day", "operator": "gte", "value": datetime.date(2026, 1, 2)})
    assert condition == Comparison("day", "gte", "2026-01-02")


def test_many_members_stay_one_expression():
    condition = parse({"field": "label", "operator": "in", "value": [str(i) for i in range(5000)]})
    assert rows_that_hold(condition, [{"label": "4999"}, {"label": "x"}]) == [True, False]


def test_a_value_on_the_command_line_is_read_by_its_look():
    table = {"1e3": 1000.0, "-.5": -0.5, "null": None, "True": True, "'null'": "null", "a:b": "a:b"}
    for text, value in table.items():
        assert parse_text(f"field:eq:{text}").value == value
