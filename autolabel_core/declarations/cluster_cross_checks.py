"""Check definitions of clusters against the other declarations: collections, spaces, retrievers."""

from __future__ import annotations

from collections.abc import Mapping

from autolabel_core.declarations.cluster import Cluster
from autolabel_core.declarations.cluster_fields import covering, is_cluster_field
from autolabel_core.declarations.collection import Collection
from autolabel_core.declarations.conditions import fields_of, parse
from autolabel_core.declarations.cross_checks import plain, searched_collection, suggestion
from autolabel_core.declarations.detection import ACTIVE_WEIGHTS
from autolabel_core.declarations.retriever import Retriever
from autolabel_core.declarations.yaml_reader import Declared
from autolabel_core.foundation.errors import DeclarationError
from autolabel_core.foundation.feature_uri import parse_feature_uri

Retrievers = Mapping[str, tuple[str, Retriever]]
Where = tuple[str | int, ...]


def with_clusters(
    read: Mapping[str, Declared], collections: Mapping[str, Collection]
) -> dict[str, Collection]:
    """Return the collections, their clusters naming collections and retrievers as declared.

    Args:
        read: what was read, by collection name.
        collections: the collections, checked for everything else.

    Returns:
        The collections in the same order.
    """
    retrievers = {
        retriever.retriever_name: (name, retriever)
        for name, collection in collections.items()
        for retriever in collection.retrievers
    }
    resolved = {}
    for name, collection in collections.items():
        _check_names(read[name], collection)
        clusters = tuple(
            _resolved(read[name], ("clusters", i), cluster, retrievers, collections)
            for i, cluster in enumerate(collection.clusters)
        )
        resolved[name] = collection.model_copy(update={"clusters": clusters})
    for name, collection in resolved.items():
        _check_enriched(read, name, resolved)
        _check_taxonomy(read[name], collection, retrievers)
    return resolved


def _check_enriched(
    read: Mapping[str, Declared], name: str, collections: Mapping[str, Collection]
) -> None:
    """Refuse a second definition that would write the same fields."""
    both = [(owner, c.cluster_name) for owner, c in covering(collections, name) if c.enrich]
    if len(both) > 1:
        (owner, second), (other, first) = both[1], both[0]
        names = [cluster.cluster_name for cluster in collections[owner].clusters]
        problem = (
            f"the documents of `{name}` take `cluster_id` from `{first}` of `{other}` already; "
            f"take `enrich` out of one: `clusters.{second}.label` and the like are there anyway"
        )
        raise _error(read[owner], ("clusters", names.index(second), "enrich"), problem)


def _check_taxonomy(declared: Declared, collection: Collection, retrievers: Retrievers) -> None:
    """Refuse references that depend on clusters: clusters may depend on labels."""
    taxonomy = collection.taxonomy
    if taxonomy is not None and taxonomy.retriever is not None:
        _refuse_circle(declared, ("taxonomy", "retriever"), retrievers[taxonomy.retriever][1])


def _refuse_circle(declared: Declared, where: Where, retriever: Retriever) -> None:
    fields = {field for one in retriever.conditions for field in fields_of(parse(one))}
    if circular := sorted(filter(is_cluster_field, fields)):
        problem = (
            f"`{retriever.retriever_name}` looks at `{circular[0]}`, which would make the graph a "
            "circle; use fields of the bucket and labels"
        )
        raise _error(declared, where, problem)


def _check_names(declared: Declared, collection: Collection) -> None:
    names = [cluster.cluster_name for cluster in collection.clusters]
    folded = [name.casefold() for name in names]
    for i, name in enumerate(folded):
        if name in folded[:i]:
            problem = "stands here twice; runs are kept under the name: choose another"
            raise _error(declared, ("clusters", i, "cluster_name"), problem, names[i])


def _resolved(
    declared: Declared,
    where: Where,
    cluster: Cluster,
    retrievers: Retrievers,
    collections: Mapping[str, Collection],
) -> Cluster:
    own = declared.collection.collection_name
    names = tuple(plain(n, "col_", collections) for n in cluster.collection_identifiers) or (own,)
    for name in names:
        if name not in collections:
            problem = f"no collection `{name}`. {suggestion(name, list(collections))}"
            raise _error(declared, (*where, "collection_identifiers"), problem)
    _check_spaces(declared, where, cluster, {name: collections[name] for name in names})
    chosen = None
    if cluster.filter is not None:
        chosen = plain(cluster.filter, "ret_", retrievers)
        _check_filter(declared, (*where, "filter"), chosen, names, retrievers, collections)
    return cluster.model_copy(update={"collection_identifiers": names, "filter": chosen})


def _check_spaces(
    declared: Declared, where: Where, cluster: Cluster, over: Mapping[str, Collection]
) -> None:
    """Refuse documents that do not share a space; each is named by its extractor and version."""
    uris = [parse_feature_uri(uri) for uri in cluster.feature_uris]
    wanted = {(uri.feature_extractor_name, uri.version) for uri in uris}
    first = next(iter(over.values())).feature_extractor
    for name, collection in over.items():
        extractor = collection.feature_extractor
        if extractor.space == first.space and (not wanted or _answers(collection, wanted)):
            continue
        has = (extractor.feature_extractor_name, extractor.version)
        problem = (
            f"`{name}` is embedded by {has[0]}@{has[1]} (model {extractor.model or 'default'}); "
            "documents that are grouped together share a feature space: name collections with one "
            "feature_extractor, and its URI"
        )
        raise _error(declared, (*where, "feature_uris"), problem)


def _answers(collection: Collection, wanted: set[tuple[str, str]]) -> bool:
    """Whether one of these extractors and versions makes its vectors; of boxes the detector too."""
    extractor, detection = collection.feature_extractor, collection.detection
    if (extractor.feature_extractor_name, extractor.version) in wanted:
        return True
    if detection is None:
        return False
    # Which version of the registry serves is known only when it does.
    in_registry = detection.weights == ACTIVE_WEIGHTS
    return any(
        name == detection.detector_name and (in_registry or version == detection.version)
        for name, version in wanted
    )


def _check_filter(
    declared: Declared,
    where: Where,
    name: str,
    over: tuple[str, ...],
    retrievers: Retrievers,
    collections: Mapping[str, Collection],
) -> None:
    if name not in retrievers:
        raise _error(declared, where, f"no retriever `{name}`. {suggestion(name, [*retrievers])}")
    owner, retriever = retrievers[name]
    searched = searched_collection(owner, retriever, collections)
    if searched not in over:
        problem = f"`{name}` searches `{searched}`, the clusters are over {', '.join(over)}"
        raise _error(declared, where, f"{problem}; make them the same")
    _refuse_circle(declared, where, retriever)
    if retriever.inputs:
        asked = ", ".join(retriever.inputs)
        problem = f"`{name}` asks for {asked}; a filter has nobody to ask: use one without inputs"
        raise _error(declared, where, problem)


def _error(
    declared: Declared, path: Where, problem: str, value: str | None = None
) -> DeclarationError:
    message = declared.origin.message(path, problem, value)
    return DeclarationError(message, declared.collection.collection_name)
