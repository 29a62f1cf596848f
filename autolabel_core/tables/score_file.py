"""The file of a fitted score, so that what was learned from references is learned once."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import PurePath
from typing import TypedDict, cast

import numpy as np
import pyarrow as pa

from autolabel_core.foundation.score_names import DeclaredScore, ScoreName
from autolabel_core.matching.scores.fitted import FittedScore, ScoreChoice, ScoreFigures
from autolabel_core.matching.scores.ranking import RankedLabels
from autolabel_core.matching.scores.similarity import Pool
from autolabel_core.storage.warehouse import FINGERPRINT, Warehouse, matrix_of, vector_column

DETAILS = b"autolabel.score"


class ScoreRecord(TypedDict):
    """What decides labels: the declared score, or that which `auto` took, and why.

    `decides` is None before the first fit. `judged` counts the references that were held out in
    turn; `accuracy` is the share of them that it got right, `aurc` the area under risk and
    coverage (from 0, all right, to 1), and `compared` that of each score which was compared.
    `unknown_auroc` says how well the similarity tells references whose label is hidden from others,
    from 0.5 to 1.
    """

    declared: DeclaredScore
    decides: ScoreName | None
    reason: str | None
    judged: int
    accuracy: float | None
    aurc: float | None
    compared: dict[ScoreName, float]
    unknown_auroc: float | None


def save_score(warehouse: Warehouse, path: PurePath, score: FittedScore, fingerprint: str) -> None:
    """Write a fitted score in one step.

    Args:
        warehouse: where files lie.
        path: of the file.
        score: what was fitted.
        fingerprint: of everything that it was fitted to.
    """
    details = {
        "choice": asdict(score.choice),
        "labels": score.labels,
        "codes": score.codes.tolist(),
        "importance": score.importance.tolist(),
        "temperature": score.temperature,
        "penalty": score.penalty,
        "similarity_threshold": score.similarity_threshold,
        "centre": score.pool.centre.tolist(),
        "reference_product": score.pool.reference_product.tolist(),
        "held_out": {name: values.tolist() for name, values in vars(score.held_out).items()},
    }
    metadata = {FINGERPRINT: fingerprint.encode(), DETAILS: json.dumps(details).encode()}
    batch = pa.record_batch({"weights": vector_column(score.weights)})
    warehouse.write_batch(path, batch.replace_schema_metadata(metadata), fingerprint)


def load_score(warehouse: Warehouse, path: PurePath, fingerprint: str) -> FittedScore | None:
    """Read a fitted score.

    Args:
        warehouse: where files lie.
        path: of the file.
        fingerprint: of what it must have been fitted to.

    Returns:
        The score; None where there is none of that fingerprint, or it cannot be read.
    """
    if warehouse.fingerprint(path) != fingerprint:
        return None
    try:
        batch = warehouse.read_batch(path)
        details = json.loads(batch.schema.metadata[DETAILS])
    except (OSError, pa.ArrowInvalid, ValueError, KeyError):
        return None
    held_out = details["held_out"]
    return FittedScore(
        _choice(details["choice"]),
        tuple(details["labels"]),
        np.array(details["codes"], np.int64),
        matrix_of(batch, "weights"),
        np.array(details["importance"], np.float64),
        details["temperature"],
        details["penalty"],
        Pool(
            np.array(details["centre"], np.float32),
            np.array(details["reference_product"], np.float64),
        ),
        details["similarity_threshold"],
        RankedLabels(
            np.array(held_out["code"], np.int32),
            np.array(held_out["probability"], np.float32),
            np.array(held_out["runner_up"], np.float32),
        ),
    )


def stored_choice(warehouse: Warehouse, path: PurePath) -> ScoreChoice | None:
    """Return which score the last sweep decided by; None where it fitted none.

    Args:
        warehouse: where files lie.
        path: of the file.

    Returns:
        The choice.
    """
    if warehouse.fingerprint(path) is None:
        return None
    try:
        details = json.loads(warehouse.read_batch(path).schema.metadata[DETAILS])
    except (OSError, pa.ArrowInvalid, ValueError, KeyError):
        return None
    return _choice(details["choice"])


def choice_record(declared: DeclaredScore, choice: ScoreChoice | None) -> ScoreRecord:
    """Say what decides, and how it did on references that were held out in turn.

    Args:
        declared: in the collection's YAML.
        choice: what was fitted; None where the nearest decides, or nothing was fitted yet.

    Returns:
        The record.
    """
    if choice is None:
        nothing = ScoreChoice("nearest", "")
        record = _record(declared, nothing)
        decides: ScoreName | None = "nearest" if declared == "nearest" else None
        return {**record, "decides": decides, "reason": None}
    return _record(declared, choice)


def _record(declared: DeclaredScore, choice: ScoreChoice) -> ScoreRecord:
    compared = choice.figures or {}
    own = compared.get(choice.score)
    return {
        "declared": declared,
        "decides": choice.score,
        "reason": choice.reason,
        "judged": choice.judged,
        "accuracy": None if own is None else own.accuracy,
        "aurc": None if own is None else own.aurc,
        "compared": {name: figures.aurc for name, figures in compared.items()},
        "unknown_auroc": choice.unknown_auroc,
    }


def _choice(stored: dict[str, object]) -> ScoreChoice:
    known = cast("dict[str, dict[str, float]] | None", stored["figures"])
    figures = None if known is None else {name: ScoreFigures(**f) for name, f in known.items()}
    return ScoreChoice(**{**stored, "figures": figures})  # type: ignore[arg-type]
