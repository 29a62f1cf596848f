"""The documents cannot lie: references are generated, examples load, every key is named."""

import re
from pathlib import Path

import pytest
from test_house_rules import LAYERS

from autolabel_app.cli import COMMANDS
from autolabel_app.cli_reference import reference
from autolabel_core.declarations import load_collections
from autolabel_core.declarations.alert import Alert
from autolabel_core.declarations.automation import AuditSchedule, Automation, Relabel, Retrain
from autolabel_core.declarations.channel import Channel
from autolabel_core.declarations.cluster import (
    Cluster,
    ClusterTrigger,
    DimensionReduction,
    PreprocessingStep,
)
from autolabel_core.declarations.collection import (
    Bucket,
    BucketSchema,
    Collection,
    Export,
    FeatureExtractor,
    SchemaProperty,
    Source,
)
from autolabel_core.declarations.detection import Detection, Tiles
from autolabel_core.declarations.file_name_rules import FileNames
from autolabel_core.declarations.frames import Frames
from autolabel_core.declarations.llm_naming import InputMapping, LabelingInputs, LLMLabeling
from autolabel_core.declarations.retriever import FeatureSearch, Retriever, Search, Stage
from autolabel_core.declarations.target_precision import TargetPrecision
from autolabel_core.declarations.taxonomy import EnrichmentField, Taxonomy
from autolabel_core.declarations.training import Gate, Training
from autolabel_core.declarations.webhook import Webhook
from autolabel_core.declarations.zero_shot import VisionLanguageModel, ZeroShot
from autolabel_core.foundation import paths
from autolabel_core.operations.staleness_plan import TABLES

ROOT = Path(__file__).resolve().parent.parent
MODELS = (
    AuditSchedule,
    Automation,
    Alert,
    Bucket,
    BucketSchema,
    Channel,
    Cluster,
    ClusterTrigger,
    Collection,
    DimensionReduction,
    Detection,
    EnrichmentField,
    Export,
    FeatureExtractor,
    FeatureSearch,
    FileNames,
    Gate,
    InputMapping,
    LabelingInputs,
    LLMLabeling,
    PreprocessingStep,
    Relabel,
    Retrain,
    Retriever,
    Frames,
    SchemaProperty,
    Search,
    Source,
    Stage,
    TargetPrecision,
    Taxonomy,
    Tiles,
    Training,
    VisionLanguageModel,
    Webhook,
    ZeroShot,
)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_command_reference_is_what_help_says():
    assert read("docs/cli.md") == reference(), (
        "run `python -m autolabel_app.cli_reference > docs/cli.md`"
    )


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__)
def test_every_key_and_alias_of_a_declaration_is_documented(model):
    text = read("docs/collections.md")
    for name in [*model.model_fields, *model.aliases]:
        assert re.search(rf"\b{name}\b", text), name


def test_the_example_that_names_every_key_loads(tmp_path):
    example = re.search(r"```yaml\n(.*?)```", read("docs/collections.md"), re.DOTALL)
    (tmp_path / "products.yaml").write_text(example[1], encoding="utf-8")
    collection = load_collections(tmp_path)["products"]
    assert collection.taxonomy.retriever == "product_classifier"
    assert collection.taxonomy.reference == "self"


def test_the_examples_of_the_readme_load(tmp_path):
    blocks = re.findall(r"^(collection_name: .*?)^(?:YAML|```)", read("README.md"), re.S | re.M)
    assert len(blocks) == 2
    for number, block in enumerate(blocks):
        (tmp_path / f"{number}.yaml").write_text(block, encoding="utf-8")
    (tmp_path / "product_reference.yaml").write_text(
        "feature_extractor: {field_passthrough: [product_label], model: null}\n", encoding="utf-8"
    )
    assert set(load_collections(tmp_path)) == {"products", "product_catalog", "product_reference"}


def test_every_environment_variable_is_in_the_readme():
    names = [value for name, value in vars(paths).items() if name.endswith("_VARIABLE")]
    assert len(names) == 8
    for name in names:
        assert f"`{name}`" in read("README.md")


def test_every_asset_and_command_is_named():
    for table in TABLES:
        assert f"| `{table.name}` |" in read("README.md")
    for command in COMMANDS:
        assert f"## autolabel {command}\n" in read("docs/cli.md")


def test_the_shipped_declarations_load():
    assert load_collections(ROOT / "autolabel_assets" / "collections")


ARCHITECTURE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")


def test_every_place_that_the_architecture_names_is_there():
    named = re.findall(r"`([\w/]+(?:\.py|/))`", ARCHITECTURE)
    assert len(named) > 20
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_architecture_lists_the_folders_of_the_layers_in_their_order():
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", ARCHITECTURE, re.MULTILINE)
    folders = [name for name, _ in rows if name in LAYERS]
    assert folders == list(LAYERS)
    for name, text in rows:
        above_or_all = text.startswith(("nothing", "the ", "all", "core"))
        assert above_or_all or set(re.findall(r"`(\w+)`", text)) == set(LAYERS[name]), name


def test_every_decision_has_a_number_of_its_own():
    records = sorted((ROOT / "docs/decisions").glob("*.md"))
    numbers = [int(record.name[:3]) for record in records]
    assert numbers == list(range(1, len(records) + 1))
