"""Read the folder of declarations; every error names file, line, key, value and cure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from autolabel_core.declarations.collection import Collection
from autolabel_core.declarations.model import Declaration
from autolabel_core.declarations.retriever import Retriever
from autolabel_core.declarations.yaml_lines import DuplicateKeyError, Lines, read_yaml
from autolabel_core.errors import DeclarationError, NotFoundError


def load_collections(folder: Path) -> dict[str, Collection]:
    """Read every `*.yaml` and `*.yml` of a folder, checked singly and against each other.

    Args:
        folder: the folder of declarations; each file declares one collection.

    Returns:
        Collections by name, in the order of their names.

    Raises:
        DeclarationError: a file cannot be read or a declaration is wrong; the message names file,
            line, key, value and cure.
    """
    if not folder.is_dir():
        raise DeclarationError(
            f"{folder}: no such folder of declarations. Create it with one YAML file for each "
            "collection, or point AUTOLABEL_COLLECTIONS at yours."
        )
    found: dict[str, tuple[Path, Collection]] = {}
    for file in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        collection = load_collection(file)
        name = collection.collection_name
        if name in found:
            raise DeclarationError(
                f"{file}: collection_name: `{name}` is declared in {found[name][0].name} too; "
                "give one of them another name"
            )
        found[name] = (file, collection)
    return _resolve(found)


def load_collection(file: Path) -> Collection:
    """Read one declaration; `collection_name` defaults to the file's name, paths are from its folder.

    Args:
        file: a YAML file.

    Returns:
        The collection with absolute bucket URIs.

    Raises:
        DeclarationError: the file is not YAML, not a mapping, or does not fit the model.
    """
    try:
        value, lines = read_yaml(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, DuplicateKeyError) as error:
        raise DeclarationError(f"{file}: not valid YAML: {error}") from error
    except OSError as error:
        raise DeclarationError(f"{file}: cannot be read: {error.strerror}") from error
    if not isinstance(value, dict):
        raise DeclarationError(
            f"{file}: expected a mapping with `collection_name`, found "
            f"{type(value).__name__ if value is not None else 'an empty file'}"
        )
    if "name" not in value:
        value.setdefault("collection_name", file.stem)
    try:
        collection = Collection.model_validate(value)
    except ValidationError as error:
        messages = [_message(file, detail, lines) for detail in error.errors()]
        raise DeclarationError("\n".join(messages)) from error
    return _with_absolute_uris(collection, file.parent)


def _message(file: Path, detail: ErrorDetails, lines: Lines) -> str:
    path = tuple(detail["loc"])
    line = next((lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in lines), 1)
    key = ".".join(str(part) for part in path) or "(top level)"
    value = detail.get("input")
    shown = f" (found `{value}`)" if isinstance(value, str | int | float | bool) else ""
    if detail["type"] == "extra_forbidden":
        return f"{file}:{line}: {key}: unknown key{shown}. {_near_keys(path)}"
    text = detail["msg"].removeprefix("Value error, ")
    return f"{file}:{line}: {key}{shown}: {text}"


def _near_keys(path: tuple[str | int, ...]) -> str:
    model: type[Declaration] | None = Collection
    for part in path[:-1]:
        if isinstance(part, str) and model is not None:
            model = _declared_type(model, part)
    names = [] if model is None else [*model.model_fields, *model.aliases]
    near = difflib.get_close_matches(str(path[-1]), names, n=1)
    known = ", ".join(sorted(names)) or "none"
    return f"Did you mean `{near[0]}`?" if near else f"Known keys here: {known}."


def _declared_type(model: type[Declaration], field: str) -> type[Declaration] | None:
    info = model.model_fields.get(field)
    pending: list[Any] = [info.annotation] if info else []
    while pending:
        annotation = pending.pop()
        if isinstance(annotation, type) and issubclass(annotation, Declaration):
            return annotation
        pending += getattr(annotation, "__args__", ())
    return None


def _with_absolute_uris(collection: Collection, folder: Path) -> Collection:
    buckets = tuple(
        bucket
        if bucket.uri is None or "://" in bucket.uri
        else bucket.model_copy(update={"uri": str((folder / bucket.uri).resolve())})
        for bucket in collection.source.buckets
    )
    source = collection.source.model_copy(update={"buckets": buckets})
    return collection.model_copy(update={"source": source})


def _resolve(found: dict[str, tuple[Path, Collection]]) -> dict[str, Collection]:
    retrievers = _unique_retrievers(found)
    resolved = {}
    for name, (file, collection) in sorted(found.items()):
        resolved[name] = _with_reference(file, collection, retrievers)
    for name, collection in resolved.items():
        _check_reference(found[name][0], collection, resolved)
    return resolved


def _unique_retrievers(
    found: dict[str, tuple[Path, Collection]],
) -> dict[str, tuple[str, Retriever]]:
    retrievers: dict[str, tuple[str, Retriever]] = {}
    for name, (file, collection) in found.items():
        for retriever in collection.retrievers:
            if retriever.retriever_name in retrievers:
                raise DeclarationError(
                    f"{file}: retrievers: `{retriever.retriever_name}` is declared by "
                    f"`{retrievers[retriever.retriever_name][0]}` too; retriever names are global"
                )
            for over in retriever.collection_identifiers:
                if over.removeprefix("col_") not in found:
                    raise DeclarationError(
                        f"{file}: retrievers.{retriever.retriever_name}.collection_identifiers: "
                        f"no collection `{over}`. {_known(over, list(found))}"
                    )
            retrievers[retriever.retriever_name] = (name, retriever)
    return retrievers


def _with_reference(
    file: Path, collection: Collection, retrievers: dict[str, tuple[str, Retriever]]
) -> Collection:
    taxonomy = collection.taxonomy
    if taxonomy is None or taxonomy.retriever is None:
        return collection
    name = taxonomy.retriever.removeprefix("ret_")
    if name not in retrievers:
        raise DeclarationError(
            f"{file}: taxonomy.retriever: no retriever `{name}`. {_known(name, list(retrievers))}"
        )
    owner, retriever = retrievers[name]
    over = next(iter(retriever.collection_identifiers), owner).removeprefix("col_")
    over = "self" if over == collection.collection_name else over
    if "reference" in taxonomy.model_fields_set and taxonomy.reference not in (
        over,
        collection.collection_name,
    ):
        raise DeclarationError(
            f"{file}: taxonomy: reference is `{taxonomy.reference}`, but the retriever `{name}` "
            f"searches `{over}`; make them the same"
        )
    update = {"reference": over, "retriever": name}
    return collection.model_copy(update={"taxonomy": taxonomy.model_copy(update=update)})


def _check_reference(file: Path, collection: Collection, all_: dict[str, Collection]) -> None:
    reference = collection.reference_collection
    if reference is None or reference == collection.collection_name:
        return
    if reference not in all_:
        raise DeclarationError(
            f"{file}: taxonomy.reference: no collection `{reference}`. "
            f"{_known(reference, list(all_))}"
        )
    chain = [collection.collection_name, *_reference_chain(reference, all_)]
    if len(set(chain)) < len(chain):
        raise DeclarationError(
            f"{file}: taxonomy.reference: circular reference {' -> '.join(chain)}; "
            "let one of them refer to itself"
        )
    own, other = collection.feature_extractor.space, all_[reference].feature_extractor.space
    if own != other:
        raise DeclarationError(
            f"{file}: taxonomy.reference: `{reference}` is embedded by {other}, this collection by "
            f"{own}; vectors of two spaces are never compared: declare the same feature_extractor"
        )


def _reference_chain(name: str, all_: dict[str, Collection]) -> Iterator[str]:
    seen: list[str] = []
    current: str | None = name
    while current is not None and current in all_:
        yield current
        if current in seen:
            return
        seen.append(current)
        following = all_[current].reference_collection
        current = None if following == current else following


def _known(name: str, names: list[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return (
        f"Did you mean `{near[0]}`?" if near else f"Declared: {', '.join(sorted(names)) or 'none'}."
    )


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
        raise NotFoundError(f"No collection `{name}`. {_known(name, list(collections))}")
    return collections[name]


def find_retriever(collections: dict[str, Collection], name: str) -> tuple[Collection, Retriever]:
    """Return a retriever by name and the collection that it searches.

    Args:
        collections: what `load_collections` gave.
        name: the retriever's name, with or without the seeds' prefix `ret_`.

    Returns:
        The collection searched and the retriever.

    Raises:
        NotFoundError: no collection declares it; the message suggests the nearest.
    """
    wanted = name.removeprefix("ret_")
    names = []
    for owner in collections.values():
        for retriever in owner.retrievers:
            names.append(retriever.retriever_name)
            if retriever.retriever_name == wanted:
                over = next(iter(retriever.collection_identifiers), owner.collection_name)
                return pick(collections, over.removeprefix("col_")), retriever
    raise NotFoundError(f"No retriever `{name}`. {_known(wanted, names)}")
