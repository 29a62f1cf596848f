"""The S3 resource, with the fields of dagster-aws; the environment gives what is not configured."""

from dagster_aws.s3 import S3Resource

from autolabel_core.storage.s3 import S3Settings


class S3AccessResource(S3Resource):
    """The settings of dagster-aws's `S3Resource`, handed to core's own client."""

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
