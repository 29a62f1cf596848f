"""Templates of retriever inputs."""

from __future__ import annotations

import pytest

from autolabel_core.declarations.conditions import fill, inputs_of
from autolabel_core.foundation.errors import AutolabelError


def test_templates_are_filled_and_keep_the_type_of_a_whole_value():
    template = {"query": {"value": "{{INPUT.image}}"}, "k": 1, "name": ["a {{ INPUT.n }} b"]}
    filled = fill(template, {"image": b"png", "n": 3})
    assert filled == {"query": {"value": b"png"}, "k": 1, "name": ["a 3 b"]}
    assert template["query"] == {"value": "{{INPUT.image}}"}


def test_an_input_is_never_read_as_a_template():
    assert fill("{{INPUT.a}} {{INPUT.b}}", {"a": "{{INPUT.b}}", "b": "x"}) == "{{INPUT.b}} x"


def test_the_inputs_of_a_template():
    assert inputs_of({"a": "{{INPUT.x}}", "b": ["{{INPUT.y}} {{INPUT.x}}", 3]}) == ("x", "y")
    assert inputs_of({}) == ()


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{INPUT.querry}}", "Missing input 'querry'.*Did you mean \"query\".*Inputs given: query"),
        ("a {{INPUTS.query}}", "Expected {{INPUT.name}}, found {{INPUTS.query}}"),
        ("{{INPUT}}", "Expected {{INPUT.name}}"),
    ],
)
def test_a_template_that_cannot_be_filled_names_what_is_missing(template, message):
    with pytest.raises(AutolabelError, match=message):
        fill(template, {"query": 1})
