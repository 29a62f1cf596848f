"""Labels items that are not stored, as if they had just been uploaded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict, cast

import numpy as np

from autolabel_core.documents.record import TaxonomyMatch, rounded
from autolabel_core.foundation.errors import AutolabelError, UnreadableItemError
from autolabel_core.foundation.media.images import decode_image
from autolabel_core.foundation.media.text_formats import read_text, text_media_type
from autolabel_core.foundation.score_names import ScoreName
from autolabel_core.matching.decision_engine import Match
from autolabel_core.models.extractors import Extractor, embed_with_fallback
from autolabel_core.tables.applied_taxonomy import AppliedTaxonomy
from autolabel_core.tables.document_table import Item
from autolabel_core.tables.reference_set import ReferenceSet
from autolabel_core.tables.references import ReferenceVectors
from autolabel_core.tables.suggestions import Suggestions
from autolabel_core.tables.workspace import OpenCollection


class Classification(TypedDict):
    """What a match gives an item that is not stored; `label` is None where it is unknown.

    The enriched fields stand beside under their declared names.
    """

    label: str | None
    suggested_label: str | None
    taxonomy_match: TaxonomyMatch


class ClassifiedFile(Classification):
    """One file; `reason` says why it cannot be read."""

    file: str
    reason: str | None


def classify(collection: OpenCollection, files: Sequence[Path]) -> list[ClassifiedFile]:
    """Decide files by a collection's taxonomy.

    Args:
        collection: whose taxonomy decides.
        files: images or texts.

    Returns:
        What each file is, in the order given. Before there are references, the suggested label is
        the one whose name lies nearest, where that is declared.

    Raises:
        AutolabelError: there is no taxonomy, or its references are of another feature URI.
    """
    if collection.declaration.taxonomy is None:
        raise AutolabelError(
            f"`{collection.name}` has no `taxonomy` in its YAML: nothing decides labels."
        )
    taxonomy = AppliedTaxonomy(collection)
    extractor = collection.extractor
    require_same_encoder(taxonomy.all_references, extractor)
    items: dict[int, Item] = {}
    reasons: dict[int, str] = {}
    for i, file in enumerate(files):
        try:
            items[i] = decode_file(file, extractor)
        except UnreadableItemError as error:
            reasons[i] = str(error)
    if not taxonomy.all_references.rows and collection.declaration.zero_shot is None:
        items = {}
    found = embed_with_fallback(extractor, [*items.values()], [False] * len(items)) if items else []
    reasons |= {i: why for i, why in zip(items, found, strict=True) if isinstance(why, str)}
    vectors = {i: v for i, v in zip(items, found, strict=True) if not isinstance(v, str)}
    matches: dict[int, Match] = {}
    proposed: dict[int, str | None] = {}
    if vectors:
        matrix = np.stack([*vectors.values()])
        if taxonomy.all_references.rows:
            matches = dict(zip(vectors, taxonomy.engine.match(matrix), strict=True))
        elif collection.declaration.zero_shot is not None:
            proposed = dict(zip(vectors, Suggestions(collection).names_of(matrix), strict=True))
    answers: list[ClassifiedFile] = []
    for i, file in enumerate(files):
        answer = classification(taxonomy, matches.get(i))
        suggested = answer["suggested_label"] or proposed.get(i)
        answers.append(
            {
                "file": str(file),
                "reason": reasons.get(i),
                **answer,
                "suggested_label": suggested,
            }
        )
    return answers


def why_nothing_compares(collection: OpenCollection) -> str:
    """Say why there is no reference to compare with; empty where there is one.

    Args:
        collection: whose taxonomy decides.

    Returns:
        The reason and the cure.
    """
    taxonomy = AppliedTaxonomy(collection)
    if taxonomy.all_references.rows:
        return ""
    owner = OpenCollection(collection.workspace, taxonomy.reference_collection)
    given = len(ReferenceSet(owner).load().rows)
    if given:
        return (
            f"The retriever of `{collection.name}` accepts none of the {given} references of "
            f"`{owner.name}`, so nothing can be compared: correct its `attribute_filter`."
        )
    return (
        f"`{owner.name}` has no references yet, so nothing can be compared: label some documents "
        f"(`autolabel label {owner.name} KEY LABEL`), then `autolabel sweep {owner.name}`."
    )


def classification(taxonomy: AppliedTaxonomy, match: Match | None) -> Classification:
    """Say what a match gives an item that is not stored.

    Args:
        taxonomy: whose references were matched.
        match: what its engine decided; None where nothing could be compared.

    Returns:
        The decision.
    """
    given = match is not None and match.matched
    reference = taxonomy.all_references.rows[match.row] if match is not None and given else None
    enriched = {} if reference is None else taxonomy.enrichment_from(reference)
    record = {
        "label": match.label if match is not None and given else None,
        "suggested_label": None if match is None else match.label,
        **enriched,
        "taxonomy_match": match_record(
            match,
            None if reference is None else reference["document_id"],
            "nearest" if taxonomy.score is None else taxonomy.score.name,
        ),
    }
    return cast("Classification", record)  # the names of fields are declared in YAML


def match_record(match: Match | None, source: str | None, score_name: ScoreName) -> TaxonomyMatch:
    """Return a match as records of documents hold it.

    Args:
        match: what was decided; None where nothing could be compared.
        source: the reference that a given label comes from.
        score_name: what decided.

    Returns:
        The record.
    """
    if match is None:
        nothing = dict.fromkeys(TaxonomyMatch.__annotations__)
        return cast("TaxonomyMatch", {**nothing, "matched": False})
    return {
        "matched": match.matched,
        "confidence": None if math.isnan(match.score) else match.score,
        "source_document_id": source,
        "score": score_name,
        "similarity": rounded(match.similarity),
        "probability": rounded(match.probability),
        "margin": rounded(match.margin),
    }


def require_same_encoder(references: ReferenceVectors, extractor: Extractor) -> None:
    """Refuse to compare vectors of two encoders, as while the references change over.

    Args:
        references: that are asked.
        extractor: that embeds the queries.

    Raises:
        AutolabelError: there are references, and another encoder made their vectors.
    """
    space = extractor.manifest
    if references.rows and references.encoder_uri != space.encoder_uri:
        raise AutolabelError(
            f"The references are still vectors of {references.feature_uri}, but the declaration "
            f"says {space.feature_uri}. Sweep until every batch has the new ones."
        )


def decode_file(path: Path, extractor: Extractor) -> Item:
    """Read a file as the kind of item that an extractor embeds.

    Args:
        path: of an image or a text.
        extractor: JPEGs are decoded no larger than it needs.

    Returns:
        The item.

    Raises:
        UnreadableItemError: the file cannot be read, or is no such item.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableItemError(f"{path} cannot be read: {error.strerror}") from error
    if extractor.manifest.input == "text":
        return read_text(data, text_media_type(data, path.suffix))
    return decode_image(data, extractor.min_side_px)
