"""Parses a plug-in's manifest from a mapping or a module; unknown keys are refused.

A key that is nearly right would make a plug-in without vectors, silently; here it is an error that
names the right one.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import NotRequired, TypedDict, cast

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.suggestions import did_you_mean

KEYS = {
    "feature_extractor_name": str,
    "version": str,
    "description": str,
    "dependencies": list,
    "features": list,
    "output_schema": dict,
    "input_mappings": dict,
    "tier": int,
    "tier_label": str,
    "compute_profile": dict,
}
REQUIRED = ("feature_extractor_name", "version", "features")
FEATURE_KEYS = ("feature_type", "feature_name", "embedding_dim", "distance_metric")
FEATURE_TYPES = ("embedding", "json")
MISTAKEN = {"name": "feature_extractor_name", "inputs": "input_mappings"}
MISTAKEN_IN_FEATURE = {
    "name": "feature_name",
    "type": "feature_type",
    "dim": "embedding_dim",
    "dimension": "embedding_dim",
    "dimensions": "embedding_dim",
    "distance": "distance_metric",
    "metric": "distance_metric",
}


class WrittenManifest(TypedDict):
    """The keys of a manifest that are read, once their types are checked."""

    feature_extractor_name: str
    version: str
    features: list[object]
    input_mappings: NotRequired[dict[str, object]]
    description: NotRequired[str]


@dataclass(frozen=True)
class Feature:
    """One feature that a plug-in gives: a vector space (`embedding`), or records (`json`)."""

    feature_type: str
    feature_name: str
    embedding_dim: int | None = None
    distance_metric: str | None = None


@dataclass(frozen=True)
class PluginManifest:
    """A manifest as its author wrote it, checked.

    Attributes:
        feature_extractor_name: the plug-in's name.
        version: its version.
        features: what it gives, at least one.
        inputs: names of its inputs, such as `image`.
        description: for people.
    """

    feature_extractor_name: str
    version: str
    features: tuple[Feature, ...]
    inputs: tuple[str, ...]
    description: str = ""

    def features_of(self, feature_type: str) -> list[Feature]:
        """Return the features of one type."""
        return [feature for feature in self.features if feature.feature_type == feature_type]


def read_manifest(manifest: Mapping[str, object] | ModuleType, where: str) -> PluginManifest:
    """Check a written manifest.

    Args:
        manifest: the mapping, or the module whose names are its keys.
        where: how an error begins, such as "The manifest of the detector `cars`".

    Returns:
        The manifest.

    Raises:
        AutolabelError: a key is unknown, missing or of the wrong type; the message names the right
            one.
    """
    entries = _names_of(manifest) if isinstance(manifest, ModuleType) else dict(manifest)
    _check_keys(entries, tuple(KEYS), MISTAKEN, where)
    for key in REQUIRED:
        if not entries.get(key):
            raise AutolabelError(f"{where} lacks `{key}`; add it")
    for key, value in entries.items():
        if not isinstance(value, KEYS[key]) or isinstance(value, bool):
            expected = {str: "a text", list: "a list", dict: "a mapping", int: "a whole number"}
            raise AutolabelError(f"{where}: `{key}` is {value!r}, expected {expected[KEYS[key]]}")
    written = cast("WrittenManifest", entries)
    features = tuple(
        _feature(entry, f"{where}: features[{i}]") for i, entry in enumerate(written["features"])
    )
    return PluginManifest(
        written["feature_extractor_name"],
        written["version"],
        features,
        tuple(written.get("input_mappings", {"image": "image"})),
        written.get("description", ""),
    )


def _names_of(module: ModuleType) -> dict[str, object]:
    names = {k: v for k, v in vars(module).items() if not k.startswith("_")}
    return {
        k: v
        for k, v in names.items()
        if not (inspect.ismodule(v) or inspect.isclass(v) or inspect.isroutine(v))
    }


def _feature(entry: object, where: str) -> Feature:
    if not isinstance(entry, Mapping):
        raise AutolabelError(f"{where} is {entry!r}, expected a mapping of {_listed(FEATURE_KEYS)}")
    _check_keys(entry, FEATURE_KEYS, MISTAKEN_IN_FEATURE, where)
    is_embedding = entry.get("feature_type") == "embedding"
    for key in FEATURE_KEYS if is_embedding else FEATURE_KEYS[:2]:
        if key not in entry:
            raise AutolabelError(f"{where} lacks `{key}`; add it")
    if entry["feature_type"] not in FEATURE_TYPES:
        raise AutolabelError(
            f"{where}: `feature_type` is {entry['feature_type']!r}, expected one of "
            f"{_listed(FEATURE_TYPES)}"
        )
    dim = entry.get("embedding_dim")
    if is_embedding and (not isinstance(dim, int) or isinstance(dim, bool) or dim < 1):
        raise AutolabelError(f"{where}: `embedding_dim` is {dim!r}, expected a whole number from 1")
    if is_embedding and entry["distance_metric"] != "cosine":
        metric = entry["distance_metric"]
        raise AutolabelError(f"{where}: `distance_metric` is {metric!r}, expected 'cosine'")
    return Feature(
        entry["feature_type"], str(entry["feature_name"]), dim, entry.get("distance_metric")
    )


def _check_keys(
    entries: Mapping[str, object],
    known: tuple[str, ...],
    mistaken: Mapping[str, str],
    where: str,
) -> None:
    for key in entries:
        if key in known:
            continue
        right = mistaken.get(key)
        hint = f" The key is `{right}`." if right else did_you_mean(key, known)
        raise AutolabelError(f"{where}: unknown key `{key}`.{hint} Keys: {_listed(known)}")


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names)
