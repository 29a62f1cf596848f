"""Turns pydantic's errors into messages for the author of a YAML: line, key, value and cure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from autolabel_core.declarations.model import Declaration, KeyedError
from autolabel_core.declarations.yaml_lines import Lines

Path_ = tuple[str | int, ...]

SECRETIVE = frozenset(
    (
        *("secret_env", "url_env", "headers_env", "headers", "secret", "url"),
        *("api_key", "api_key_env", "base_url"),
    )
)
"""Keys where somebody may have written a secret: what was found there is not repeated."""

EXPECTED = {
    "missing": "is required; add it",
    "bool_type": "expected true or false, without quotes",
    "bool_parsing": "expected true or false, without quotes",
    "float_type": "expected a number, without quotes",
    "int_type": "expected a whole number, without quotes",
    "int_from_float": "expected a whole number",
    "greater_than": "expected more than {gt}",
    "greater_than_equal": "expected at least {ge}",
    "less_than_equal": "expected at most {le}",
    "dict_type": "expected a mapping of `key: value`",
    "model_type": "expected a mapping of `key: value`",
    "model_attributes_type": "expected a mapping of `key: value`",
    "tuple_type": "expected a list such as [a, b]",
    "too_short": "expected at least {min_length}; add one",
    "too_long": "expected at most {max_length}; remove the others",
    "string_too_short": "expected a text that is not empty",
    "invalid_key": "expected a text as the key; put it in quotes",
}


@dataclass(frozen=True)
class YamlOrigin:
    """Where a declaration was read from: its file, and the line of each key."""

    file: Path
    lines: Lines

    def message(self, path: Path_, problem: str, value: object = None) -> str:
        """Return an error's text: file, line, key, the value where it is plain, and the problem.

        Args:
            path: the key's path in the model; it is shown as the file has it.
            problem: what is wrong, and the cure.
            value: what was found.

        Returns:
            One line.
        """
        written = _as_written(path, self.lines)
        known = next(written[:n] for n in range(len(written), -1, -1) if written[:n] in self.lines)
        key = ".".join(str(part) for part in written) or "(top level)"
        value = None if SECRETIVE.intersection(written) else value
        return f"{self.file}:{self.lines[known]}: {key}{shown(value)}: {problem}"


def shown(value: object) -> str:
    """Return ` (found …)` for a plain value, and nothing for what is long or absent."""
    if value is None or isinstance(value, dict | list | tuple | Declaration):
        return ""
    return f" (found `{value!s:.80}`)"


def messages(origin: YamlOrigin, error: ValidationError, root: type[Declaration]) -> list[str]:
    """Return one line for each problem.

    Args:
        origin: file and lines.
        error: what pydantic found.
        root: the model of the whole file.

    Returns:
        Lines in the order of the model.
    """
    problems = list(_flattened(error, root))
    wrong = {path[:n] for path, _, _ in problems for n in range(len(path))}
    return [
        origin.message(path, _problem(detail, path, below), detail.get("input"))
        for path, detail, below in problems
        if not (detail["type"] == "too_short" and path in wrong)
    ]


def _flattened(
    error: ValidationError, model: type[Declaration]
) -> Iterator[tuple[Path_, ErrorDetails, type[Declaration] | None]]:
    """Yield every problem with its full path and the model that it was found in."""
    for detail in error.errors():
        cause = detail.get("ctx", {}).get("error")
        below = cause.path if isinstance(cause, KeyedError) else ()
        yield (*detail["loc"], *below), detail, _model_at(model, detail["loc"][:-1])


def _problem(detail: ErrorDetails, path: Path_, model: type[Declaration] | None) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return f"unknown key. {_near_keys(str(path[-1]), model)}"
    if kind == "string_type":
        nested = isinstance(detail["input"], dict | list | None)
        return "expected a text" + ("" if nested else "; put it in quotes")
    if kind == "literal_error":
        choices = [choice.strip("'") for choice in _choices(context["expected"])]
        return f"expected one of {', '.join(choices)}.{_near(str(detail['input']), choices)}"
    if kind in EXPECTED:
        return EXPECTED[kind].format(**context)
    return str(detail["msg"]).removeprefix("Value error, ")


def _choices(expected: str) -> list[str]:
    return expected.replace(" or ", ", ").split(", ")


def _near(word: str, names: list[str]) -> str:
    near = difflib.get_close_matches(word, names, n=1)
    return f" Did you mean `{near[0]}`?" if near else ""


def _near_keys(key: str, model: type[Declaration] | None) -> str:
    names = [] if model is None else [*model.model_fields, *model.aliases, *model.shorthands]
    near = _near(key, names).strip()
    return near or f"Known keys here: {', '.join(sorted(names)) or 'none'}."


def _model_at(model: type[Declaration], path: Path_) -> type[Declaration] | None:
    level: type[Declaration] | None = model
    for part in path:
        if isinstance(part, str) and level is not None and part in level.model_fields:
            level = _declared_type(level, part)
    return level


def _declared_type(model: type[Declaration], field: str) -> type[Declaration] | None:
    pending: list[object] = [model.nested.get(field, model.model_fields[field].annotation)]
    while pending:
        annotation = pending.pop()
        if isinstance(annotation, type) and issubclass(annotation, Declaration):
            return annotation
        pending += getattr(annotation, "__args__", ())
    return None


def _as_written(path: Path_, lines: Lines) -> Path_:
    """Return the path in the words of the file: aliases and shorthands as they stand there."""
    written: Path_ = ()
    for n, part in enumerate(path):
        for step in _spellings(part):
            if (*written, *step) in lines:
                written = (*written, *step)
                break
        else:
            if n == len(path) - 1 and isinstance(part, str):
                written = (*written, part)
    return written


def _spellings(part: str | int) -> Iterator[Path_]:
    yield (part,)
    for model in _all_models(Declaration):
        yield from ((alias,) for alias, name in model.aliases.items() if name == part)
    yield ("config", part)
    yield ("configs", part)
    yield ("vector_config", part)
    if part == "feature_extractor":
        yield ("feature_extractors", 0)
    elif part == "channels":
        yield ("notification_config", part)
    elif part in ("uri", "bucket_name"):
        yield ("uris" if part == "uri" else "bucket_ids",)


def _all_models(model: type[Declaration]) -> Iterator[type[Declaration]]:
    for below in model.__subclasses__():
        yield below
        yield from _all_models(below)
