"""The part of a declaration that labels follow from, as JSON that can be kept and read again."""

from __future__ import annotations

from typing import cast

from pydantic import ValidationError

from autolabel_core.declarations.collection import Collection
from autolabel_core.foundation.errors import DeclarationError
from autolabel_core.foundation.json_types import JsonObject

RULE_FIELDS = (
    "feature_extractor",
    "detection",
    "frames",
    "taxonomy",
    "retrievers",
    "references",
    "reference_views",
)
"""What decides which label a document takes; nothing here says where data lie, or holds secrets."""


def rule_of(collection: Collection) -> JsonObject:
    """Return the rule of a collection.

    Args:
        collection: the declaration.

    Returns:
        What `with_rule` reads again.
    """
    return cast("JsonObject", collection.model_dump(mode="json", include=set(RULE_FIELDS)))


def with_rule(collection: Collection, rule: JsonObject) -> Collection:
    """Return a collection as it would be with another rule.

    Args:
        collection: the declaration; all else stays as it says.
        rule: what `rule_of` gave.

    Returns:
        The changed declaration.

    Raises:
        DeclarationError: this version cannot read the rule.
    """
    name = collection.collection_name
    try:
        read = Collection.model_validate({"collection_name": name, **rule})
    except ValidationError as error:
        problem = "; ".join(f"{one['loc']}: {one['msg']}" for one in error.errors())
        raise DeclarationError(
            f"The rule that is recorded of `{name}` cannot be read: {problem}. Was it written by "
            "another version of autolabel?",
            name,
        ) from error
    return collection.model_copy(update={field: getattr(read, field) for field in RULE_FIELDS})
