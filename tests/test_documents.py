from __future__ import annotations

import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import sweep_quietly
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.naive_conditions import holds

from autolabel_core.declarations.conditions import AllOf, AnyOf, Negation, parse, parse_text
from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.labelling.give_labels import GivenLabel, give_labels

DECLARED = """\
batch_size: 4
feature_extractor:
  feature_extractor_name: angle_extractor
  field_passthrough: [side, "wei'rd \\"f"]
taxonomy: {field_to_enrich: side, confidence_threshold: 0.9}
"""
WEIRD = "wei'rd \"f"
METADATA = {
    "a.txt": {"camera": {"id": 7, "größe": "L"}, "boxes": [{"p": 0.5}, {"p": 0.25}]},
    "b.txt": {"camera": {"id": "7.0"}, "a.b": "dotted", "a/b~c": "signs", "q'\"": "quotes"},
    "c.txt": {"camera": None, WEIRD: "odd"},
    "d.txt": {"flag": True, "price": 1e-3},
}
ANGLES = {"a.txt": 0, "b.txt": 10, "c.txt": 20, "d.txt": 100, "e.txt": 95, "f.txt": b""}


@pytest.fixture(scope="module")
def view(module_home):
    """Six documents in two batches: two labelled by hand, three by match, one unreadable."""
    module_home.declare("c", DECLARED)
    sidecars = {f"{key}.json": json.dumps(found) for key, found in METADATA.items()}
    module_home.put("c", {**ANGLES, **sidecars})
    stores = module_home.workspace
    collection = stores.open("c")
    sweep_quietly(stores, "c")
    given = [GivenLabel("a.txt", "front > left"), GivenLabel("d.txt", "side")]
    give_labels(collection, given, "me", "cli")
    sweep_quietly(stores, "c")
    return Documents(collection)


def keys(view, *filters, **further):
    found = view.find([parse_text(text) for text in filters], **further)
    return "".join(record["key"].removesuffix(".txt") for record in found)


def test_an_open_view_does_not_see_what_is_replaced(view, module_home, tmp_path):
    """DuckDB opens a file twice: once for the footer of what was, once for the rows of what is."""
    copies = [tmp_path / file.name for file in view.files]
    for file, copy in zip(view.files, copies, strict=True):
        shutil.copy(file, copy)
    other = Documents(view.collection)
    other.files = copies
    keys_of = "SELECT string_agg(key, ' ' ORDER BY key) FROM documents"
    with view.connect() as connection:
        expected = connection.execute(keys_of).fetchall()
    with other.connect() as connection:
        for copy in copies:
            part = copy.with_name("part")
            pq.write_table(pa.table({"key": ["another"] * 1000}), part, compression=None)
            part.replace(copy)
        assert connection.execute(keys_of).fetchall() == expected


def test_records_say_how_each_label_came(view):
    records = {r["key"]: r for r in view.find()}
    a, b, f = records["a.txt"], records["b.txt"], records["f.txt"]
    assert (a["label"], a["label_source"], a["side"]) == ("front > left", "human", "front > left")
    assert b["label_source"] == "auto"
    assert b["taxonomy_match"] == {
        "matched": True,
        "confidence": pytest.approx(0.984808),
        "source_document_id": a["document_id"],
        "score": "nearest",
        "similarity": pytest.approx(0.492404),
        "probability": None,
        "margin": pytest.approx(b["margin"], abs=1e-6),
    }
    assert (f["label"], f["taxonomy_match"]["confidence"]) == (None, None)
    assert "empty" in f["reason"]
    json.dumps(list(records.values()))


FILTERS = {
    "label:eq:null": "f",
    "label:ne:null": "abcde",
    "side:eq:side": "de",
    "label:exists": "abcde",
    "label:exists:false": "f",
    "label_source:in:human,auto": "abcde",
    "label:contains:left": "abc",
    "label:under:front": "abc",
    "label:under:fro": "",
    "key:gt:c.txt": "def",
    "key:lte:c.txt": "abc",
    "confidence:gte:0.98": "be",
    "taxonomy_match.confidence:lt:0.98": "acd",
    "taxonomy_match.matched:eq:true": "bce",
    "taxonomy_match.source_document_id:exists": "bce",
    "reason:exists": "f",
    "metadata.camera.id:eq:7": "ab",
    "metadata.camera.id:gt:6.5": "ab",
    "metadata.camera:eq:null": "cdef",
    "metadata.camera.größe:eq:L": "a",
    "metadata.boxes.1.p:lt:0.5": "a",
    "metadata.boxes.9.p:exists": "",
    "metadata.a.b:eq:dotted": "b",
    "metadata.a/b~c:eq:signs": "b",
    "metadata.q'\":eq:quotes": "b",
    "metadata.flag:eq:true": "d",
    "metadata.price:lte:0.001": "d",
    f"{WEIRD}:eq:odd": "c",
}


@pytest.mark.parametrize(("text", "expected"), FILTERS.items(), ids=FILTERS)
def test_every_operator_on_every_kind_of_field(view, text, expected):
    assert keys(view, text) == expected


def test_a_camera_that_is_null_equals_null(view):
    found = set(keys(view, "metadata.camera:eq:null"))
    assert "c" in found


