"""Reads YAML strictly: duplicate keys are refused, and every value remembers its line."""

from __future__ import annotations

from typing import Any

import yaml

Lines = dict[tuple[str | int, ...], int]
MAX_ENTRIES = 100_000


class YamlError(ValueError):
    """The text is no YAML that can be used, from the 1-based `line`; the message names the cure."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line


def read_yaml(data: bytes) -> tuple[Any, Lines]:
    """Parse one YAML document and the 1-based line of each of its keys and items.

    Args:
        data: the file's content, UTF-8 with or without a byte-order mark.

    Returns:
        The value, and a mapping from path (keys and indices) to line.

    Raises:
        YamlError: it is not UTF-8, not one YAML document, holds a key twice, or nests without end.
    """
    text = _decode(data)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        lines = _lines(node)
        return yaml.safe_load(text), lines
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(1 if mark is None else mark.line + 1, _problem(error)) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, int(error.position)) + 1
        raise YamlError(line, f"holds the character U+{error.character:04X}; remove it") from error
    except RecursionError as error:
        raise YamlError(1, "nests too deep; a declaration needs ten levels at most") from error
    except YamlError:
        raise
    except ValueError as error:
        raise YamlError(1, f"holds a value that YAML cannot read ({error}); quote it") from error


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise YamlError(
            line, f"byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8"
        ) from error


def _problem(error: yaml.MarkedYAMLError) -> str:
    message = ", ".join(text for text in (error.context, error.problem) if text)
    cure = "correct the line"
    if "'\\t'" in message:
        cure = "indent with spaces, not with a tab"
    elif "mapping values" in message:
        cure = "put a value that holds `: ` in quotes"
    elif "single document" in message:
        cure = "keep one document for each file, without `---` between"
    elif "constructor" in message:
        cure = "use plain values, without `!` tags"
    elif "unhashable key" in message:
        cure = "put `{{…}}` in quotes"
    elif "could not find expected ':'" in message or "expected <block end>" in message:
        cure = "check the indentation, and that each key is followed by `: `"
    return f"{message}; {cure}"


def _lines(node: yaml.Node | None) -> Lines:
    lines: Lines = {}
    if node is not None:
        _walk(node, (), lines, ())
    return lines


def _walk(
    node: yaml.Node, path: tuple[str | int, ...], lines: Lines, above: tuple[yaml.Node, ...]
) -> None:
    line = node.start_mark.line + 1
    lines.setdefault(path, line)
    if node in above:
        raise YamlError(line, "an anchor holds itself; write the value out")
    if len(lines) > MAX_ENTRIES:
        raise YamlError(line, f"holds more than {MAX_ENTRIES} values; use fewer aliases")
    if isinstance(node, yaml.SequenceNode):
        for i, child in enumerate(node.value):
            _walk(child, (*path, i), lines, (*above, node))
    elif isinstance(node, yaml.MappingNode):
        for key, child in node.value:
            here = (*path, str(key.value))
            if here in lines:
                raise YamlError(
                    key.start_mark.line + 1,
                    f"the key `{key.value}` occurs twice (first in line {lines[here]}); remove one",
                )
            lines[here] = key.start_mark.line + 1
            _walk(child, here, lines, (*above, node))
