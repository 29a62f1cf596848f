"""Two clusters to be named, and naming them by a server."""

from __future__ import annotations

from datetime import UTC, datetime

from autolabel_core.clusters.naming import (
    ClusterSample,
    NamingContext,
    SampleDocument,
    name_clusters,
)
from autolabel_core.declarations.llm_naming import LLMLabeling

KEY = "sk-a-very-secret-key"
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def sample(cluster_id, texts=("red apples", "green apples"), size=20, **more):
    documents = [SampleDocument({"key": text, "text": text}) for text in texts]
    return ClusterSample(cluster_id, size, documents, texts=texts, **more)


SAMPLES = [sample("cl_0"), sample("cl_1", ["old ships", "steam ships"], 30)]


def name_by(tmp_path):
    """A function that names samples by a server; answers are kept below the folder."""

    def name(server, samples=SAMPLES, now=NOW, environ=None, **declared):
        declared = {"base_url": server.url, "api_key_env": "NAMING_KEY", "retries": 1, **declared}
        declared.setdefault("timeout_seconds", 5.0)
        known = {"NAMING_KEY": KEY} if environ is None else environ
        context = NamingContext(tmp_path / "cache", now, known, lambda address: address)
        return name_clusters(samples, LLMLabeling.model_validate(declared), context)

    return name


def labels(result):
    return {cluster_id: name.label for cluster_id, name in result.names.items()}


def kept(tmp_path):
    return sorted((tmp_path / "cache").glob("*"))


BY_SERVER = {"cl_0": "name of cl_0", "cl_1": "name of cl_1"}
BY_KEYWORDS = {"cl_0": "apples, green, red", "cl_1": "ships, old, steam"}
