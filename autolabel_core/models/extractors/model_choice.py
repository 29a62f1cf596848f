"""Chooses the model of a built-in extractor: the embedded default, or one with weights."""

from __future__ import annotations

from dataclasses import dataclass

from autolabel_core.foundation.errors import AutolabelError


@dataclass(frozen=True)
class ModelChoice:
    """The models that a built-in extractor knows.

    Attributes:
        extractor: its name.
        default: the embedded model, which needs no weights and has no parameters.
        kind: how names of models with weights begin, before a colon.
        named: what follows the colon.
        example: a whole name.
    """

    extractor: str
    default: str
    kind: str
    named: str
    example: str

    def weights_of(self, model: str | None, **parameters: object) -> str | None:
        """Return what names the weights of a model; None for the embedded default.

        Args:
            model: as declared; None is the default.
            **parameters: given for models with weights; None is one that was not given.

        Returns:
            What follows the colon.

        Raises:
            AutolabelError: there is no such model, or the default is given parameters.
        """
        if model is None or model == self.default:
            given = [f"`{name}: {v}`" for name, v in parameters.items() if v is not None]
            if given:
                raise AutolabelError(
                    f"The model `{self.default}` takes no parameters, found {', '.join(given)}; "
                    "leave them out"
                )
            return None
        kind, _, weights = model.partition(":")
        if kind != self.kind or not weights:
            raise AutolabelError(
                f"{self.extractor} does not know the model `{model}`. Use `{self.default}` (no "
                f"weights) or `{self.kind}:{self.named}`, such as `{self.example}`"
            )
        return weights
