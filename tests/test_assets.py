import ast
import base64
import json
import re
import warnings
from pathlib import Path

import dagster as dg
import pytest
from support.angle_samples import NAME, declaration, label

from autolabel_assets.factory import DESCRIPTIONS, build_definitions
from autolabel_assets.resources.progress import ProgressResource
from autolabel_assets.resources.workspace import WorkspaceResource
from autolabel_core.declarations import Collection
from autolabel_core.operations.registration import register
from autolabel_core.operations.staleness_plan import TABLES as ALL_TABLES
from autolabel_core.operations.staleness_plan import edges_of, tables_of
from autolabel_core.tables.taxonomy_labels import TaxonomyLabels

ASSETS = Path(__file__).resolve().parent.parent / "autolabel_assets"
CHECKS = 9
SOURCES = ("bucket", "ledger")
UPSTREAM = {
    "raw_objects": set(),
    "embeddings": {"raw_objects"},
    "reference_set": {"embeddings"},
    "taxonomy_labels": {"embeddings", "reference_set"},
    "reindexed_vectors": {"embeddings"},
    "annotation_exports": {"taxonomy_labels"},
}
TABLES = tables_of(Collection(collection_name=NAME))
LABELLING = ("reference_set", "taxonomy_labels")

pytestmark = pytest.mark.filterwarnings("ignore::dagster.PreviewWarning")


def definitions(collections):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dg.Definitions(
            **build_definitions(collections),
            resources={"workspace": WorkspaceResource(), "progress": ProgressResource()},
        )


def graph(collections):
    return definitions(collections).resolve_asset_graph()


@pytest.fixture
def run(home, bring_up_to_date):
    """Materialize assets of one collection over batches; returns the run's result."""

    def make(assets, batches=(), name=NAME, raise_on_error=True):
        built = definitions(home.workspace.collections)
        resource = WorkspaceResource(
            home=str(home.paths.home),
            collections=str(home.paths.collections),
            ledger_url=home.paths.ledger_url,
        )
        tags = {}
        if batches:
            tags["dagster/asset_partition_range_start"] = batches[0]
            tags["dagster/asset_partition_range_end"] = batches[-1]
        with dg.DagsterInstance.ephemeral() as instance:
            instance.add_dynamic_partitions(f"{name}_batches", list(batches))
            return dg.materialize(
                [*built.assets, *built.asset_checks],
                selection=dg.AssetSelection.assets(*([name, asset] for asset in assets)),
                instance=instance,
                resources={"workspace": resource, "progress": ProgressResource()},
                tags=tags,
                raise_on_error=raise_on_error,
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )

    return make


def metadata_of(result, asset, name=NAME):
    """Metadata of an asset's materializations, by partition."""
    events = result.asset_materializations_for_node(f"{name}__{asset}")
    return {event.partition: event.metadata for event in events}


def pictures_in(metadata):
    pattern = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=]+)")
    found = {}
    for name, value in metadata.items():
        if isinstance(value, dg.MarkdownMetadataValue) and (match := pattern.search(value.value)):
            found[name] = base64.b64decode(match[1])
    return found


@pytest.mark.parametrize("names", [(), ("one",), ("one", "two", "three")])
def test_definitions_build_for_any_number_of_collections(workspace, names):
    found = graph(workspace({name: declaration() for name in names}).collections)
    expected = {dg.AssetKey([name, table.name]) for name in names for table in TABLES}
    assert {key for key in found.get_all_asset_keys() if found.get(key).is_executable} == expected
    assert set(found.external_asset_keys) == {
        dg.AssetKey([name, source]) for name in names for source in SOURCES
    }
    assert len(found.asset_check_keys) == CHECKS * len(names)


