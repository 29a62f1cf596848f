"""Fills `{{INPUT.x}}` in a retriever's declaration with the inputs of a call."""

from __future__ import annotations

import re
from collections.abc import Mapping

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.suggestions import did_you_mean

_TEMPLATE = re.compile(r"\{\{\s*([A-Za-z_]\w*)(?:\.([\w.\-]+))?\s*\}\}")


def fill(template: object, inputs: Mapping[str, object]) -> object:
    """The structure with every `{{INPUT.x}}` replaced; the template itself is left as it is.

    Args:
        template: mappings, lists and texts, nested; anything else is taken over. A text that is
            one template alone becomes the input with its type, inside a longer text its text.
        inputs: the values by name. What they hold is never read as a template again.

    Returns:
        A new structure of the same shape.
    """
    if isinstance(template, Mapping):
        return {key: fill(value, inputs) for key, value in template.items()}
    if isinstance(template, list | tuple):
        return [fill(value, inputs) for value in template]
    if not isinstance(template, str):
        return template
    whole = _TEMPLATE.fullmatch(template.strip())
    if whole:
        return _input(whole, inputs)
    return _TEMPLATE.sub(lambda match: str(_input(match, inputs)), template)


def inputs_of(template: object) -> tuple[str, ...]:
    """The names of the inputs that a template needs, in alphabetical order."""
    return tuple(sorted(_names(template)))


def _names(template: object) -> set[str]:
    if isinstance(template, Mapping):
        return set().union(*map(_names, template.values()))
    if isinstance(template, list | tuple):
        return set().union(*map(_names, template))
    if not isinstance(template, str):
        return set()
    return {_name(match) for match in _TEMPLATE.finditer(template)}


def _name(match: re.Match[str]) -> str:
    if match.group(1) != "INPUT" or not match.group(2):
        raise AutolabelError(
            f"Expected {{{{INPUT.name}}}}, found {match.group(0)}. Inputs are the only templates."
        )
    return match.group(2)


def _input(match: re.Match[str], inputs: Mapping[str, object]) -> object:
    name = _name(match)
    if name not in inputs:
        given = ", ".join(sorted(inputs)) or "none"
        raise AutolabelError(
            f"Missing input {name!r} for {match.group(0)}.{did_you_mean(name, inputs)} "
            f"Inputs given: {given}."
        )
    return inputs[name]
