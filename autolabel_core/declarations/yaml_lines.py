"""YAML read strictly: duplicate keys are refused, and every value remembers its line."""

from __future__ import annotations

from typing import Any

import yaml

Lines = dict[tuple[str | int, ...], int]


class DuplicateKeyError(ValueError):
    """A mapping holds one key twice; the message names key and line."""


def read_yaml(text: str) -> tuple[Any, Lines]:
    """Parse one YAML document and the 1-based line of each of its keys and items.

    Args:
        text: the file's text.

    Returns:
        The value, and a mapping from path (keys and indices) to line.
    """
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    lines: Lines = {}
    if node is not None:
        _walk(node, (), lines)
    return yaml.safe_load(text), lines


def _walk(node: yaml.Node, path: tuple[str | int, ...], lines: Lines) -> None:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        for i, child in enumerate(node.value):
            _walk(child, (*path, i), lines)
    elif isinstance(node, yaml.MappingNode):
        for key, child in node.value:
            here = (*path, str(key.value))
            if here in lines:
                raise DuplicateKeyError(
                    f"line {key.start_mark.line + 1}: the key `{key.value}` stands twice "
                    f"(first in line {lines[here]}); remove one"
                )
            lines[here] = key.start_mark.line + 1
            _walk(child, here, lines)
