"""Answers of a model, checked: the right clusters, the right keys, labels that may be labels."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from pydantic import ValidationError

from autolabel_core.clusters.naming.samples import ClusterName
from autolabel_core.declarations.llm_naming import LLMLabeling
from autolabel_core.declarations.response_shape import Shaped, shaped_model
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.label_names import check_label

OWN = frozenset({"cluster_id", "label", "summary", "keywords", "confidence"})
_FENCE = re.compile(r"^\s*```[a-z]*\s*\n(.*?)\n?\s*```\s*$", re.DOTALL | re.IGNORECASE)


def answer_shape(settings: LLMLabeling) -> dict[str, Any]:
    """Return the shape of one cluster's answer: our own keys, and those that are declared.

    Args:
        settings: which of them are wanted.

    Returns:
        A shape for `shaped_model`.
    """
    shape: dict[str, Any] = {"cluster_id": "string", "label": "string"}
    if settings.include_summary:
        shape["summary"] = "string"
    if settings.include_keywords:
        shape["keywords"] = ["string"]
    return {**shape, **(settings.response_shape or {}), "confidence": "number"}


def answers_schema(settings: LLMLabeling) -> dict[str, Any]:
    """Return the JSON schema of a whole answer, `{clusters: […]}`, as strict servers want it."""
    whole = shaped_model("Answers", {"clusters": [answer_shape(settings)]})
    return whole.model_json_schema()


def parse_answer(
    text: str, wanted: Collection[str], settings: LLMLabeling
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return the answers that can be used, and what is wrong with the others.

    An answer about a cluster that was not asked for, about one twice, of another shape, or with a
    label that may be none, is not used.

    Args:
        text: what the model wrote: `{clusters: […]}`, a list, or either within code fences.
        wanted: ids of the clusters that it was asked about.
        settings: the shape.

    Returns:
        Answers by cluster id, without the id; and one line for each problem.
    """
    try:
        found = _entries(json.loads(_FENCE.sub(r"\1", text)))
    except (ValueError, RecursionError):
        return {}, [f"no JSON: {text[:60]!r}"]
    model = shaped_model("Answer", answer_shape(settings))
    good: dict[str, dict[str, Any]] = {}
    problems, seen = [], set()
    for entry in found:
        name = entry.get("cluster_id") if isinstance(entry, dict) else None
        if not isinstance(name, str) or name not in wanted or name in seen:
            known = isinstance(name, str) and name in seen
            problems.append(f"{'two answers for' if known else 'nobody asked for'} {name!r:.40}")
            good.pop(name if known and isinstance(name, str) else "", None)
            continue
        seen.add(name)
        try:
            good[name] = checked_answer({**entry, "cluster_id": name}, model)
        except (ValidationError, AutolabelError) as error:
            problems.append(f"{name}: {_first_line(error)}")
    return good, problems + [f"no answer for {name}" for name in wanted if name not in seen]


def checked_answer(entry: Mapping[str, Any], model: type[Shaped]) -> dict[str, Any]:
    """Return one answer in its stored form, without the cluster's id.

    Args:
        entry: as parsed; a whole number may stand for a number, a confidence may be missing.
        model: the check, of `answer_shape`.

    Returns:
        The answer; label cleaned, confidence from 0 to 1.
    """
    given = {"confidence": 0.5, **entry}
    answer = model.model_validate(given).model_dump(by_alias=True)
    answer.pop("cluster_id")
    answer["label"] = check_label(" ".join(answer["label"].split()))
    answer["confidence"] = min(max(float(answer["confidence"]), 0.0), 1.0)
    return answer


def answer_name(answer: Mapping[str, Any]) -> ClusterName:
    """Return the name that an answer gives."""
    keywords = (" ".join(word.split()) for word in answer.get("keywords", ()))
    return ClusterName(
        answer["label"],
        answer.get("summary", "").strip(),
        tuple(dict.fromkeys(word for word in keywords if word)),
        answer["confidence"],
        {key: value for key, value in answer.items() if key not in OWN},
    )


def _entries(value: Any) -> list[Any]:
    found = value.get("clusters") if isinstance(value, dict) else value
    return found if isinstance(found, list) else [value]


def _first_line(error: ValidationError | AutolabelError) -> str:
    if isinstance(error, AutolabelError):
        return str(error)
    detail = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in detail['loc'])}: {detail['msg']}"
