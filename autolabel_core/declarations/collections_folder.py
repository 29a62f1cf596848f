"""Reads the folder of declarations; every error names file, line, key, value and cure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autolabel_core.declarations.cluster_cross_checks import with_clusters
from autolabel_core.declarations.collection import Collection
from autolabel_core.declarations.cross_checks import plain, resolve, searched_collection, suggestion
from autolabel_core.declarations.retriever import Retriever
from autolabel_core.declarations.yaml_reader import Declared, read_declaration
from autolabel_core.foundation.errors import DeclarationError, NotFoundError


@dataclass(frozen=True)
class CollectionsFolder:
    """What a folder of declarations holds: one wrong file leaves the others as they are.

    Attributes:
        collections: those that can be used, in the order of their names.
        problems: one error for each collection that cannot.
    """

    collections: dict[str, Collection]
    problems: tuple[DeclarationError, ...]

    def problem_of(self, name: str) -> DeclarationError | None:
        """Return why a collection cannot be used; None where nothing is wrong with it."""
        return next((one for one in self.problems if one.collection == name), None)

    def raise_problems(self) -> None:
        """End what was done for all collections with what is wrong about some.

        Raises:
            DeclarationError: a collection cannot be used; the message has a line for each.
        """
        if self.problems:
            raise DeclarationError("\n".join(str(problem) for problem in self.problems))


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
    read = read_folder(folder)
    if read.problems:
        raise DeclarationError(str(read.problems[0]), read.problems[0].collection)
    return read.collections


def read_folder(folder: Path) -> CollectionsFolder:
    """Read a folder of declarations; what is wrong with one collection stops no other.

    Args:
        folder: as for `load_collections`.

    Returns:
        The collections that can be used, and what is wrong with each other one. A collection that
        refers to one that cannot be used cannot be used either.

    Raises:
        DeclarationError: there is no such folder.
    """
    if not folder.is_dir():
        raise DeclarationError(
            f"{folder}: no such folder of declarations. `autolabel init FOLDER` makes a project "
            "with one; in a project, create it with one YAML file for each collection; or point "
            "AUTOLABEL_COLLECTIONS at yours."
        )
    read, problems = _read_files(folder)
    while True:
        try:
            collections = with_clusters(read, resolve(read))
            return CollectionsFolder(collections, tuple(problems))
        except DeclarationError as error:
            if error.collection not in read:
                raise
            problems.append(_with_cause(error, problems))
            del read[error.collection]


def _read_files(folder: Path) -> tuple[dict[str, Declared], list[DeclarationError]]:
    """Read each file alone; of two that declare one name nobody knows which is meant."""
    read: dict[str, Declared] = {}
    problems: list[DeclarationError] = []
    by_folded: dict[str, str] = {}
    twice: set[str] = set()
    for file in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        if file.name.startswith("."):
            continue
        try:
            declared = read_declaration(file)
        except DeclarationError as error:
            problems.append(error)
            continue
        name = declared.collection.collection_name
        other = by_folded.setdefault(name.casefold(), name)
        if other in read:
            problems.append(_declared_twice(declared, other, read[other]))
            twice.add(other)
            continue
        read[name] = declared
    return {name: one for name, one in read.items() if name not in twice}, problems


def _declared_twice(declared: Declared, other: str, first: Declared) -> DeclarationError:
    name = declared.collection.collection_name
    differ = "" if other == name else ", and names that differ only in case are one"
    problem = (
        f"`{other}` is declared in {first.origin.file.name} too{differ}; give one another name"
    )
    return DeclarationError(declared.origin.message(("collection_name",), problem, name), other)


def _with_cause(error: DeclarationError, earlier: list[DeclarationError]) -> DeclarationError:
    """Say so where a collection that is missed is there, but cannot be used itself."""
    missed = next((one for one in earlier if f"`{one.collection}`" in str(error)), None)
    if missed is None:
        return error
    cause = f" `{missed.collection}` has an error of its own: correct that first."
    return DeclarationError(f"{error}{cause}", error.collection)


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
