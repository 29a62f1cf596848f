from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from autolabel_core.declarations.yaml_lines import YamlError, read_yaml

REFUSED = {
    "duplicate key": (b"a: 1\na: 2", 2, "`a` occurs twice (first in line 1)"),
    "duplicate key below": (b"s:\n  uri: a\n  x: 1\n  uri: b", 4, "first in line 2"),
    "not utf-8": (b"a: b\nb: \xff", 2, "save the file as UTF-8"),
    "utf-16": ("a: b".encode("utf-16"), 1, "save the file as UTF-8"),
    "tab": (b"a:\n\tb: 1", 2, "indent with spaces"),
    "colon in a value": (b"a: b: c", 1, "in quotes"),
    "template without quotes": (b"a: {{INPUT.x}}", 1, "in quotes"),
    "two documents": (b"a: 1\n---\nb: 1", 2, "without `---`"),
    "python tag": (b"x: 1\na: !!python/name:os.system x", 2, "without `!` tags"),
    "control character": (b"a: b\nb: \x07", 2, "U+0007"),
    "impossible date": (b"a: 2026-13-45", 1, "quote it"),
    "anchor in itself": (b"a: &x [*x]", 1, "holds itself"),
    "too deep": (b"a: " + b"[" * 3000, 1, "nests too deep"),
    "unclosed": (b"a: [1, 2", 1, "expected ',' or ']'"),
}


@pytest.mark.parametrize(("data", "line", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_used_is_refused_with_line_and_cure(data, line, said):
    with pytest.raises(YamlError) as caught:
        read_yaml(data)
    assert caught.value.line == line
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_small_file_cannot_ask_for_unbounded_memory():
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    with pytest.raises(YamlError, match="fewer aliases"):
        read_yaml("\n".join(levels).encode())


def test_every_key_and_item_knows_its_line():
    value, lines = read_yaml(b"\xef\xbb\xbfa: 1\nb:\n- x\n- {c: 2,\n   d: 3}\n")
    assert value == {"a": 1, "b": ["x", {"c": 2, "d": 3}]}
    paths = {("a",): 1, ("b",): 2, ("b", 0): 3, ("b", 1): 4, ("b", 1, "c"): 4, ("b", 1, "d"): 5}
    assert {path: lines[path] for path in paths} == paths


def test_an_empty_file_is_nothing():
    assert read_yaml(b"# only a comment\n")[0] is None


def test_merge_keys_are_read():
    assert read_yaml(b"x: &b {u: a}\ny: {<<: *b, v: 1}")[0]["y"] == {"u": "a", "v": 1}


leaves = st.none() | st.booleans() | st.integers() | st.text()
values = st.recursive(
    leaves, lambda v: st.lists(v) | st.dictionaries(st.text("abc"), v), max_leaves=8
)


@given(st.dictionaries(st.text("abcd", min_size=1), values))
def test_reads_what_yaml_reads(value):
    text = yaml.safe_dump(value, allow_unicode=True)
    assert read_yaml(text.encode())[0] == yaml.safe_load(text)


@given(st.binary(max_size=200))
def test_no_bytes_crash_it(data):
    try:
        read_yaml(data)
    except YamlError as error:
        assert error.line >= 1
