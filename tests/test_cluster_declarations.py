"""`clusters:` in YAML: every form of them loads, and what is wrong names its cure."""

import importlib
import inspect
import re

import pytest
import yaml

from autolabel_core.declarations import load_collections
from autolabel_core.declarations.cluster import Cluster
from autolabel_core.declarations.clustering_parameters import PARAMETERS
from autolabel_core.foundation.errors import DeclarationError

URI = "mixpeek://text_extractor@v1/text_embedding"
OTHERS = """\
feature_extractor: {feature_extractor_name: text_extractor}
retrievers:
- retriever_name: unlabelled
  stages:
  - {stage_id: attribute_filter, parameters: {field: label, operator: exists, value: false}}
- retriever_name: of_kind
  stages:
  - stage_id: attribute_filter
    parameters: {field: label, operator: eq, value: "{{INPUT.kind}}"}
"""


def load(folder, clusters, **others):
    for name, text in {"mine": OTHERS + clusters, **others}.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return load_collections(folder)["mine"].clusters


def one(folder, **keys):
    return load(folder, yaml.safe_dump({"clusters": [{"cluster_name": "c", **keys}]}))[0]


def test_a_definition_needs_a_name_alone(tmp_path):
    cluster = one(tmp_path)
    assert cluster.algorithm == "hdbscan"
    assert cluster.algorithm_params == {"min_cluster_size": 10, "min_samples": 5}
    whitening, umap = cluster.preprocessing_steps
    assert (whitening.method, whitening.regularization) == ("whitening", "auto")
    assert (umap.n_components, umap.metric, umap.n_neighbors) == (50, "cosine", 30)
    assert umap.min_dist == 0.0
    assert cluster.collection_identifiers == ("mine",)
    assert (cluster.mode, cluster.assignment_threshold) == ("full", "auto")
    assert cluster.all_triggers == ()


def test_the_nested_form_is_the_flat_one(tmp_path):
    nested = {
        "collection_ids": ["col_mine"],
        "vector_config": {
            "feature_uri": URI,
            "clustering_method": "hdbscan",
            "algorithm_params": {"min_cluster_size": 50, "min_samples": 10},
            "preprocessing_steps": [{"method": "whitening"}, {"method": "umap", "components": 9}],
            "hierarchical": True,
            "max_hierarchy_depth": 3,
        },
    }
    cluster = one(tmp_path, **nested)
    assert cluster.feature_uris == (URI.replace("mixpeek", "autolabel"),)
    assert cluster.algorithm_params == {"min_cluster_size": 50, "min_samples": 10}
    assert cluster.preprocessing_steps[1].n_components == 9
    assert (cluster.hierarchical, cluster.max_hierarchy_depth) == (True, 3)


@pytest.mark.parametrize(
    "form",
    [
        {"algorithm": "kmeans", "algorithm_config": {"num_clusters": 20}},
        {"clustering_method": "kmeans", "algorithm_params": {"n_clusters": 20}},
        {"algorithm": {"name": "kmeans", "params": {"n_clusters": 20}}},
        {"clustering_method": {"name": "kmeans", "algorithm_config": {"num_clusters": 20}}},
        {"algorithm": {"name": "kmeans"}, "algorithm_params": {"num_clusters": 20}},
    ],
)
def test_every_form_of_an_algorithm_means_the_same(tmp_path, form):
    cluster = one(tmp_path, source_collection_ids=["mine"], feature_addresses=[URI], **form)
    assert cluster.algorithm == "kmeans"
    assert cluster.algorithm_params == {"n_clusters": 20, "n_init": 10}


def test_further_words(tmp_path):
    cluster = one(
        tmp_path,
        hdbscan_parameters={"min_cluster_size": 5},
        dimension_reduction={"method": "pca", "n_components": 3},
        preprocessing_steps=["whitening", "pca"],
        retriever_id="ret_unlabelled",
        schedule="0 3 * * *",
        triggers=[{"threshold": 50, "mode": "assign"}, {"should_recluster": True}],
    )
    assert cluster.algorithm_params["min_cluster_size"] == 5
    assert cluster.dimension_reduction.components == 3
    assert [step.method for step in cluster.preprocessing_steps] == ["whitening", "pca"]
    assert cluster.filter == "unlabelled"
    assert [t.cron for t in cluster.all_triggers] == ["0 3 * * *", None, None]
    assert cluster.all_triggers[1].after_documents == 50
    mixture = one(tmp_path, algorithm="gaussian_mixture", algorithm_params={"n_components": 3})
    assert mixture.algorithm_params["n_clusters"] == 3


