"""Read one declaration: a YAML file becomes a collection, or an error that names the cure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from autolabel_core.declarations.collection import Collection
from autolabel_core.declarations.messages import Origin, messages
from autolabel_core.declarations.yaml_lines import YamlError, read_yaml
from autolabel_core.errors import DeclarationError


@dataclass(frozen=True)
class Declared:
    """A collection and where it was read from."""

    collection: Collection
    origin: Origin


def read_declaration(file: Path) -> Declared:
    """Read one declaration; its name defaults to the file's, paths are from the file's folder.

    Args:
        file: a YAML file.

    Returns:
        The collection with absolute bucket URIs, and the lines of its keys.

    Raises:
        DeclarationError: the file cannot be read, is not YAML, not a mapping, or does not fit the
            model.
    """
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
            f"{file}:1: expected a mapping such as `collection_name: {file.stem}`, found {found}; "
            "write the collection's keys, or remove the file"
        )
    origin = Origin(file, lines)
    if "name" not in value:
        value.setdefault("collection_name", file.stem)
    try:
        collection = Collection.model_validate(value)
    except ValidationError as error:
        raise DeclarationError("\n".join(messages(origin, error, Collection))) from error
    return Declared(_with_absolute_uris(collection, file.parent), origin)


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
