"""Chooses the model of a built-in extractor: one that is installed with it, or one of your own."""

from __future__ import annotations

from dataclasses import dataclass

from autolabel_core.foundation.errors import AutolabelError


@dataclass(frozen=True)
class ModelChoice:
    """The models that a built-in extractor knows.

    Attributes:
        extractor: its name.
        default: the model where none is declared; one of the installed.
        installed: models by a name alone, which need no download, in the order of advice.
        without_parameters: those of them that need no weights, and take no parameters.
        kind: how names of other models begin, before a colon.
        named: what follows the colon.
        example: a whole name.
    """

    extractor: str
    default: str
    installed: tuple[str, ...]
    without_parameters: tuple[str, ...]
    kind: str
    named: str
    example: str

    def parse(self, model: str | None, **parameters: object) -> tuple[str, str]:
        """Return the installed model or the kind, and what names the weights after a colon.

        Args:
            model: as declared; None is the default.
            **parameters: given for models with weights; None is one that was not given.

        Returns:
            `("descriptor", "")`, or `("open_clip", "ViT-B-32/…")`.

        Raises:
            AutolabelError: there is no such model, or it takes no parameters and is given some.
        """
        chosen = model or self.default
        if chosen in self.without_parameters:
            self._refuse(chosen, parameters)
        if chosen in self.installed:
            return chosen, ""
        kind, _, weights = chosen.partition(":")
        if kind != self.kind or not weights:
            installed = ", ".join(f"`{name}`" for name in self.installed)
            raise AutolabelError(
                f"{self.extractor} does not know the model `{model}`. Use {installed} or "
                f"`{self.kind}:{self.named}`, such as `{self.example}`"
            )
        return kind, weights

    def _refuse(self, chosen: str, parameters: dict[str, object]) -> None:
        given = [f"`{name}: {value}`" for name, value in parameters.items() if value is not None]
        if given:
            raise AutolabelError(
                f"The model `{chosen}` takes no parameters, found {', '.join(given)}; "
                "leave them out"
            )
