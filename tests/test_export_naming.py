"""Names in exports: safe, readable, never given twice."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolabel_core.exports.file_naming import (
    MAX_NAME_BYTES,
    file_stem,
    file_suffix,
    safe_name,
    unique_names,
)


@given(st.text(min_size=1, max_size=30))
def test_a_safe_name_is_one_segment_that_reads_back(name):
    safe = safe_name(name)
    assert safe
    assert not set(safe) & set('/\\:*?"<>|\n\r\x00')
    assert not safe.startswith((".", "__"))
    assert not safe.endswith((".", " "))
    assert unquote(safe) == name


@given(st.lists(st.text("aA.é%/~", max_size=4) | st.text(max_size=400), max_size=12))
def test_names_are_never_given_twice(texts):
    names = unique_names([safe_name(text) for text in texts], ["same tail"] * len(texts), ["a"])
    assert len({name.casefold() for name in names} | {"a"}) == len(names) + 1
    assert all(len(name.encode()) <= MAX_NAME_BYTES for name in names)


@pytest.mark.parametrize(
    ("key", "stem"),
    [
        ("a/b/c.png", "a__b__c"),
        ("/a//b.png", "a__b"),
        ("../../etc/passwd", "%2E%2E__%2E%2E__etc__passwd"),
        (".hidden", "%2Ehidden"),
        ("2026.01.02", "2026.01.02"),
        ("/", "%2F"),
    ],
)
def test_a_key_becomes_a_readable_stem(key, stem):
    assert file_stem(key) == stem


@pytest.mark.parametrize(
    ("key", "media_type", "suffix"),
    [
        ("a.JPG", "image/jpeg", ".JPG"),
        ("a.png", "image/jpeg", ".jpg"),
        ("a", "image/webp", ".webp"),
        ("a.md", "text/markdown", ".txt"),
        ("a.pdf", "application/pdf", ".pdf"),
        ("a.p/d:f", "application/pdf", ".bin"),
    ],
)
def test_the_suffix_tells_what_the_file_is(key, media_type, suffix):
    assert file_suffix(key, media_type) == suffix
