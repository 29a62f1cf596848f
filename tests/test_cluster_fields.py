"""The cluster of a document in filters, retrievers, SQL and exports; and no circle."""

from __future__ import annotations

import json

import pytest
from conftest import sweep_quietly
from support.angle_samples import NAME, declaration
from support.grouped_angles import TOPICS, ask, declared, definition, groups

from autolabel_core.declarations.cluster_fields import covering, enriched_fields
from autolabel_core.declarations.conditions import parse_text
from autolabel_core.documents.documents import Documents
from autolabel_core.documents.search import retrieve
from autolabel_core.foundation.errors import DeclarationError, NotFoundError
from autolabel_core.operations.sql import run_sql

ENRICH = ["cluster_id", "label", "keywords"]
FIELDS = ("cluster_id", "cluster_label", "cluster_keywords")


def filtered(name, field):
    conditions = {"field": field, "operator": "exists", "value": True}
    stage = {"stage_id": "attribute_filter", "parameters": conditions}
    return {"retriever_name": name, "stages": [stage]}


@pytest.fixture
def grouped(angles):
    found = filtered("in_a_cluster", "cluster_id")
    with_fields = {**declared(definition(enrich=ENRICH)), "retrievers": [found]}
    ws = angles(groups(0, 90), {"000-0": "left"}, declared=with_fields)
    ask(ws)
    sweep_quietly(ws, NAME)
    return ws


def find(workspace, *filters):
    found = Documents(workspace.open(NAME))
    return [row["key"] for row in found.find([parse_text(text) for text in filters])]


def test_documents_carry_the_fields_that_are_enriched(grouped):
    (row,) = [r for r in Documents(grouped.open(NAME)).find() if r["key"] == "090-0"]
    assert row["cluster_id"].startswith("cl_") and "cluster_summary" not in row
    assert find(grouped, f"cluster_id:eq:{row['cluster_id']}") == [f"090-{i}" for i in range(8)]
    assert len(find(grouped, f"clusters.{TOPICS}.cosine_similarity_to_centroid:gte:0.99")) == 16
    assert find(grouped, f"clusters.{TOPICS}.cluster_id:eq:-1") == []


def test_a_retriever_filters_by_them(grouped):
    found = grouped.collection(NAME).retrievers[0]
    assert len(retrieve(grouped.open(NAME), found, {})) == 16


def test_a_misspelt_field_is_suggested(grouped):
    with pytest.raises(NotFoundError, match="cluster_id"):
        find(grouped, "cluster_ids:eq:cl_0")


def test_sql_has_clusters_and_members(grouped):
    names, rows = run_sql(
        grouped,
        f"SELECT c.cluster_id, c.documents, count(*) AS members FROM {NAME}.clusters c "
        f"JOIN {NAME}.cluster_members m USING (cluster_name, cluster_id) GROUP BY ALL ORDER BY 1",
    )
    assert names == ["cluster_id", "documents", "members"]
    assert rows == [("cl_0", 8, 8), ("cl_1", 8, 8)]
    _, counted = run_sql(
        grouped, f"SELECT cluster_id, count(*) FROM {NAME}.documents GROUP BY 1 ORDER BY 1"
    )
    assert counted == [("cl_0", 8), ("cl_1", 8)]


def test_exports_carry_them_and_follow(grouped, home):
    file = grouped.warehouse.path(NAME, "annotation_exports", "jsonl", "documents.jsonl")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert {row["cluster_id"] for row in rows} == {"cl_0", "cl_1"}
    assert set(FIELDS) <= set(rows[0])
    home.put(NAME, {"late": 91})
    sweep_quietly(grouped, NAME)
    late = [json.loads(x) for x in file.read_text().splitlines() if '"late"' in x]
    assert late[0]["cluster_id"] == find_one(grouped, "090-0")


def find_one(workspace, key):
    records = Documents(workspace.open(NAME)).find()
    return {row["key"]: row["cluster_id"] for row in records}[key]


def test_before_the_first_run_they_are_null(angles):
    ws = angles(groups(0), declared=declared(definition(enrich=ENRICH)))
    assert find(ws, "cluster_id:exists:false") == [f"000-{i}" for i in range(8)]


def test_without_documents_the_fields_are_there(workspace):
    ws = workspace({NAME: declared(definition(enrich=ENRICH))}, {NAME: {}})
    assert find(ws, "cluster_id:eq:x") == [] and run_sql(ws, f"FROM {NAME}.clusters")[1] == []


def test_a_definition_reaches_the_collections_that_it_groups(workspace):
    both = definition(collection_ids=["here", "there"], enrich=["cluster_id"])
    ws = workspace({"here": declared(both), "there": declaration()})
    assert covering(ws.collections, "there") == [("here", ws.collection("here").clusters[0])]
    assert enriched_fields(ws.collections, "there") == ("cluster_id",)
    assert enriched_fields(ws.collections, "here") == ("cluster_id",)


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        pytest.param(
            declared(definition(enrich=["label"]), definition(cluster_name="b", enrich=["label"])),
            r"take `enrich` out of one: `clusters\.b\.label`",
            id="two definitions cannot write one field",
        ),
        pytest.param(
            {
                **declared(definition(filter="grouped")),
                "retrievers": [filtered("grouped", "cluster_label")],
            },
            "`cluster_label`, which would make the graph a circle",
            id="a filter of clusters sees no clusters",
        ),
        pytest.param(
            {
                **declared(retriever="grouped"),
                "retrievers": [filtered("grouped", f"clusters.{TOPICS}.label")],
            },
            "which would make the graph a circle",
            id="references are not chosen by clusters",
        ),
    ],
)
def test_what_would_be_ambiguous_or_a_circle_is_refused(workspace, changed, found):
    ws = workspace({NAME: changed})
    with pytest.raises(DeclarationError, match=found):
        ws.collection(NAME)
