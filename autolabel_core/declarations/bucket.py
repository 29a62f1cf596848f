"""The models of `source:` in a collection's YAML: the buckets that its objects are stored in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from autolabel_core.declarations.model import Declaration, KeyedError, Text, listed

BUCKET_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
SHARED = ("bucket_schema", "key_prefix", "allow")
ALLOWED = ("file:///", "http://", "https://", "s3://")


class SchemaProperty(Declaration):
    """One property of a bucket schema: its type, and whether every object must have it."""

    type: Literal["text", "string", "image", "number", "integer", "boolean", "json"] = "text"
    required: bool = Field(default=False, strict=True)
    description: str = ""


class BucketSchema(Declaration):
    """What the objects of a bucket carry. An empty schema accepts everything."""

    properties: dict[str, SchemaProperty] = Field(default_factory=dict)


class Bucket(Declaration):
    """Where objects lie: a folder, a JSON Lines manifest, or an embedded folder.

    A manifest may refer to files below its own folder and below the addresses in `allow`; without
    that key also to `s3://` and to https of public hosts.
    """

    aliases: ClassVar[Mapping[str, str]] = {"name": "bucket_name", "bucket_id": "bucket_name"}

    bucket_name: str | None = None
    uri: Text | None = None
    key_prefix: str = ""
    bucket_schema: BucketSchema = Field(default_factory=BucketSchema.model_construct)
    allow: tuple[Text, ...] | None = None

    @field_validator("allow")
    @classmethod
    def allowed_are_addresses(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """Refuse what is no address of a folder or host."""
        for entry in value or ():
            if not entry.startswith(ALLOWED) or not entry.partition("://")[2]:
                raise ValueError(
                    f"`{entry}` is no address: write a folder as `file:///data/`, a host as "
                    "`https://cdn.example.org/`, a bucket as `s3://bucket/`"
                )
        return value

    @field_validator("bucket_name")
    @classmethod
    def name_is_a_folder_name(cls, value: str | None) -> str | None:
        """Refuse names that lead out of the folder of embedded buckets."""
        if value is not None and not BUCKET_NAME.fullmatch(value):
            raise ValueError(
                "use letters, digits, `_`, `-` and `.`, not starting with `.`; a path goes to `uri`"
            )
        return value


class Source(Declaration):
    """One or more buckets; several need distinct key prefixes, so that keys stay unique.

    Attributes:
        shorthands: words that are taken apart.
        type: there is only one.
        buckets: where objects lie.
        max_deleted_share: the largest share of a bucket's objects that may be gone at once before
            that is taken for a lost mount and not for a deletion, above 0 to 1 (never).
    """

    shorthands = ("uri", "uris", "bucket_ids", "bucket_name", *SHARED)

    type: Literal["bucket"] = "bucket"
    buckets: tuple[Bucket, ...] = Field(min_length=1)
    max_deleted_share: float = Field(default=0.5, gt=0.0, le=1.0, strict=True)

    @model_validator(mode="before")
    @classmethod
    def gather_buckets(cls, value: object) -> object:
        """Accept `uri`, `uris`, `bucket_ids`, `bucket_name` and `buckets` for the same thing."""
        if not isinstance(value, dict):
            return value
        shared = {k: value[k] for k in SHARED if k in value}
        single = {k: value[k] for k in ("uri", "bucket_name") if k in value}
        buckets: list[object] = [{**shared, **single}] if single else []
        buckets += [{**shared, "uri": uri} for uri in listed(value, "uris")]
        for name in listed(value, "bucket_ids"):
            plain = name.removeprefix("bkt_") if isinstance(name, str) else name
            buckets.append({**shared, "bucket_name": plain})
        for bucket in listed(value, "buckets"):
            buckets.append({**shared, **bucket} if isinstance(bucket, dict) else bucket)
        rest = {k: v for k, v in value.items() if k not in ("buckets", *cls.shorthands)}
        return {**rest, "buckets": buckets or [shared]}

    @model_validator(mode="after")
    def prefixes_are_distinct(self) -> Source:
        """Refuse two buckets that would give their objects the same keys."""
        prefixes = [bucket.key_prefix for bucket in self.buckets]
        if len(set(prefixes)) < len(prefixes):
            raise KeyedError(
                ("key_prefix",),
                f"{len(prefixes)} buckets have the prefixes {prefixes}; list them under `buckets` "
                "and give each its own `key_prefix`, so that keys stay unique",
            )
        return self