def test_filters_are_joined_and_nested(view):
    assert keys(view, "label_source:eq:auto", "label:eq:side") == "e"
    raw = {"OR": [{"field": "key", "operator": "eq", "value": "a.txt"}, {"NOT": "label:exists"}]}
    assert [r["key"] for r in view.find([parse(raw)])] == ["a.txt", "f.txt"]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("key", "abcdef"),
        ("-key", "fedcba"),
        ("taxonomy_match.confidence", "adcbef"),
        ("-taxonomy_match.confidence", "ebcadf"),
        ("label", "abcdef"),
        ("-side", "deabcf"),
        ("-metadata.price", "dabcef"),
    ],
)
def test_sorting_puts_what_is_missing_last_and_breaks_ties_by_key(view, sort, expected):
    assert keys(view, sort=sort) == expected


@pytest.mark.parametrize(
    ("limit", "expected"), [(0, ""), (2, "fe"), (99, "fedcba"), (None, "fedcba")]
)
def test_limit(view, limit, expected):
    assert keys(view, sort="-key", limit=limit) == expected


@pytest.mark.parametrize("field", ["labl", "taxonomy_match.confidenc", "sidee"])
def test_an_unknown_field_suggests_the_nearest(view, field):
    with pytest.raises(NotFoundError, match=r"No field `.*` in `c`\. Did you mean `"):
        view.find([parse_text(f"{field}:eq:x")])
    with pytest.raises(NotFoundError, match="Did you mean `"):
        view.find(sort=field)
    with pytest.raises(NotFoundError, match=r"is `metadata\.camera`"):
        view.find(sort="camera")


def test_no_value_is_ever_read_as_sql(view):
    for evil in ("'; DROP VIEW documents; --", '" OR 1=1', "%", "\0"):
        assert keys(view, f"label:eq:{evil}") == ""
        assert keys(view, f"metadata.{evil}:eq:x") == ""


def test_before_the_first_sweep_there_are_no_documents(workspace):
    stores = workspace({"c": DECLARED})
    empty = Documents(stores.open("c"))
    for text in (*FILTERS, "margin:lt:3"):
        assert empty.find([parse_text(text)], sort="-confidence") == []


def test_a_field_declared_after_the_sweep_is_null_until_the_next(home, bring_up_to_date):
    home.declare("c", DECLARED)
    home.put("c", {"a.txt": 0})
    bring_up_to_date(home.workspace, "c")
    home.declare("c", DECLARED.replace("[side,", "[side, fresh,"))
    stores = home.workspace
    (record,) = Documents(stores.open("c")).find([parse_text("fresh:eq:null")])
    assert record["fresh"] is None


values = st.sampled_from([None, True, 0.98, 7, "7.0", "side", "front", "auto", "c.txt", "", "L"])
fields = st.sampled_from(
    [
        *("label", "side", "key", "confidence", "taxonomy_match.matched", "metadata.camera.id"),
        *("metadata.boxes.0.p", "label_source", "suggested_label", "reason", WEIRD),
    ]
)
operators = st.sampled_from(
    ["eq", "ne", "gt", "gte", "lt", "lte", "in", "contains", "under", "exists"]
)


def compared(field, operator, value):
    if field == "confidence" and operator in ("contains", "under"):
        operator, value = "gte", 0.5  # how many digits a number's text has is nobody's promise
    if field == "confidence" and value not in (None, True, 0.98, 7, "7.0"):
        value = 0.98  # a text that is no number is refused, see below
    if operator == "exists":
        value = bool(value)
    elif operator == "in":
        value = [value, 7.0 if field == "confidence" else "human"]
    elif operator in ("contains", "under"):
        value = str(value) or "front"
    elif operator not in ("eq", "ne") and (value is None or isinstance(value, bool)):
        value = 0.5
    return parse({"field": field, "operator": operator, "value": value})


comparisons = st.builds(compared, fields, operators, values)
conditions = st.recursive(
    comparisons,
    lambda c: st.one_of(
        st.lists(c, max_size=3).map(lambda parts: AllOf(tuple(parts))),
        st.lists(c, max_size=3).map(lambda parts: AnyOf(tuple(parts))),
        c.map(Negation),
    ),
    max_leaves=5,
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
@given(conditions)
def test_equals_a_naive_filter(view, condition):
    documents = [
        {**r, **r["taxonomy_match"], "metadata": METADATA.get(r["key"], {})} for r in view.find()
    ]
    expected = [d["key"] for d in documents if holds(condition, d)]
    assert [r["key"] for r in view.find([condition])] == expected


@pytest.mark.parametrize("field", ["confidence", "margin", "taxonomy_match.confidence"])
@pytest.mark.parametrize(
    "rest", ["lt:abc", "eq:abc", "ne:0,5", "in:0.5,abc", 'gte:""', "lt:0.5.1", "gt:nan"]
)
def test_a_column_of_numbers_is_never_compared_with_a_text(view, field, rest):
    for condition in (parse_text(f"{field}:{rest}"), Negation(parse_text(f"{field}:{rest}"))):
        for ask in (view.find, view.ids):
            with pytest.raises(AutolabelError, match=rf"`{field}` with the text .* \(FLOAT\)"):
                ask([AllOf((parse_text("key:exists"), condition))])


def test_a_column_of_numbers_takes_numbers_quoted_or_not_and_null(view):
    for rest in ("lt:0.5", 'lt:"0.5"', "eq:null", "in:0.5,null", "contains:abc", "exists"):
        view.find([parse_text(f"confidence:{rest}")])
    assert view.find([parse_text("label:lt:abc"), parse_text("metadata.x:ne:abc")]) is not None
