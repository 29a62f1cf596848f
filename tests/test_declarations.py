from __future__ import annotations

import re

import pytest

from autolabel_core.declarations import load_collections
from autolabel_core.foundation.errors import DeclarationError


def stage(rest):
    return f"retrievers:\n- name: r\n  stages:\n  - stage_id: {rest}"


SEARCH = stage("feature_search\n    parameters:\n      searches:\n      - ")
# What is wrong: the YAML, then line, key and what the message must say.
WRONG = {
    "unknown key": ("batch_sise: 3", 1, "batch_sise (found `3`)", "Did you mean `batch_size`?"),
    "unknown key, nothing near": ("qqq: 3", 1, "qqq", "Known keys here: alerts, "),
    "unknown key in source": ("source:\n  urii: x", 2, "source.urii", "Did you mean `uri`?"),
    "unknown key below an alias": (
        "feature_extractors:\n- modell: x",
        2,
        "feature_extractors.0.modell",
        "Did you mean `model`?",
    ),
    "unknown key in a schema": (
        "source:\n  bucket_schema:\n    properties:\n      a: {typ: text}",
        4,
        "source.bucket_schema.properties.a.typ",
        "Did you mean `type`?",
    ),
    "unknown key in a search": (
        SEARCH + "topk: 3",
        7,
        "retrievers.0.stages.0.parameters.searches.0.topk",
        "Did you mean `top_k`?",
    ),
    "unknown property type": (
        "source: {bucket_schema: {properties: {a: {type: txt}}}}",
        1,
        "source.bucket_schema.properties.a.type (found `txt`)",
        "Did you mean `text`?",
    ),
    "unknown mode": (
        "taxonomy:\n  field_to_enrich: a\n  execution_mode: retroactiv",
        3,
        "taxonomy.execution_mode",
        "Did you mean `retroactive`?",
    ),
    "unknown export": ("exports: {formats: [cvs]}", 1, "exports.formats", 'mean "csv"?'),
    "unknown stage": (
        stage("feature_serch\n    parameters: {}"),
        4,
        "stage_id (found `feature_serch`)",
        "Did you",
    ),
    "unknown operator": (
        stage("attribute_filter\n    parameters: {field: a, operator: exist, value: true}"),
        5,
        "retrievers.0.stages.0.parameters",
        'Did you mean "exists"?',
    ),
    "stray key beside conditions": (
        stage("attribute_filter\n    parameters:\n      conditions: []\n      condition: []"),
        7,
        "parameters.condition",
        "`conditions` allows no other key",
    ),
    "threshold too high": (
        "taxonomy:\n  field_to_enrich: a\n  threshold: 1.5",
        3,
        "taxonomy.threshold (found `1.5`)",
        "at most 1.0",
    ),
    "threshold too low": (
        "taxonomy: {field_to_enrich: a, confidence_threshold: -2}",
        1,
        "taxonomy.confidence_threshold (found `-2`)",
        "at least -1.0",
    ),
    "threshold not a number": (
        "taxonomy: {field_to_enrich: a, confidence_threshold: .nan}",
        1,
        "(found `nan`)",
        "at most 1.0",
    ),
    "threshold true": (
        "taxonomy: {field_to_enrich: a, confidence_threshold: true}",
        1,
        "(found `True`)",
        "expected a number",
    ),
    "threshold in quotes": (
        'taxonomy: {field_to_enrich: a, confidence_threshold: "0.3"}',
        1,
        "(found `0.3`)",
        "without quotes",
    ),
    "label threshold": (
        "taxonomy:\n  field_to_enrich: a\n  label_thresholds:\n    cat: 3",
        4,
        "taxonomy.label_thresholds.cat (found `3`)",
        "at most 1.0",
    ),
    "top_k": (SEARCH + "top_k: 0", 7, "searches.0.top_k (found `0`)", "at least 1"),
    "min_score": (SEARCH + "min_score: 2", 7, "searches.0.min_score", "at most 1.0"),
    "feature URI": (SEARCH + "feature_uri: x", 7, "feature_uri (found `x`)", "autolabel://"),
    "template": (SEARCH + 'query: "{{INPT.x}}"', 7, "searches.0.query", "{{INPUT.name}}"),
    "query without a value": (SEARCH + "query: {input_mode: content}", 7, "query", "`value`"),
    "two searches": (
        stage("feature_search\n    parameters: {searches: [{}, {}]}"),
        5,
        "parameters.searches",
        "at most 1",
    ),
    "no stages": ("retrievers:\n- name: r\n  stages: []", 3, "retrievers.0.stages", "at least 1"),
    "version is a number": (
        "feature_extractor: {version: 1.0}",
        1,
        "feature_extractor.version (found `1.0`)",
        "put it in quotes",
    ),
    "version no URI holds": ("feature_extractor: {version: a/b}", 1, "version", "letters, digits"),
    "two extractors": (
        "description: x\nfeature_extractors: [{}, {}]",
        2,
        "feature_extractors",
        "second collection",
    ),
    "batch size zero": ("batch_size: 0", 1, "batch_size (found `0`)", "at least 1"),
    "batch size true": ("batch_size: true", 1, "batch_size (found `True`)", "whole number"),
    "batch size a fraction": ("batch_size: 1.5", 1, "batch_size (found `1.5`)", "whole number"),
    "a mapping, not a list": ("retrievers: {a: 1}", 1, "retrievers", "a list such as [a, b]"),
    "a text, not a list": ("source: {bucket_ids: bkt_a}", 1, "source.bucket_ids", "[bkt_a]"),
    "a list, not a mapping": ("taxonomy: [a]", 1, "taxonomy", "`key: value`"),
    "a section left empty": ("description: x\nsource:", 2, "source", "`key: value`"),
    "no label field": ("taxonomy: {}", 1, "taxonomy.field_to_enrich", "is required"),
    "a key that is no text": ("1: 3", 1, "(found `1`)", "put it in quotes"),
    "aliases that differ": (
        "taxonomy:\n  field_to_enrich: a\n  confidence_threshold: 0.4\n  threshold: 0.3",
        4,
        "taxonomy.threshold",
        "mean the same; keep one",
    ),
    "same key prefix": ("source: {uris: [a, b]}", 1, "source.key_prefix", "give each its own"),
    "bucket name a path": ("source: {bucket_name: ../x}", 1, "source.bucket_name", "to `uri`"),
    "name no identifier": ("name: 9lives", 1, "name (found `9lives`)", "letters, digits"),
    "name of the engine": ("name: main", 1, "name (found `main`)", "choose another"),
    "field hides a column": (
        "feature_extractor:\n  field_passthrough: [a, Key]",
        2,
        "feature_extractor.field_passthrough",
        "`Key` is a column of its own",
    ),
    "label field hides a column": (
        "taxonomy:\n  field_to_enrich: confidence",
        2,
        "taxonomy.field_to_enrich",
        "`confidence` is a column",
    ),
    "fields differ in case": (
        "feature_extractor: {field_passthrough: [a, Bb, bB]}",
        1,
        "feature_extractor.field_passthrough",
        "differ only in case",
    ),
    "empty file": ("", 1, "", "found an empty file"),
    "not a mapping": ("- a", 1, "", "found a list"),
    "one text": ("hello", 1, "", "found a text"),
    "duplicate key": ("a: 1\na: 2", 2, "not valid YAML", "remove one"),
    "bad UTF-8": (b"a: \xff", 1, "not valid YAML", "save the file as UTF-8"),
    "reference missing": (
        "taxonomy:\n  field_to_enrich: a\n  reference: othre",
        3,
        "taxonomy.reference",
        "no collection `othre`. Did you mean `other`?",
    ),
    "retriever missing": (
        "taxonomy: {field_to_enrich: a, retriever: ret_finde}",
        1,
        "taxonomy.retriever",
        "no retriever `finde`. Did you mean `finder`?",
    ),
    "retriever over nothing": (
        "retrievers:\n- name: r\n  collection_ids: [col_othr]\n  stages:\n  - stage_id: "
        "attribute_filter\n    parameters: {field: a, operator: eq, value: 1}",
        3,
        "retrievers.0.collection_ids",
        "Did you mean `other`?",
    ),
    "retriever of another reference": (
        "taxonomy:\n  field_to_enrich: a\n  retriever: finder\n  reference: self",
        4,
        "taxonomy.reference (found `self`)",
        "searches `other`; make them the same",
    ),
    "retriever named twice": (
        "retrievers:\n- name: finder\n  stages:\n  - stage_id: attribute_filter\n    parameters: "
        "{field: a, operator: eq, value: 1}",
        2,
        "retrievers.0.name (found `finder`)",
        "declared by `",
    ),
    "two spaces": (
        "feature_extractor: {version: v2}\ntaxonomy:\n  field_to_enrich: a\n  reference: other",
        4,
        "taxonomy.reference",
        "vectors of two spaces are never compared",
    ),
    "label from another field": (
        "taxonomy:\n  reference: other\n  field_to_enrich: b\n  enrichment_fields:\n"
        "  - {source: c, target: b}",
        5,
        "taxonomy.enrichment_fields.0.source (found `c`)",
        "the label field of `other` is `kind`",
    ),
}
OTHER = """\
name: other
feature_extractor: {field_passthrough: [kind]}
retrievers:
- name: finder
  stages:
  - {stage_id: feature_search, parameters: {searches: [{}]}}
"""


