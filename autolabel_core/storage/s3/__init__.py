"""Access to S3, for buckets and for the warehouse."""

from autolabel_core.storage.s3.bucket import SIGNED_SECONDS, S3Bucket
from autolabel_core.storage.s3.entries import S3Entry
from autolabel_core.storage.s3.settings import SCHEME, S3Settings, split_uri

__all__ = ["SCHEME", "SIGNED_SECONDS", "S3Bucket", "S3Entry", "S3Settings", "split_uri"]
