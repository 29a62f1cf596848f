"""Checks an object against its bucket's schema."""

from __future__ import annotations

from autolabel_core.declarations.collection import BucketSchema
from autolabel_core.storage.buckets.stored_objects import StoredObject

_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
}


def schema_problem(stored: StoredObject, schema: BucketSchema, file_serves: set[str]) -> str | None:
    """Say what does not fit, or None where all fits. Properties not declared are accepted.

    Args:
        stored: the object.
        schema: the declared properties.
        file_serves: properties that a plain file stands for (the mapped extractor inputs).

    Returns:
        One sentence for a person: property, expected, found; or None.
    """
    blobs = {blob.property for blob in stored.blobs}
    if None in blobs:
        sole_images = [n for n, p in schema.properties.items() if p.type == "image"]
        blobs |= file_serves or set(sole_images)
    for name, declared in schema.properties.items():
        value = stored.metadata.get(name)
        if value is None and name not in blobs:
            if declared.required:
                return f"lacks the required property `{name}` ({declared.type})"
            continue
        expected = _PYTHON_TYPES.get(declared.type)
        if value is not None and expected is not None and not _fits(value, expected):
            return (
                f"property `{name}`: expected {declared.type}, found "
                f"{type(value).__name__} {value!r:.80}"
            )
    return None


def _fits(value: object, expected: tuple[type, ...]) -> bool:
    return isinstance(value, expected) and (bool in expected or not isinstance(value, bool))
