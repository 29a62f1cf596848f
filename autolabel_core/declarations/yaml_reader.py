"""Reads one declaration: a YAML file becomes a collection, or an error that names the cure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from autolabel_core.declarations.collection import Collection
from autolabel_core.declarations.error_messages import YamlOrigin, messages
from autolabel_core.declarations.file_name_rules import FileNames
from autolabel_core.declarations.model import Declaration
from autolabel_core.declarations.yaml_lines import Lines, YamlError, read_yaml
from autolabel_core.foundation.errors import DeclarationError

Model = TypeVar("Model", bound=Declaration)


@dataclass(frozen=True)
class Declared:
    """A collection and where it was read from."""

    collection: Collection
    origin: YamlOrigin


def read_declaration(file: Path) -> Declared:
    """Read one declaration; its name defaults to the file's, paths are from the file's folder.

    Args:
        file: a YAML file.

    Returns:
        The collection with absolute bucket URIs, and the lines of its keys.

    Raises:
        DeclarationError: it cannot be read, or is wrong; the error knows the collection's name.
    """
    name = file.stem
    try:
        value, lines = _read_mapping(file, f"collection_name: {file.stem}")
        if "name" not in value:
            value.setdefault("collection_name", file.stem)
        name = str(value.get("collection_name", value.get("name")))
        collection = _validated(Collection, value, YamlOrigin(file, lines))
    except DeclarationError as error:
        error.collection = name
        raise
    origin = YamlOrigin(file, lines)
    return Declared(_with_absolute_uris(collection, file.parent), origin)


def read_naming(file: Path | None) -> FileNames:
    """Read how file names are read, from a YAML file of its own; None gives the defaults.

    Args:
        file: a YAML file with the keys of `references` in a collection.

    Returns:
        The rules.
    """
    return FileNames() if file is None else read_model(FileNames, file, "rarities: {hr: HR}")


def read_model(model: type[Model], file: Path, example: str) -> Model:
    """Read a YAML file that holds one model.

    Args:
        model: what it holds.
        file: a YAML file.
        example: shown where the file holds no mapping.

    Returns:
        The model.
    """
    value, lines = _read_mapping(file, example)
    return _validated(model, value, YamlOrigin(file, lines))


def _validated(model: type[Model], value: dict[str, object], origin: YamlOrigin) -> Model:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise DeclarationError("\n".join(messages(origin, error, model))) from error


def _read_mapping(file: Path, example: str) -> tuple[dict[str, object], Lines]:
    """Read a YAML file's mapping; one that cannot be read, or is none, is refused."""
    try:
        value, lines = read_yaml(file.read_bytes())
    except YamlError as error:
        raise DeclarationError(f"{file}:{error.line}: not valid YAML: {error}") from error
    except OSError as error:
        raise DeclarationError(
            f"{file}: cannot be read ({error.strerror}); correct its permissions, or move it away"
        ) from error
    if not isinstance(value, dict):
        kinds = {type(None): "an empty file", list: "a list", str: "a text"}
        found = kinds.get(type(value), f"`{value}`")
        raise DeclarationError(
            f"{file}:1: expected a mapping such as `{example}`, found {found}; "
            "write its keys, or remove the file"
        )
    return value, lines


def _with_absolute_uris(collection: Collection, folder: Path) -> Collection:
    buckets = tuple(
        bucket
        if bucket.uri is None or "://" in bucket.uri
        else bucket.model_copy(
            update={"uri": str((folder / Path(bucket.uri).expanduser()).resolve())}
        )
        for bucket in collection.source.buckets
    )
    source = collection.source.model_copy(update={"buckets": buckets})
    return collection.model_copy(update={"source": source})
