"""What Dagster shows of a collection's assets: sources, kinds, versions, order of the steps."""

from __future__ import annotations

import dagster as dg
import pytest

from autolabel_assets.factory import build_definitions
from autolabel_assets.lineage import PRIORITY_TAG
from autolabel_assets.resources.progress import ProgressResource
from autolabel_assets.resources.workspace import WorkspaceResource
from autolabel_core.declarations.collections_folder import read_folder

DECLARED = """\
source: {uri: "s3://shop/shoes/"}
taxonomy: {field_to_enrich: kind, confidence_threshold: 0.5}
"""


@pytest.fixture
def graph(tmp_path):
    """The assets of a collection `shoes`, from YAML."""

    def build(text=DECLARED):
        (tmp_path / "shoes.yaml").write_text(text)
        built = build_definitions(read_folder(tmp_path).collections)
        resources = {"workspace": WorkspaceResource(), "progress": ProgressResource()}
        return dg.Definitions(**built, resources=resources).resolve_asset_graph()

    return build


def node(graph, name):
    return graph.get(dg.AssetKey(["shoes", name]))


def test_bucket_and_ledger_are_what_everything_comes_from(graph):
    found = graph()
    assert not node(found, "bucket").is_executable and not node(found, "ledger").is_executable
    assert node(found, "bucket").kinds == {"s3"} and node(found, "ledger").kinds == {"sqlite"}
    assert node(found, "bucket").key in node(found, "raw_objects").parent_keys
    assert node(found, "ledger").key in node(found, "reference_set").parent_keys
    assert "s3://shop/shoes/" in node(found, "bucket").description


def test_kinds_say_what_a_table_is_kept_as_and_made_by(graph):
    found = graph()
    assert node(found, "taxonomy_labels").kinds == {"parquet"}
    assert node(found, "embeddings").kinds == {"arrow", "onnx"}
    assert node(found, "reindexed_vectors").kinds == {"chroma"}
    clip = DECLARED + "feature_extractor: {model: 'open_clip:ViT-B-32/laion2b_s34b_b79k'}\n"
    assert node(graph(clip), "embeddings").kinds == {"arrow", "pytorch"}


def test_the_code_version_changes_exactly_where_the_declaration_does(graph):
    names = ("raw_objects", "embeddings", "reference_set", "taxonomy_labels", "annotation_exports")
    before = {name: node(graph(), name).code_version for name in names}
    after = {name: node(graph(DECLARED.replace("0.5", "0.6")), name).code_version for name in names}
    assert [name for name in names if before[name] != after[name]] == ["taxonomy_labels"]
    carried = DECLARED + "feature_extractor: {field_passthrough: [colour]}\n"
    after = {name: node(graph(carried), name).code_version for name in names}
    assert [name for name in names if before[name] != after[name]] == ["taxonomy_labels"]
    spaced = DECLARED.replace("{field", "{ field") + "# a note\ndescription: Shoes of the shop.\n"
    assert {name: node(graph(spaced), name).code_version for name in names} == before


def test_descriptions_show_what_is_declared(graph):
    assert "confidence_threshold: 0.5" in node(graph(), "taxonomy_labels").description
    assert "```" not in node(graph(), "embeddings").description


def test_labels_are_made_before_the_index_and_the_exports(tmp_path):
    (tmp_path / "shoes.yaml").write_text(DECLARED)
    built = build_definitions(read_folder(tmp_path).collections)
    first = {
        asset.key.path[-1]
        for asset in built["assets"]
        if isinstance(asset, dg.AssetsDefinition) and asset.op.tags.get(PRIORITY_TAG) == "1"
    }
    assert first == {"raw_objects", "embeddings", "reference_set", "taxonomy_labels"}