def load(folder, **files):
    for name, text in files.items():
        data = text if isinstance(text, bytes) else text.encode()
        (folder / f"{name}.yaml").write_bytes(data)
    return load_collections(folder)


@pytest.mark.parametrize(("text", "line", "key", "said"), WRONG.values(), ids=WRONG)
def test_an_error_names_file_line_key_value_and_cure(tmp_path, text, line, key, said):
    with pytest.raises(DeclarationError) as caught:
        load(tmp_path, mine=text, other=OTHER)
    message = str(caught.value)
    assert re.match(rf"{re.escape(str(tmp_path))}/(mine|other)\.yaml:\d+: ", message)
    if "/mine.yaml" in message:
        assert message.startswith(f"{tmp_path}/mine.yaml:{line}: ")
    assert key in message
    assert said in message
    assert "\n" not in message


def test_all_problems_of_a_file_are_told_at_once(tmp_path):
    with pytest.raises(DeclarationError) as caught:
        load(tmp_path, mine="batch_size: 0\nsource: {urii: x}\ntaxonomy: {threshold: 2}")
    assert len(str(caught.value).splitlines()) == 4


def test_two_files_with_one_name_are_refused(tmp_path):
    with pytest.raises(DeclarationError, match=r"b\.yaml:1: name .found `x`.: `x` is declared in "):
        load(tmp_path, a="name: x", b="name: x")
    with pytest.raises(DeclarationError, match="differ only in case"):
        load(tmp_path, a="name: x", b="name: X")


