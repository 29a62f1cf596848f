"""Check declarations against each other: retrievers, references and feature spaces."""

from __future__ import annotations

import difflib
from collections.abc import Container, Iterator, Mapping

from autolabel_core.declarations.collection import Collection
from autolabel_core.declarations.retriever import MOST_REFERENCES, Retriever
from autolabel_core.declarations.taxonomy import Taxonomy
from autolabel_core.declarations.yaml_reader import Declared
from autolabel_core.foundation.errors import DeclarationError


def resolve(read: Mapping[str, Declared]) -> dict[str, Collection]:
    """Return the collections by name, each knowing which collection labels it.

    Args:
        read: what was read, by collection name.

    Returns:
        The collections in the order of their names.
    """
    retrievers = _unique_retrievers(read)
    resolved = {
        name: _with_reference(declared, retrievers, read) for name, declared in sorted(read.items())
    }
    for name, collection in resolved.items():
        _check_reference(read[name], collection, resolved)
        resolved[name] = _with_alerts(read[name], collection, retrievers, resolved)
    return resolved


def plain(name: str, prefix: str, known: Container[str]) -> str:
    """Return a name without a prefix such as `col_`, unless something is called so with it."""
    return name if name in known else name.removeprefix(prefix)


def suggestion(name: str, names: list[str]) -> str:
    """Return the cure for a name that does not exist: the nearest one, or all of them."""
    near = difflib.get_close_matches(name, names, n=1)
    return (
        f"Did you mean `{near[0]}`?" if near else f"Declared: {', '.join(sorted(names)) or 'none'}."
    )


def _unique_retrievers(read: Mapping[str, Declared]) -> dict[str, tuple[str, Retriever]]:
    retrievers: dict[str, tuple[str, Retriever]] = {}
    for name, declared in read.items():
        for i, retriever in enumerate(declared.collection.retrievers):
            path = ("retrievers", i)
            own = retriever.retriever_name
            if own in retrievers:
                raise _error(
                    declared,
                    (*path, "retriever_name"),
                    f"is declared by `{retrievers[own][0]}` too; retriever names are global: "
                    "give one of them another name",
                    own,
                )
            for over in retriever.collection_identifiers:
                if plain(over, "col_", read) not in read:
                    raise _error(
                        declared,
                        (*path, "collection_identifiers"),
                        f"no collection `{over}`. {suggestion(over, list(read))}",
                    )
            retrievers[own] = (name, retriever)
    return retrievers


def _with_reference(
    declared: Declared,
    retrievers: Mapping[str, tuple[str, Retriever]],
    names: Container[str],
) -> Collection:
    collection = declared.collection
    taxonomy = collection.taxonomy
    if taxonomy is None:
        return collection
    own = collection.collection_name
    reference = plain(taxonomy.reference, "col_", names)
    update = {"reference": "self" if reference == own else reference}
    if taxonomy.retriever is not None:
        name = plain(taxonomy.retriever, "ret_", retrievers)
        if name not in retrievers:
            raise _error(
                declared,
                ("taxonomy", "retriever"),
                f"no retriever `{name}`. {suggestion(name, list(retrievers))}",
            )
        _check_taxonomy_retriever(declared, retrievers[name][1])
        over = searched_collection(*retrievers[name], names)
        over = "self" if over == own else over
        _check_same(declared, taxonomy, update["reference"], name, over)
        update = {"reference": over, "retriever": name}
    return collection.model_copy(update={"taxonomy": taxonomy.model_copy(update=update)})


def searched_collection(owner: str, retriever: Retriever, names: Container[str]) -> str:
    """Return the collection that a retriever searches: the one it names, else its owner."""
    return plain(next(iter(retriever.collection_identifiers), owner), "col_", names)


def _check_taxonomy_retriever(declared: Declared, retriever: Retriever) -> None:
    search = retriever.search
    if search is not None and retriever.conditions_after_search:
        raise _error(
            declared,
            ("taxonomy", "retriever"),
            f"`{retriever.retriever_name}` has a filter after its search, and a taxonomy's filter "
            "says which references count; put it before the search",
        )
    if search is not None and search.top_k > MOST_REFERENCES:
        raise _error(
            declared,
            ("taxonomy", "retriever"),
            f"`{retriever.retriever_name}` has top_k: {search.top_k}, and at most "
            f"{MOST_REFERENCES} references decide a label; lower it, or declare a retriever of its "
            "own for the taxonomy",
        )