def test_the_edges_are_those_of_the_plan(workspace):
    found = graph(workspace({NAME: declaration()}).collections)
    collection = Collection.model_validate({"collection_name": NAME, **declaration()})
    for table in TABLES:
        above = found.get(dg.AssetKey([NAME, table.name])).parent_keys
        parents = {key for key in above if key.path[-1] not in SOURCES}
        assert parents == {dg.AssetKey(list(edge)) for edge in edges_of(collection, table)}
        assert {key.path[-1] for key in parents} == UPSTREAM[table.name]


def test_the_separate_approach_shows_as_an_edge_between_collections(workspace):
    declared = {"known": declaration(), NAME: declaration(reference="known")}
    found = graph(workspace(declared).collections)
    parents = found.get(dg.AssetKey([NAME, "taxonomy_labels"])).parent_keys
    assert dg.AssetKey(["known", "reference_set"]) in parents
    assert found.get(dg.AssetKey(["known", "taxonomy_labels"])).group_name == "known"


def test_one_partition_is_materialized_with_its_report_and_checks(workspace, home, run):
    colours = declaration()
    colours["feature_extractor"]["feature_extractor_name"] = "colour_extractor"
    objects = {f"r{i}.png": (200 + i, 0, 0) for i in range(4)} | {"empty.png": b""}
    ws = workspace({NAME: colours}, {NAME: objects})
    register(ws.open(NAME))
    run([table.name for table in TABLES], ["batch_000001"])
    label(ws, {"r0.png": "red"})
    result = run(["raw_objects", "embeddings", *LABELLING], ["batch_000001"])
    assert result.success
    labels = metadata_of(result, "taxonomy_labels")["batch_000001"]
    assert (labels["documents"].value, labels["auto"].value, labels["human"].value) == (5, 3, 1)
    pictures = pictures_in(labels)
    assert set(pictures) == {"confidence histogram", "contact sheet"}
    assert all(png.startswith(b"\x89PNG") and len(png) < 100_000 for png in pictures.values())
    raw = metadata_of(result, "raw_objects")["batch_000001"]
    assert raw["quarantine"].value.records[0].data["key"] == "empty.png"
    checks = {c.check_name: c for c in result.get_asset_check_evaluations()}
    assert len(checks) == CHECKS
    assert not checks["unreadable_share"].passed
    assert "1 of 5 objects" in checks["unreadable_share"].description
    assert checks["something_labelled"].passed


def test_rows_columns_and_their_sources_stand_under_dagsters_names(angles, run):
    angles({"a": 0, "b": 5, "c": 9}, {"a": "left"})
    result = run(["embeddings", *LABELLING], ["batch_000001"])
    labels = metadata_of(result, "taxonomy_labels")["batch_000001"]
    assert labels["dagster/partition_row_count"].value == 3
    assert labels["dagster/uri"].value.endswith("taxonomy_labels/batch_000001.parquet")
    columns = {column.name: column for column in labels["dagster/column_schema"].value.columns}
    assert columns["confidence"].type == "float" and "-1 to 1" in columns["confidence"].description
    assert not columns["key"].constraints.nullable and columns["label"].constraints.nullable
    above = labels["dagster/column_lineage"].value.deps_by_column["label"]
    assert {(dep.asset_key.path[-1], dep.column_name) for dep in above} == {
        ("reference_set", "label"),
        ("embeddings", "vector"),
    }
    vectors = metadata_of(result, "embeddings")["batch_000001"]
    assert vectors["dagster/partition_row_count"].value == 3


def test_a_range_of_batches_is_one_run_with_a_report_for_each(angles, home, run):
    ws = angles({f"k{i}": 5 * i for i in range(6)}, batch_size=2)
    label(ws, {"k0": "left"})
    batches = ["batch_000001", "batch_000002", "batch_000003"]
    result = run(LABELLING, batches)
    found = metadata_of(result, "taxonomy_labels")
    assert {
        batch: metadata["documents"].value for batch, metadata in found.items()
    } == dict.fromkeys(batches, 2)
    assert [bool(pictures_in(found[batch])) for batch in batches] == [False, False, True]
    assert TaxonomyLabels(ws.open(NAME)).stale() == []