# What is wrong, the key that the message names, and what it must say.
WRONG = {
    "no name": ("{algorithm: kmeans}", "clusters.0.cluster_name", "is required"),
    "name no folder": ("{name: a/b}", "clusters.0.name", "letters, digits"),
    "unknown key": ("{name: c, algoritm: kmeans}", "clusters.0.algoritm", "mean `algorithm`?"),
    "unknown key, nested": ("{name: c, vector_config: {algoritm: k}}", "algoritm", "`algorithm`?"),
    "unknown algorithm": ("{name: c, algorithm: kmean}", "clusters.0.algorithm", "`kmeans`?"),
    "unknown parameter": (
        "{name: c, algorithm: kmeans, algorithm_config: {n_cluster: 3}}",
        "clusters.0.algorithm_config.n_cluster",
        '`kmeans` has no such parameter. Did you mean "n_clusters"?',
    ),
    "parameter of another": (
        "{name: c, algorithm_params: {eps: 3}}",
        "algorithm_params.eps",
        "Parameters: ",
    ),
    "parameter out of range": (
        "{name: c, vector_config: {algorithm_params: {min_cluster_size: 1}}}",
        "clusters.0.vector_config.algorithm_params.min_cluster_size (found `1`)",
        "at least 2",
    ),
    "two ends": (
        "{name: c, algorithm: agglomerative, "
        "algorithm_params: {n_clusters: 3, distance_threshold: 1.0}}",
        "distance_threshold",
        "keep one",
    ),
    "parameters twice": (
        "{name: c, algorithm: {name: kmeans, params: {n_clusters: 3}}, algorithm_params: {}}",
        "algorithm",
        "one place",
    ),
    "key of another step": (
        "{name: c, preprocessing_steps: [{method: umap, regularization: 0.1}]}",
        "preprocessing_steps.0.regularization",
        "for whitening alone",
    ),
    "unknown key of a step": (
        "{name: c, preprocessing_steps: [{method: umap, n_neighbor: 3}]}",
        "preprocessing_steps.0.n_neighbor",
        "`n_neighbors`?",
    ),
    "regularization": (
        "{name: c, preprocessing_steps: [{method: whitening, regularization: -1}]}",
        "regularization",
        "at least 0",
    ),
    "components": ("{name: c, dimension_reduction: {components: 4}}", "components", "one of 2, 3"),
    "URI": ("{name: c, feature_uri: x}", "clusters.0.feature_uri", "is no feature URI"),
    "sparse": ("{name: c, feature_uri: 'mixpeek://text_extractor@v1/sparse'}", "uri", "dense"),
    "splade": ("{name: c, feature_uri: 'mixpeek://text@v1/splade_v3'}", "uri", "dense"),
    "video": ("{name: c, feature_uri: 'mixpeek://video_extractor@v1/x'}", "uri", "of videos"),
    "audio": ("{name: c, feature_uri: 'mixpeek://x@v1/audio-embedding'}", "uri", "of sound"),
    "one space twice": (f"{{name: c, feature_uris: ['{URI}', '{URI}']}}", "uris", "twice"),
    "another space": (
        "{name: c, feature_uri: 'autolabel://image_extractor@v1/descriptor'}",
        "clusters.0.feature_uri",
        "`mine` is embedded by text_extractor@v1",
    ),
    "two spaces": ("{name: c, collection_ids: [mine, pictures]}", "feature_uris", "`pictures` is"),
    "no collection": ("{name: c, collection_ids: [mne]}", "collection_ids", "mean `mine`?"),
    "no retriever": ("{name: c, filter: unlabeled}", "filter", "mean `unlabelled`?"),
    "a filter that asks": ("{name: c, filter: of_kind}", "filter", "asks for kind"),
    "a filter elsewhere": (
        "{name: c, filter: unlabelled, collection_ids: [texts]}",
        "filter",
        "searches `mine`, the clusters are over texts",
    ),
    "named twice": ("{name: c}\n- {name: C}", "clusters.1.name (found `C`)", "twice"),
    "cron": ("{name: c, schedule: daily}", "clusters.0.schedule", "five fields"),
    "no reason": ("{name: c, triggers: [{mode: full}]}", "triggers.0", "needs one of"),
    "recommended": (
        "{name: c, triggers: [{should_recluster: true, mode: assign}]}",
        "triggers.0.mode",
        "leave it out",
    ),
}


@pytest.mark.parametrize(("text", "key", "said"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_names_its_cure(tmp_path, text, key, said):
    others = {
        "pictures": "description: images",
        "texts": "feature_extractor: {feature_extractor_name: text_extractor}",
    }
    with pytest.raises(DeclarationError) as caught:
        load(tmp_path, f"clusters:\n- {text}\n", **others)
    assert re.search(rf"mine\.yaml:\d+: \S*{re.escape(key)}", str(caught.value)), caught.value
    assert said in str(caught.value)


LIBRARY = {
    "kmeans": ("sklearn.cluster", "KMeans"),
    "dbscan": ("sklearn.cluster", "DBSCAN"),
    "hdbscan": ("hdbscan", "HDBSCAN"),
    "agglomerative": ("sklearn.cluster", "AgglomerativeClustering"),
    "spectral": ("sklearn.cluster", "SpectralClustering"),
    "gaussian_mixture": ("sklearn.mixture", "GaussianMixture"),
    "mean_shift": ("sklearn.cluster", "MeanShift"),
    "optics": ("sklearn.cluster", "OPTICS"),
}


@pytest.mark.parametrize("algorithm", PARAMETERS)
def test_the_libraries_have_every_parameter(algorithm):
    module, name = LIBRARY[algorithm]
    signature = inspect.signature(getattr(importlib.import_module(module), name))
    own = {"n_clusters"} if algorithm == "gaussian_mixture" else set()
    assert set(PARAMETERS[algorithm].model_fields) - own <= set(signature.parameters)


@pytest.mark.parametrize("algorithm", PARAMETERS)
def test_every_algorithm_has_defaults(algorithm):
    Cluster.model_validate({"cluster_name": "c", "algorithm": algorithm})