def _check_same(
    declared: Declared, taxonomy: Taxonomy, reference: str, retriever: str, over: str
) -> None:
    if "reference" in taxonomy.model_fields_set and reference != over:
        raise _error(
            declared,
            ("taxonomy", "reference"),
            f"the retriever `{retriever}` searches `{over}`; make them the same, or leave one out",
            taxonomy.reference,
        )


def _with_alerts(
    declared: Declared,
    collection: Collection,
    retrievers: Mapping[str, tuple[str, Retriever]],
    all_: Mapping[str, Collection],
) -> Collection:
    """Return the collection, its alerts naming retrievers as they are declared."""
    _check_names(declared, collection)
    alerts = []
    for i, alert in enumerate(collection.alerts):
        watched = collection
        if alert.retriever is not None:
            name = plain(alert.retriever, "ret_", retrievers)
            path: tuple[str | int, ...] = ("alerts", i, "retriever")
            if name not in retrievers:
                cure = suggestion(name, list(retrievers))
                raise _error(declared, path, f"no retriever `{name}`. {cure}")
            over = searched_collection(*retrievers[name], all_)
            watched = all_.get(over, collection)
            lacking = set(retrievers[name][1].inputs) - set(alert.inputs)
            if lacking:
                problem = f"`{name}` needs {', '.join(sorted(lacking))}: add them to `inputs`"
                raise _error(declared, path, problem)
            alert = alert.model_copy(update={"retriever": name})
        fields = {*watched.reserved_fields, *watched.fields, watched.label_field}
        group = alert.group_by
        if group is not None and group not in fields and not group.startswith("metadata."):
            problem = f"no field `{group}`; one of the object's metadata is `metadata.{group}`"
            raise _error(declared, ("alerts", i, "group_by"), problem)
        alerts.append(alert)
    return collection.model_copy(update={"alerts": tuple(alerts)})


def _check_names(declared: Declared, collection: Collection) -> None:
    named = {
        ("webhooks", "webhook_name"): [w.webhook_name for w in collection.webhooks],
        ("alerts", "name"): [a.name for a in collection.alerts],
    }
    for (kind, key), names in named.items():
        folded = [name.casefold() for name in names]
        for i, name in enumerate(folded):
            if name in folded[:i]:
                problem = "stands here twice; the ledger knows it by its name: choose another"
                raise _error(declared, (kind, i, key), problem, names[i])


def _check_reference(
    declared: Declared, collection: Collection, all_: Mapping[str, Collection]
) -> None:
    reference = collection.reference_collection
    path = ("taxonomy", "reference")
    if reference is None or reference == collection.collection_name:
        return
    if reference not in all_:
        names = [name for name in all_ if name != collection.collection_name]
        raise _error(declared, path, f"no collection `{reference}`. {suggestion(reference, names)}")
    chain = [collection.collection_name, *_reference_chain(reference, all_)]
    if len(set(chain)) < len(chain):
        raise _error(
            declared,
            path,
            f"circular reference {' -> '.join(chain)}; let one of them refer to itself",
            reference,
        )
    own, other = collection.feature_extractor.space, all_[reference].feature_extractor.space
    if own != other:
        raise _error(
            declared,
            path,
            f"is embedded by {_space(other)}, this collection by {_space(own)}; vectors of two "
            "spaces are never compared: declare the same feature_extractor",
            reference,
        )
    _check_label_source(declared, collection, all_[reference])


def _check_label_source(declared: Declared, collection: Collection, reference: Collection) -> None:
    taxonomy = collection.taxonomy
    for i, field in enumerate(taxonomy.enrichment_fields or () if taxonomy else ()):
        is_label = field.target == collection.label_field
        if is_label and field.source not in ("label", reference.label_field):
            raise _error(
                declared,
                ("taxonomy", "enrichment_fields", i, "source"),
                f"`{field.target}` holds the label, and the label field of "
                f"`{reference.collection_name}` is `{reference.label_field}`; take it from there, "
                f"or put `{field.source}` first in the field_passthrough of that collection",
                field.source,
            )


def _error(
    declared: Declared, path: tuple[str | int, ...], problem: str, value: str | None = None
) -> DeclarationError:
    message = declared.origin.message(path, problem, value)
    return DeclarationError(message, declared.collection.collection_name)


def _space(space: tuple[str, str, str | None]) -> str:
    name, version, model = space
    return f"{name}@{version} (model {model or 'default'})"


def _reference_chain(name: str, all_: Mapping[str, Collection]) -> Iterator[str]:
    seen: list[str] = []
    current: str | None = name
    while current is not None and current in all_:
        yield current
        if current in seen:
            return
        seen.append(current)
        following = all_[current].reference_collection
        current = None if following == current else following