def test_the_data_version_is_the_fingerprint(angles, run):
    ws = angles({"a": 0})
    result = run(["taxonomy_labels"], ["batch_000001"])
    table = TaxonomyLabels(ws.open(NAME))
    event = result.asset_materializations_for_node(f"{NAME}__taxonomy_labels")[0]
    assert event.tags["dagster/data_version"] == table.fingerprint("batch_000001")


def test_an_error_of_the_domain_becomes_a_failure_that_says_what_to_do(angles, run):
    angles({"a": 0})
    result = run(["raw_objects"], ["batch_000009"], raise_on_error=False)
    assert not result.success
    failure = next(event for event in result.all_events if event.is_step_failure)
    described = failure.step_failure_data.user_failure_data.description
    assert described.startswith("`angles` has no batch `batch_000009`; it has 1, the last is")


def test_the_checks_say_what_status_says(angles, run):
    ws = angles({"a": 0, "b": 5, "c": 90}, {"a": "left"})
    from autolabel_core.operations.advice import findings
    from autolabel_core.operations.status import collection_status

    result = run(LABELLING, ["batch_000001"])
    texts = {f.name: f.text for f in findings(collection_status(ws.open(NAME)))}
    found = {c.check_name: c.description for c in result.get_asset_check_evaluations()}
    assert found == {name: texts[name] for name in found}
    assert len(found) == 8


def test_the_progress_bar_and_the_log_are_told(capsys):
    lines = []

    class Log:
        info = staticmethod(lines.append)

    for bar in (False, True):
        with ProgressResource(bar=bar).of(Log(), "embedding") as tell:
            for done in range(5):
                tell(done, 5)
    assert lines == []


def test_the_resource_defaults_to_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("AUTOLABEL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AUTOLABEL_COLLECTIONS", str(tmp_path / "declared"))
    paths = WorkspaceResource().open().paths
    assert (paths.home, paths.collections) == (tmp_path / "home", tmp_path / "declared")
    other = WorkspaceResource(home=str(tmp_path / "other")).open().paths
    assert other.ledger_url == f"sqlite:///{tmp_path / 'other' / 'ledger.sqlite'}"


def test_each_asset_has_a_file_with_its_words_and_its_table_and_nothing_else(workspace):
    found = graph(workspace({NAME: declaration()}).collections)
    for table in (entry.load() for entry in ALL_TABLES):
        tree = ast.parse((ASSETS / f"{table.name}.py").read_text(encoding="utf-8"))
        assert not any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in ast.walk(tree))
        assert DESCRIPTIONS[table] == ast.get_docstring(tree)
        if table in TABLES:
            shown = found.get(dg.AssetKey([NAME, table.name])).description
            assert shown.startswith(DESCRIPTIONS[table].strip())


def test_metadata_is_plain_json(angles, run):
    angles({"a": 0, "b": 1}, {"a": "left"})
    result = run([table.name for table in TABLES], ["batch_000001"])
    for table in TABLES:
        for metadata in metadata_of(result, table.name).values():
            assert metadata
            json.dumps({name: str(value.value) for name, value in metadata.items()})


def test_labels_tell_how_the_rule_does_on_the_gold_set(angles, run):
    from autolabel_core.labelling.gold_set import draw_gold, gold_set

    ws = angles({f"k{i:02d}": 10 * i for i in range(18)}, {"k00": "east", "k12": "north"})
    draw_gold(ws.open(NAME), 4)
    gold = gold_set(ws.open(NAME)).documents
    label(ws, {one["key"]: "east" for one in gold})
    result = run(LABELLING, ["batch_000001"])
    ((_, metadata),) = metadata_of(result, "taxonomy_labels").items()
    assert metadata["gold documents"].value == 4
    assert 0 <= metadata["gold coverage"].value <= 1
    (judgement,) = ws.ledger.gold_judgements(NAME)
    assert judgement.payload["judged"] == 4
