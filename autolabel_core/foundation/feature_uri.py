"""The URI of a feature space: which extractor, version and feature made the vectors."""

from __future__ import annotations

import re
from dataclasses import dataclass

from autolabel_core.foundation.errors import AutolabelError

SCHEME = "autolabel"
SCHEME_ALIASES = frozenset({"mixpeek"})
NAME = re.compile(r"[A-Za-z0-9._-]+")
_URI = re.compile(r"([a-z][a-z0-9+.-]*)://([A-Za-z0-9._-]+)@([A-Za-z0-9._-]+)/([A-Za-z0-9._-]+)")


@dataclass(frozen=True)
class FeatureUri:
    """The three names that make a feature space; vectors of two spaces are never compared."""

    feature_extractor_name: str
    version: str
    feature_name: str

    @property
    def feature_uri(self) -> str:
        """The URI `autolabel://{extractor}@{version}/{feature}`."""
        return f"{SCHEME}://{self.feature_extractor_name}@{self.version}/{self.feature_name}"


def parse_feature_uri(feature_uri: str) -> FeatureUri:
    """Read a feature URI; the older scheme `mixpeek://` is taken for `autolabel://`.

    Args:
        feature_uri: such as `autolabel://image_extractor@v1/descriptor`.

    Returns:
        Its three names; their `feature_uri` is the normalised URI.

    Raises:
        AutolabelError: the text is no feature URI.
    """
    match = _URI.fullmatch(feature_uri.strip())
    if match is None or match[1] not in {SCHEME, *SCHEME_ALIASES}:
        raise AutolabelError(
            f"`{feature_uri}` is no feature URI: expected "
            f"`{SCHEME}://<extractor>@<version>/<feature>`, such as "
            f"`{SCHEME}://image_extractor@v1/descriptor`"
        )
    return FeatureUri(match[2], match[3], match[4])


def feature_slug(feature_uri: str) -> str:
    """Return the URI's three names joined by `~`: a file name, different for different spaces."""
    names = parse_feature_uri(feature_uri)
    return "~".join((names.feature_extractor_name, names.version, names.feature_name))


def is_name(value: object) -> bool:
    """Whether a value may be part of a feature URI."""
    return isinstance(value, str) and NAME.fullmatch(value) is not None
