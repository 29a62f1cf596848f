"""Reads and checks what a language model answered about clusters."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from autolabel_core.clusters.naming.samples import ClusterName
from autolabel_core.declarations.llm_naming import LLMLabeling
from autolabel_core.declarations.response_shape import shaped_model
from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.label_names import check_label

OWN = frozenset({"cluster_id", "label", "summary", "keywords", "confidence"})
UNKNOWN_CONFIDENCE = 0.5
"""Where a model says none."""
_FENCE = re.compile(r"^\s*```[a-z]*\s*\n(.*?)\n?\s*```\s*$", re.DOTALL | re.IGNORECASE)


def answer_shape(settings: LLMLabeling) -> dict[str, object]:
    """Return the shape of one cluster's answer: our own keys, and those that are declared.

    Args:
        settings: which of them are wanted.

    Returns:
        A shape for `shaped_model`.
    """
    shape: dict[str, object] = {"cluster_id": "string", "label": "string"}
    if settings.include_summary:
        shape["summary"] = "string"
    if settings.include_keywords:
        shape["keywords"] = ["string"]
    return {**shape, **(settings.response_shape or {}), "confidence": "number"}


def answers_schema(settings: LLMLabeling) -> dict[str, object]:
    """Return the JSON schema of a whole answer, `{clusters: […]}`, as strict servers want it."""
    whole = shaped_model("Answers", {"clusters": [answer_shape(settings)]})
    return whole.model_json_schema()


@dataclass
class ParsedAnswers:
    """What of a model's answer can be used.

    Attributes:
        complete: answers by cluster id, as declared.
        partial: answers by cluster id whose label is good and whose other declared keys are not:
            what is wrong or missing is left out.
        problems: one line for each thing that is wrong.
    """

    complete: dict[str, dict[str, object]] = field(default_factory=dict)
    partial: dict[str, dict[str, object]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def parse_answer(text: str, wanted: Collection[str], settings: LLMLabeling) -> ParsedAnswers:
    """Read the answers about clusters; one whose label is good is never thrown away.

    An answer about a cluster that was not asked for, about one twice, or with a label that may be
    none, is not used.

    Args:
        text: what the model wrote: `{clusters: […]}`, a list, or either within code fences.
        wanted: ids of the clusters that it was asked about.
        settings: the shape.

    Returns:
        The answers, without the id.
    """
    parsed = ParsedAnswers()
    try:
        entries = _entries(json.loads(_FENCE.sub(r"\1", text)))
    except (ValueError, RecursionError):
        return ParsedAnswers(problems=[f"no JSON: {text[:60]!r}"])
    seen: set[str] = set()
    for entry in entries:
        name = entry.get("cluster_id") if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or not isinstance(name, str) or name not in wanted:
            parsed.problems.append(f"nobody asked for {name!r:.40}")
        elif name in seen:
            parsed.problems.append(f"two answers for {name!r:.40}")
            parsed.complete.pop(name, None)
            parsed.partial.pop(name, None)
        else:
            seen.add(name)
            _add_entry(parsed, name, entry, settings)
    parsed.problems += [f"no answer for {name}" for name in wanted if name not in seen]
    return parsed


def _add_entry(
    parsed: ParsedAnswers, name: str, entry: Mapping[str, object], settings: LLMLabeling
) -> None:
    try:
        answer, problems = checked_answer(entry, settings)
    except AutolabelError as error:
        parsed.problems.append(f"{name}: {error}")
        return
    parsed.problems += [f"{name}: {problem}" for problem in problems]
    (parsed.partial if problems else parsed.complete)[name] = answer


def checked_answer(
    entry: Mapping[str, object], settings: LLMLabeling
) -> tuple[dict[str, object], list[str]]:
    """Return one answer in its stored form, without the cluster's id.

    Summary, keywords and confidence may be missing: a prompt of one's own need not ask for them.
    Keys that nobody declared are left out.

    Args:
        entry: as parsed; a whole number may stand for a number.
        settings: the shape.

    Returns:
        The answer (label cleaned, confidence from 0 to 1, 0.5 where none is given), and what is
        wrong with its other keys, which are left out. A label that may be none is an
        `AutolabelError`.
    """
    shape = answer_shape(settings)
    label = entry.get("label")
    answer: dict[str, object] = {
        "label": check_label(" ".join(label.split()) if isinstance(label, str) else "")
    }
    problems = []
    for key in shape:
        if key in ("cluster_id", "label") or (key in OWN and key not in entry):
            continue
        try:
            answer[key] = _checked_value(key, shape[key], entry)
        except ValidationError as error:
            problems.append(_first_line(error))
    known = _number(answer.get("confidence"))
    return {**answer, "confidence": min(max(known, 0.0), 1.0)}, problems


def _checked_value(key: str, shape: object, entry: Mapping[str, object]) -> object:
    """Return the value of one key, as its shape says."""
    given = {key: entry[key]} if key in entry else {}
    value = shaped_model("Answer", {key: shape}).model_validate(given).model_dump(by_alias=True)
    return value[key]


def answer_name(answer: Mapping[str, object]) -> ClusterName:
    """Return the name that an answer gives."""
    summary, stated = answer.get("summary"), answer.get("keywords")
    words = [word for word in stated if isinstance(word, str)] if isinstance(stated, list) else []
    keywords = (" ".join(word.split()) for word in words)
    return ClusterName(
        str(answer["label"]),
        summary.strip() if isinstance(summary, str) else "",
        tuple(dict.fromkeys(word for word in keywords if word)),
        _number(answer.get("confidence")),
        {key: value for key, value in answer.items() if key not in OWN},
    )


def _number(confidence: object) -> float:
    if isinstance(confidence, int | float) and math.isfinite(confidence):
        return float(confidence)
    return UNKNOWN_CONFIDENCE


def _entries(value: object) -> list[object]:
    entries = value.get("clusters") if isinstance(value, dict) else value
    return entries if isinstance(entries, list) else [value]


def _first_line(error: ValidationError) -> str:
    detail = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in detail['loc'])}: {detail['msg']}"
