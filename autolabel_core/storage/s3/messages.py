"""Turns errors of an S3 server into one line: what was expected, what was found, the cure."""

from __future__ import annotations

import re

from autolabel_core.foundation.errors import (
    AutolabelError,
    StoreUnavailableError,
    UnreadableItemError,
)
from autolabel_core.storage.s3.settings import DEFAULT_REGION, SCHEME, S3Settings, split_uri

ARCHIVED = "InvalidObjectState"


def explained(
    message: str, address: str, settings: S3Settings, is_listing: bool = False
) -> AutolabelError:
    """Return an error of the server as one line: what was expected, what was found, the cure.

    Args:
        message: what the client said.
        address: what was asked for.
        settings: how the server is reached.
        is_listing: whether a listing failed, and not one object.

    Returns:
        `UnreadableItemError` for what concerns one object for good, `StoreUnavailableError` for
        what may pass or wants another setting.
    """
    code = code_of(message)
    server = settings.endpoint_url or f"Amazon S3 ({settings.region or DEFAULT_REGION})"
    bucket = SCHEME + split_uri(address)[0]
    if code == ARCHIVED:
        return UnreadableItemError("is archived; restore it to a class that can be read at once")
    if is_unaddressable(message):
        why = message.partition("invalid path: ")[2].partition("\n\nDebug")[0] or message
        return AutolabelError(
            f"{address} holds a key that cannot be addressed ({' '.join(why.split()):.160}); "
            f"rename it: no empty, `.` or `..` parts, no control characters."
        )
    if code == "NoSuchBucket":
        cure = "create it, or correct the s3:// address"
        if not is_listing:
            return UnreadableItemError(f"lies in {bucket}, which does not exist; {cure}")
        return StoreUnavailableError(f"The bucket {bucket} does not exist on {server}; {cure}.")
    problem, cure = _found_and_cure(message, settings)
    return StoreUnavailableError(f"Expected {address} from {server}, but {problem}; {cure}.")


def _found_and_cure(message: str, settings: S3Settings) -> tuple[str, str]:
    code, status = code_of(message), _status(message)
    if "169.254.169.254" in message:
        problem, cure = (
            "no keys were found",
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
        )
    elif code in ("AuthorizationHeaderMalformed", "PermanentRedirect") or status in ("301", "307"):
        expected = re.search(r"expecting '([^']+)'|<Region>([^<]+)", message)
        there = f", the bucket is in {expected[1] or expected[2]}" if expected else ""
        problem = f"the region `{settings.region or DEFAULT_REGION}` is wrong{there}"
        cure = "set AWS_REGION to the bucket's"
    elif code in ("SignatureDoesNotMatch", "InvalidAccessKeyId") or status == "401":
        problem, cure = (
            "the keys are refused",
            "correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        )
    elif status == "403":
        problem, cure = (
            "access is denied",
            "allow s3:ListBucket and s3:GetObject (to write: s3:PutObject)",
        )
    elif status.startswith("5") or status == "429":
        problem, cure = f"the server answers {status} again and again", "run the same again later"
    elif status:
        problem, cure = f"the server answers {status} {code}", "look at the server"
    else:
        problem = "the server cannot be reached, or broke off its answer"
        cure = "check AWS_ENDPOINT_URL and the network, then run the same again"
    return problem, cure


def is_unaddressable(message: str) -> bool:
    """Whether the client refuses a key by itself: one with empty, `.` or `..` parts."""
    return "invalid path" in message


def code_of(message: str) -> str:
    """Return the error code in an S3 answer, empty where it has none."""
    found = re.search(r"<Code>(\w+)</Code>", message)
    return found[1] if found else ""


def _status(message: str) -> str:
    found = re.search(r"status code: (\d{3})", message)
    return found[1] if found else ""
