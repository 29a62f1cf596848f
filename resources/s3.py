"""The S3 resource, with the fields of dagster-aws; the environment gives what is not configured."""

import dagster as dg
from pydantic import Field

from autolabel_core.storage.s3 import S3Settings


class S3AccessResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Those settings of dagster-aws's `S3Resource` that say where and who, for core's own client.

    Importing dagster-aws would load boto3 and its clients, half of what a run's start takes.
    """

    region_name: str | None = Field(default=None, description="Region of the store.")
    endpoint_url: str | None = Field(default=None, description="Address of a store but AWS.")
    profile_name: str | None = Field(default=None, description="Profile of the AWS configuration.")
    aws_access_key_id: str | None = Field(default=None, description="Key id.")
    aws_secret_access_key: str | None = Field(default=None, description="Secret of the key.")
    aws_session_token: str | None = Field(default=None, description="Token of a passing key.")

    def settings(self) -> S3Settings:
        """Return endpoint, region, keys and profile."""
        default = S3Settings.from_environment()
        own_keys = bool(self.aws_access_key_id and self.aws_secret_access_key)
        return S3Settings(
            self.endpoint_url or default.endpoint_url,
            self.region_name or default.region,
            self.aws_access_key_id if own_keys else default.access_key_id,
            self.aws_secret_access_key if own_keys else default.secret_access_key,
            self.aws_session_token if own_keys else default.session_token,
            self.profile_name or default.profile,
        )