@pytest.mark.parametrize("circle", ["ab", "abc", "abcd"])
def test_a_circular_reference_is_refused_and_shown(tmp_path, circle):
    taxonomy = "taxonomy: {{field_to_enrich: l, reference: {0}}}"
    files = {n: taxonomy.format(circle[(i + 1) % len(circle)]) for i, n in enumerate(circle)}
    with pytest.raises(DeclarationError, match=" -> ".join([*circle, "a"])):
        load(tmp_path, **files)


def test_a_chain_of_references_is_no_circle(tmp_path):
    taxonomy = "taxonomy: {{field_to_enrich: l, reference: {0}}}"
    found = load(tmp_path, a=taxonomy.format("b"), b=taxonomy.format("self"))
    assert (found["a"].reference_collection, found["b"].reference_collection) == ("b", "b")


def test_no_folder_is_an_error_with_a_cure(tmp_path):
    with pytest.raises(DeclarationError, match="AUTOLABEL_COLLECTIONS"):
        load_collections(tmp_path / "absent")
    assert load_collections(tmp_path) == {}


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "a.yaml").mkdir()
    with pytest.raises(DeclarationError, match=r"a\.yaml: cannot be read"):
        load_collections(tmp_path)


def test_hidden_files_are_left_alone(tmp_path):
    (tmp_path / ".#a.yaml").write_text("nonsense: 1")
    assert load_collections(tmp_path) == {}


def test_relative_buckets_are_from_the_files_folder(tmp_path):
    found = load(tmp_path, a="source: {uri: ../data}", b="source: {uri: 's3://x/y/'}")
    assert found["a"].source.buckets[0].uri == str(tmp_path.parent / "data")
    assert found["b"].source.buckets[0].uri == "s3://x/y/"
