"""Degrees in tight groups, and a definition that finds each group as one cluster."""

from __future__ import annotations

from autolabel_core.clusters.history import ask_for_run
from autolabel_core.clusters.table import Clusters
from autolabel_core.documents.documents import Documents
from support.angle_samples import NAME, declaration

TOPICS = "topics"
UNLABELLED = {
    "retriever_name": "unlabelled",
    "stages": [
        {
            "stage_id": "attribute_filter",
            "parameters": {"field": "side", "operator": "exists", "value": False},
        }
    ],
}


def definition(**more):
    """HDBSCAN on the two coordinates as they are: groups of five and more."""
    return {
        "cluster_name": TOPICS,
        "algorithm_params": {"min_cluster_size": 5, "min_samples": 2},
        "preprocessing_steps": [],
        "dimension_reduction": {"method": "pca", "components": 2},
        **more,
    }


def declared(*definitions, **taxonomy):
    """The declaration of `angle_samples` with clusters, by default with one definition."""
    return {**declaration(**taxonomy), "clusters": list(definitions or [definition()])}


def groups(*centres, size=8, name=""):
    """Documents around each centre, at most two degrees away."""
    return {
        f"{name}{centre:03d}-{i}": centre + 4 * i / (size - 1) - 2
        for centre in centres
        for i in range(size)
    }


def ask(workspace, name=TOPICS, because="now", collection=NAME):
    return ask_for_run(workspace.ledger, collection, name, "cli", because)


def refresh(workspace, collection=NAME):
    """Bring the clusters up to date, and return whether anything was to be done."""
    return Clusters(workspace.open(collection)).refresh("all")


def clusters_by_key(workspace, name=TOPICS, collection=NAME):
    """The cluster of each document, as everybody reads it."""
    view = Documents(workspace.open(collection))
    with view.connect() as connection:
        sql = f'SELECT key, "clusters.{name}.cluster_id" FROM documents'
        return dict(connection.execute(sql).fetchall())


def one_defined(workspace, collection=NAME, at=0):
    return Clusters(workspace.open(collection)).defined[at]


def names(workspace):
    """The labels of the clusters by id."""
    known = one_defined(workspace).history.names
    return {cluster: name["label"] for cluster, name in known.items()}


def named_by(server, **more):
    """A declaration whose clusters a server names; the key is in `NAMING_KEY`."""
    settings = {"base_url": server.url, "api_key_env": "NAMING_KEY", "retries": 0, **more}
    return declared(definition(llm_labeling=settings))


def statuses(workspace):
    """How the runs ended, in order."""
    return [run.status for run in workspace.ledger.cluster_runs(NAME, TOPICS)]


def sizes(workspace):
    """How many documents each cluster has now."""
    found = list(clusters_by_key(workspace).values())
    return {cluster: found.count(cluster) for cluster in sorted(set(found) - {None})}
