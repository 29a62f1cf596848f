"""Pages by cursor meet every document once, in the order of one whole list."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autolabel_core.declarations.conditions import parse_text
from autolabel_core.documents.documents import Documents
from autolabel_core.documents.paging import facets, find_page
from autolabel_core.foundation.errors import NotFoundError

OBJECTS = {f"{degrees:03d}": degrees for degrees in range(0, 360, 9)} | {"broken": "no number"}
LABELS = {"000": "right", "090": "up", "180": "left"}
SORTS = [None, "confidence", "-confidence", "label", "-label", "margin", "taxonomy_match.matched"]


@pytest.fixture(scope="module")
def documents(module_home):
    from conftest import sweep_quietly
    from support.angle_samples import NAME, declaration, label

    module_home.declare(NAME, declaration())
    module_home.put(NAME, OBJECTS)
    sweep_quietly(module_home.workspace, NAME)
    label(module_home.workspace, LABELS)
    sweep_quietly(module_home.workspace, NAME)
    return Documents(module_home.workspace.open(NAME))


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(SORTS), st.integers(1, 50), st.sampled_from(["", "label_source:eq:auto"]))
def test_a_walk_by_cursor_is_the_whole_list(documents, sort, limit, filter):
    conditions = [parse_text(filter)] if filter else []
    whole = documents.find(conditions, sort)
    walked, after, pages = [], None, 0
    while pages == 0 or after:
        page = find_page(documents, conditions, sort, limit, after)
        assert page.total == len(whole)
        assert len(page.records) == len(page.content_hashes) <= limit
        walked += page.records
        after, pages = page.following, pages + 1
    assert walked == whole


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(SORTS), st.integers(1, 20), st.integers(0, 60))
def test_an_offset_jumps_to_a_place_of_the_list(documents, sort, limit, offset):
    page = find_page(documents, [], sort, limit, offset=offset)
    assert page.records == documents.find([], sort)[offset : offset + limit]


def test_facets_count_like_a_loop(documents):
    counts = {}
    for record in documents.find():
        counts[record["label"]] = counts.get(record["label"], 0) + 1
    (facet,) = facets(documents, ["side"])
    assert {value["value"]: value["count"] for value in facet["values"]} == counts
    assert [value["count"] for value in facet["values"]] == sorted(counts.values(), reverse=True)
    (cut,) = facets(documents, ["key"], most=5)
    assert len(cut["values"]) == 5
    assert cut["further_values"] == len(OBJECTS) - 5
    with pytest.raises(NotFoundError, match="label_source"):
        facets(documents, ["label_sorce"])


def test_a_collection_that_was_never_swept_has_an_empty_page(workspace):
    from support.angle_samples import NAME, declaration

    empty = Documents(workspace({NAME: declaration()}).open(NAME))
    page = find_page(empty, [], "confidence", 10)
    assert (page.records, page.total, page.following) == ([], 0, None)
    assert facets(empty, ["label"])[0]["values"] == []
