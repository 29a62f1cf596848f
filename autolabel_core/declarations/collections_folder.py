"""Read the folder of declarations; every error names file, line, key, value and cure."""

from __future__ import annotations

from pathlib import Path

from autolabel_core.declarations.cluster_cross_checks import with_clusters
from autolabel_core.declarations.collection import Collection
from autolabel_core.declarations.cross_checks import plain, resolve, searched_collection, suggestion
from autolabel_core.declarations.retriever import Retriever
from autolabel_core.declarations.yaml_reader import Declared, read_declaration
from autolabel_core.foundation.errors import DeclarationError, NotFoundError


def load_collections(folder: Path) -> dict[str, Collection]:
    """Read every `*.yaml` and `*.yml` of a folder, checked singly and against each other.

    Args:
        folder: the folder of declarations; each file declares one collection. Names that begin
            with a dot are left alone.

    Returns:
        Collections by name, in the order of their names.

    Raises:
        DeclarationError: a file cannot be read or a declaration is wrong; the message names file,
            line, key, value and cure.
    """
    if not folder.is_dir():
        raise DeclarationError(
            f"{folder}: no such folder of declarations. `autolabel init FOLDER` makes a project "
            "with one; in a project, create it with one YAML file for each collection; or point "
            "AUTOLABEL_COLLECTIONS at yours."
        )
    found: dict[str, Declared] = {}
    by_folded: dict[str, str] = {}
    for file in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        if file.name.startswith("."):
            continue
        declared = read_declaration(file)
        name = declared.collection.collection_name
        other = by_folded.setdefault(name.casefold(), name)
        if other in found:
            differ = "" if other == name else ", and names that differ only in case are one"
            where = found[other].origin.file.name
            problem = f"`{other}` is declared in {where} too{differ}; give one another name"
            raise DeclarationError(declared.origin.message(("collection_name",), problem, name))
        found[name] = declared
    return with_clusters(found, resolve(found))


def load_collection(file: Path) -> Collection:
    """Read one declaration; without the checks against the others."""
    return read_declaration(file).collection


def pick(collections: dict[str, Collection], name: str) -> Collection:
    """Return the collection of that name.

    Args:
        collections: what `load_collections` gave.
        name: the name wanted.

    Returns:
        The collection.

    Raises:
        NotFoundError: there is none; the message suggests the nearest.
    """
    if name not in collections:
        raise NotFoundError(f"No collection `{name}`. {suggestion(name, list(collections))}")
    return collections[name]


def find_retriever(collections: dict[str, Collection], name: str) -> tuple[Collection, Retriever]:
    """Return a retriever by name and the collection that it searches.

    Args:
        collections: what `load_collections` gave.
        name: the retriever's name, with or without the prefix `ret_`.

    Returns:
        The collection searched and the retriever.

    Raises:
        NotFoundError: no collection declares it; the message suggests the nearest.
    """
    declared = {
        retriever.retriever_name: (owner.collection_name, retriever)
        for owner in collections.values()
        for retriever in owner.retrievers
    }
    wanted = plain(name, "ret_", declared)
    if wanted not in declared:
        raise NotFoundError(f"No retriever `{name}`. {suggestion(wanted, list(declared))}")
    owner_name, retriever = declared[wanted]
    return pick(collections, searched_collection(owner_name, retriever, collections)), retriever
