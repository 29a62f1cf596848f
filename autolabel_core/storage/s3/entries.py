"""Objects as a listing shows them, and a listing that shows every key whatever it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from autolabel_core.foundation.errors import StoreUnavailableError
from autolabel_core.storage.s3.messages import explained
from autolabel_core.storage.s3.settings import DEFAULT_REGION, SCHEME, S3Settings


class S3Entry(NamedTuple):
    """One object as listed; the ETag changes whenever its content does."""

    key: str
    e_tag: str
    size: int

    @property
    def version(self) -> str:
        """A text that changes whenever the object does."""
        return f"{self.e_tag}-{self.size:x}"


def list_all(bucket: str, prefix: str, settings: S3Settings) -> Iterator[S3Entry]:
    """List objects by boto3, which is slow and takes every key.

    The usual client refuses a whole page for one key with empty, `.` or `..` parts.

    Args:
        bucket: its name.
        prefix: the folder's key, empty for the whole bucket.
        settings: how the server is reached.

    Yields:
        S3Entry: all objects, in the server's order.

    Raises:
        StoreUnavailableError: the server refuses, or does not answer.
    """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    session = boto3.Session(
        settings.access_key_id,
        settings.secret_access_key,
        settings.session_token,
        settings.region or DEFAULT_REGION,
        profile_name=None if settings.access_key_id else settings.profile,
    )
    config = Config(
        read_timeout=settings.request_seconds, retries={"max_attempts": settings.max_retries}
    )
    client = session.client("s3", endpoint_url=settings.endpoint_url, config=config)
    below = f"{prefix}/" if prefix else ""
    try:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=below):
            for entry in page.get("Contents", []):
                yield S3Entry(entry["Key"], entry["ETag"].strip('"'), entry["Size"])
    except (BotoCoreError, ClientError) as error:
        address = f"{SCHEME}{bucket}/{prefix}"
        message = explained(str(error), address, settings, is_listing=True)
        raise StoreUnavailableError(str(message)) from error
