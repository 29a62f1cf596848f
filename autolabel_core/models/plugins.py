"""Finds the plug-ins of installed distributions, and calls their factories."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.models.checked_manifest import CheckedManifest, with_manifest

PLUGIN_FAILURES = (Exception, SystemExit)
"""What the code of others may raise, `sys.exit` among it; an interrupt is the user's own."""


@dataclass(frozen=True)
class PlugInKind:
    """What plug-ins of one kind are called.

    Attributes:
        noun: in messages, such as `extractor`.
        group: their group of entry points.
        key: the key of the YAML that names one.
        manifest: the class of their manifests.
        deployed: gives the factory of a name and a version that is no entry point; None without.
    """

    noun: str
    group: str
    key: str
    manifest: type[CheckedManifest]
    deployed: Callable[[str, str], Callable[..., Any] | None] = lambda _name, _version: None

    def load(self, name: str, version: str, model: Any, parameters: Mapping[str, Any]) -> Any:
        """Return the plug-in of a name and a version, its manifest checked.

        Args:
            name: the entry point.
            version: part of the feature URI.
            model: handed to the factory.
            parameters: further keywords for the factory.

        Returns:
            The plug-in; what cannot be found, imported or called is an error that says so.
        """
        made = self.make(name, version, model, parameters)
        found = getattr(made, "manifest", None)
        manifest = self.manifest.checked(found, self.noun, name, version)
        return made if manifest is found else with_manifest(made, manifest)

    def make(self, name: str, version: str, model: Any, parameters: Mapping[str, Any]) -> Any:
        """Return what the plug-in's factory makes of a version, a model and further keywords.

        Args:
            name: the entry point; one called `<name>_<version>`, dots as `_`, goes before it, so
                that two versions may be installed side by side.
            version: handed to the factory.
            model: handed to the factory.
            parameters: keywords for the factory.

        Returns:
            What the factory returned, unchecked.

        Raises:
            AutolabelError: it is not installed, cannot be imported, or refuses the parameters.
        """
        deployed = self.deployed(name, version)
        if deployed is not None:
            return self._made(deployed, "the pipeline", name, (version, model), parameters)
        entry_point = self._entry_point(name, version)
        try:
            factory = entry_point.load()
        except (ImportError, AttributeError) as error:
            raise AutolabelError(
                f"The {self.noun} `{name}` is installed as `{entry_point.value}`, which cannot be "
                f"imported: {error}. Install or repair the package that brings it"
            ) from error
        except PLUGIN_FAILURES as error:
            raise AutolabelError(self._failure(name, "is imported", error)) from error
        return self._made(factory, entry_point.attr, name, (version, model), parameters)

    def _made(
        self,
        factory: Callable[..., Any],
        called: str,
        name: str,
        given: tuple[str, Any],
        parameters: Mapping[str, Any],
    ) -> Any:
        try:
            inspect.signature(factory).bind(*given, **parameters)
        except TypeError as error:
            raise AutolabelError(
                f"The {self.noun} `{name}` does not take these parameters: {error}. "
                f"Given: {sorted(parameters) or 'none'}; its factory is "
                f"`{called}{inspect.signature(factory)}`"
            ) from error
        try:
            return factory(*given, **parameters)
        except AutolabelError:
            raise
        except PLUGIN_FAILURES as error:
            raise AutolabelError(self._failure(name, "is loaded", error)) from error

    def _failure(self, name: str, when: str, error: BaseException) -> str:
        return (
            f"The {self.noun} `{name}` fails when it {when}: {error!r}. Repair the package that "
            f"brings it, or declare another `{self.key}`"
        )

    def _entry_point(self, name: str, version: str) -> metadata.EntryPoint:
        points = metadata.entry_points(group=self.group)
        by_name = {entry_point.name: entry_point for entry_point in points}
        for wanted in (f"{name}_{version.replace('.', '_')}", name):
            if wanted in by_name:
                return by_name[wanted]
        near = difflib.get_close_matches(name, by_name, n=1)
        suggestion = f" Did you mean `{near[0]}`?" if near else ""
        raise NotFoundError(
            f"No {self.noun} `{name}` is installed.{suggestion} Installed: "
            f"{', '.join(sorted(by_name)) or 'none'}. Install the package that brings it (one with "
            f"an entry point `{name}` in the group `{self.group}`), or correct `{self.key}`"
        )
