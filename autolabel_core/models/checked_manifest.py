"""The base of plug-in manifests, and their validation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from types import ModuleType
from typing import Any, TypeVar, cast

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.feature_uri import is_name
from autolabel_core.models.plugin_manifest import PluginManifest, read_manifest

Self = TypeVar("Self", bound="CheckedManifest")
PlugIn = TypeVar("PlugIn")
Check = tuple[str, bool, str]
"""A key, whether its value is good, and what was expected."""
ALPHABET = "letters, digits, `.`, `_` and `-` only"


@dataclass(frozen=True)
class CheckedManifest(ABC):
    """The part that manifests of all kinds share; reading one loads no weights.

    Attributes:
        feature_extractor_name: the name of the plug-in's entry point.
        version: part of the feature URI; a new version is a new feature space.
    """

    feature_extractor_name: str
    version: str

    @classmethod
    @abstractmethod
    def from_written(cls: type[Self], written: PluginManifest, where: str) -> Self:
        """Return the manifest that a written one, whose keys are checked, stands for."""
        ...

    @abstractmethod
    def checks(self) -> list[Check]:
        """Say of each value of this kind of manifest whether it can be used."""
        ...

    @classmethod
    def checked(cls: type[Self], manifest: object, noun: str, name: str, version: str) -> Self:
        """Return the manifest of a plug-in, or refuse it by the key that is wrong.

        Args:
            manifest: what the plug-in's `manifest` holds: one of this class, or the written form.
            noun: the kind of plug-in, for messages.
            name: the entry point's name.
            version: the version asked for.

        Returns:
            The same object, or the manifest that a written one stands for.

        Raises:
            AutolabelError: a key is missing, unknown or has a value that cannot be used.
        """
        where = f"The manifest of the {noun} `{name}`"
        if isinstance(manifest, Mapping | ModuleType):
            manifest = cls.from_written(read_manifest(manifest, where), where)
        if not isinstance(manifest, cls):
            required = (field.name for field in fields(cls) if field.default is MISSING)
            lacking = [f"lacks `{key}`" for key in required if not hasattr(manifest, key)]
            raise AutolabelError(
                f"{where} {' and '.join([*lacking[:1], f'is a {type(manifest).__name__}'])}, "
                f"expected autolabel_core.{cls.__name__} or a mapping of its keys"
            )
        common: list[Check] = [
            ("feature_extractor_name", manifest.feature_extractor_name == name, repr(name)),
            ("version", manifest.version == version, f"{version!r}, the version asked for"),
            ("version", is_name(manifest.version), ALPHABET),
        ]
        for key, is_good, expected in [*common, *manifest.checks()]:
            if not is_good:
                value = getattr(manifest, key)
                raise AutolabelError(f"{where}: `{key}` is {value!r}, expected {expected}")
        return manifest


@dataclass(frozen=True)
class _WithManifest:
    plug_in: object
    manifest: CheckedManifest

    @property
    def min_side_px(self) -> int | None:
        """What decoding must keep; a plug-in that looks at no images need not say it."""
        return getattr(self.plug_in, "min_side_px", None)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "plug_in":
            raise AttributeError(name)
        return getattr(self.plug_in, name)


def with_manifest(plug_in: PlugIn, manifest: CheckedManifest) -> PlugIn:
    """Return a plug-in that says of itself what the manifest says, and else is as it was."""
    return cast("PlugIn", _WithManifest(plug_in, manifest))
