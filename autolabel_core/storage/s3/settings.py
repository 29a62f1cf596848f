"""The settings of S3: endpoint, region, keys, timeouts and retries."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from autolabel_core.foundation.errors import AutolabelError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config, S3Store

SCHEME = "s3://"
MAX_RETRIES = 5
RETRY_SECONDS = 60.0
REQUEST_SECONDS = 30.0
DEFAULT_REGION = "us-east-1"
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class S3Settings:
    """How S3 is reached; what is None, the AWS variables and then the machine's role say.

    Attributes:
        endpoint_url: server other than Amazon's; plain http to this machine alone.
        region: region of the buckets.
        access_key_id: name of the key pair.
        secret_access_key: its secret.
        session_token: token of temporary keys.
        profile: name in the AWS configuration files.
        request_seconds: how long one request may take, > 0.
        retry_seconds: how long one answer is tried for, >= 0.
        max_retries: how often it is tried again, >= 0.
    """

    endpoint_url: str | None = None
    region: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None
    session_token: str | None = None
    profile: str | None = None
    request_seconds: float = REQUEST_SECONDS
    retry_seconds: float = RETRY_SECONDS
    max_retries: int = MAX_RETRIES

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> S3Settings:
        """Read the AWS variables; empty ones count as not set."""

        def first(*names: str) -> str | None:
            return next((environ[name] for name in names if environ.get(name)), None)

        return cls(
            first("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
            first("AWS_REGION", "AWS_DEFAULT_REGION"),
            first("AWS_ACCESS_KEY_ID"),
            first("AWS_SECRET_ACCESS_KEY"),
            first("AWS_SESSION_TOKEN"),
            first("AWS_PROFILE"),
        )


def split_uri(uri: str) -> tuple[str, str]:
    """Return bucket and key of `s3://bucket/key`; the key may be empty and has no outer slashes.

    Args:
        uri: the address.

    Returns:
        Both, as they stand: nothing is decoded.

    Raises:
        AutolabelError: it names no bucket.
    """
    bucket, _, key = uri.removeprefix(SCHEME).partition("/")
    if not bucket:
        raise AutolabelError(f"Expected s3://bucket/prefix, found {uri!r}: name the bucket.")
    return bucket, key.strip("/")


@functools.lru_cache(maxsize=64)
def open_store(bucket: str, settings: S3Settings) -> S3Store:
    """Return the client of one bucket; threads share its connections."""
    from obstore.store import S3Store

    client: ClientConfig = {
        "timeout": timedelta(seconds=settings.request_seconds),
        "connect_timeout": timedelta(seconds=min(10.0, settings.request_seconds)),
    }
    options: S3Config = {"region": settings.region or DEFAULT_REGION}
    retry: RetryConfig = {
        "max_retries": settings.max_retries,
        "retry_timeout": timedelta(seconds=settings.retry_seconds),
    }
    if settings.endpoint_url:
        options["endpoint"] = settings.endpoint_url
        client["allow_http"] = _may_be_plain(settings.endpoint_url)
    credentials = _credentials(settings)
    return S3Store(bucket, config=options, client_options=client, retry_config=retry, **credentials)


def _may_be_plain(endpoint_url: str) -> bool:
    parts = urlsplit(endpoint_url)
    allowed = os.environ.get("AWS_ALLOW_HTTP", "").lower() in ("1", "true", "yes")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK and not allowed:
        raise AutolabelError(
            f"The S3 endpoint {endpoint_url} is plain http, which is for this machine alone. "
            "Use https://, or set AWS_ALLOW_HTTP=true for a network that you trust."
        )
    return parts.scheme == "http"


def _credentials(settings: S3Settings) -> dict[str, Any]:
    """Keys that are given, else a profile of the AWS files, else what the machine's role gives."""
    if settings.access_key_id and settings.secret_access_key:
        keys = {
            "access_key_id": settings.access_key_id,
            "secret_access_key": settings.secret_access_key,
        }
        return {**keys, **({"token": settings.session_token} if settings.session_token else {})}
    if not settings.profile:
        return {}
    import boto3
    from botocore.exceptions import BotoCoreError
    from obstore.auth.boto3 import Boto3CredentialProvider

    try:
        session = boto3.Session(profile_name=settings.profile)
        return {"credential_provider": Boto3CredentialProvider(session)}
    except (BotoCoreError, ValueError) as error:
        raise AutolabelError(
            f"The AWS profile `{settings.profile}` gives no keys: {error}"
        ) from error
