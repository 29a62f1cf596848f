"""A taxonomy's retriever fits the feature space and the number of references that are kept."""

from __future__ import annotations

import json

import pytest
from conftest import sweep_quietly
from support.angle_samples import NAME, declaration, label

from autolabel_core.declarations.conditions import parse_text
from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.errors import AutolabelError, DeclarationError
from autolabel_core.operations.staleness_plan import plan
from autolabel_core.tables.applied_taxonomy import AppliedTaxonomy
from autolabel_core.tables.reference_filter import filter_references
from autolabel_core.tables.reference_set import ReferenceSet


def declared(**search):
    stage = {"stage_id": "feature_search", "parameters": {"searches": [search]}}
    return {
        **declaration(retriever="nearest"),
        "retrievers": [{"retriever_name": "nearest", "stages": [stage]}],
    }


def test_as_many_votes_as_references_are_kept(angles):
    ws = angles({"a": 0, "b": 5}, {"a": "left"}, declared(top_k=10))
    assert AppliedTaxonomy(ws.open(NAME)).rule.top_k == 10


def test_more_votes_than_references_are_kept_are_refused(workspace):
    with pytest.raises(DeclarationError, match=r"has top_k: 11, and at most 10 .* lower it") as e:
        workspace({NAME: declared(top_k=11)}).collection(NAME)
    assert "taxonomy.retriever" in str(e.value)


def test_more_results_are_no_matter_where_no_taxonomy_asks(workspace):
    free = declared(top_k=50) | {"taxonomy": {"field_to_enrich": "side"}}
    assert workspace({NAME: free}).collection(NAME).retrievers[0].search.top_k == 50


def test_a_filter_after_the_search_is_refused_in_a_taxonomy(workspace):
    after = declared(top_k=3)
    condition = {"field": "key", "operator": "ne", "value": "a"}
    after["retrievers"][0]["stages"].append(
        {"stage_id": "attribute_filter", "parameters": condition}
    )
    with pytest.raises(DeclarationError, match=r"a filter after its search.*put it before"):
        workspace({NAME: after}).collection(NAME)


def test_a_taxonomy_over_another_feature_space_is_refused(angles, home):
    ws = angles({"a": 0, "b": 5}, {"a": "left"})
    label(ws, {"b": "right"})
    own, other = "autolabel://angle_extractor@v1/angle", "autolabel://angle_extractor@v2/angle"
    home.declare(NAME, declared(feature_uri=own))
    assert plan(home.workspace.open(NAME))
    home.declare(NAME, declared(feature_uri=other))
    ws = home.workspace
    with pytest.raises(AutolabelError, match=rf"searches {other}, but `angles` has {own}"):
        plan(ws.open(NAME))


METADATA = {
    "a": {"tags": ["x", "yz"], "camera": {"id": "7.0"}, "a.b": 1, "good": True},
    "b": {"tags": ["x"], "camera": {"id": "8"}, "a": {"b": 1}, "good": "TRUE", "note": None},
    "c": {},
}


@pytest.mark.parametrize(
    "text",
    [
        *("tags:contains:y", "camera.id:eq:7", "a.b:eq:1", "good:eq:true", "note:exists"),
        *("camera.id:gt:7.5", "tags:exists", "good:ne:true", "camera:exists", "nothing:eq:null"),
    ],
)
def test_a_filter_of_references_means_what_it_means_for_documents(angles, home, text):
    """One implementation: metadata under their own names here, after `metadata.` there."""
    home.put(NAME, {f"{key}.txt.json": json.dumps(said) for key, said in METADATA.items()})
    ws = angles({f"{key}.txt": i for i, key in enumerate(METADATA)}, {"a.txt": "left"})
    label(ws, {"b.txt": "left", "c.txt": "up"})
    sweep_quietly(ws, NAME)
    ws = home.workspace
    references = ReferenceSet(ws.open(NAME)).load()
    assert len(references.rows) == 3
    assert any(row["metadata"] for row in references.rows)
    let_in = filter_references(references, [parse_text(text)], "side")
    documents = Documents(ws.open(NAME)).ids([parse_text(f"metadata.{text}")])
    assert set(let_in.document_ids) == documents
