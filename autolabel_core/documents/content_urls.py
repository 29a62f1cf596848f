"""Temporary URLs from which the content of documents can be fetched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from autolabel_core.foundation.errors import UnreadableItemError
from autolabel_core.foundation.parallel import read_in_order
from autolabel_core.storage.s3 import SCHEME, SIGNED_SECONDS, S3Bucket, split_uri
from autolabel_core.tables.workspace import OpenCollection, Workspace

MAX_SECONDS = 604_800


def content_urls(
    collection: OpenCollection,
    keys: Sequence[str],
    seconds: int = SIGNED_SECONDS,
) -> dict[str, str | None]:
    """Return where the content of each document can be fetched, without reading it.

    Args:
        collection: whose documents.
        keys: of the documents.
        seconds: how long a signed address is good for, from 1 to `MAX_SECONDS` (a week).

    Returns:
        By key: a signed https address for an object on S3, `file://` for a local file, the
        original address for one on the web; None for text that lies in a manifest, and for
        objects that are gone.
    """
    source = collection.source()
    kind = collection.extractor.manifest.input
    mapped = collection.declaration.feature_extractor.input_mappings.get(kind)

    def address(key: str) -> str | None:
        try:
            return source.open(key).input_blob(kind, mapped).address
        except UnreadableItemError:
            return None

    addresses = dict(zip(keys, read_in_order(address, keys), strict=True))
    return addresses | _signed(collection.workspace, addresses, seconds)


def sign_address(workspace: Workspace, address: str, seconds: int = SIGNED_SECONDS) -> str:
    """Return an address that can be fetched for a while.

    Args:
        workspace: the stores.
        address: any; those on S3 are signed, others are left as they are.
        seconds: how long it is good for.

    Returns:
        The address.
    """
    return _signed(workspace, {"": address}, seconds).get("") or address


def _signed(
    workspace: Workspace, addresses: dict[str, str | None], seconds: int
) -> dict[str, str | None]:
    objects: dict[str, dict[str, str]] = defaultdict(dict)
    for key, address in addresses.items():
        if address is not None and address.startswith(SCHEME):
            bucket, name = split_uri(address)
            objects[bucket][key] = name
    signed: dict[str, str | None] = {}
    for bucket, names in objects.items():
        urls = S3Bucket(bucket, workspace.s3).sign(list(names.values()), seconds)
        signed |= dict(zip(names, urls, strict=True))
    return signed
