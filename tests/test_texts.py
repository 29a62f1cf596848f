"""Text from bytes: every usual encoding is read, everything else is refused with a reason."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolabel_core.foundation.errors import UnreadableItemError
from autolabel_core.foundation.media.texts import decode_text

READ = [
    pytest.param(b"plain", "plain", id="ASCII"),
    pytest.param("Grüße, 世界".encode(), "Grüße, 世界", id="UTF-8"),
    pytest.param("Grüße".encode("utf-8-sig"), "Grüße", id="UTF-8 with mark"),
    pytest.param("Grüße".encode("utf-16"), "Grüße", id="UTF-16, native order"),
    pytest.param(b"\xfe\xff" + "Grüße".encode("utf-16-be"), "Grüße", id="UTF-16, big end first"),
    pytest.param("Grüße".encode("utf-32"), "Grüße", id="UTF-32"),
    pytest.param("“Grüße” – €".encode("windows-1252"), "“Grüße” – €", id="windows-1252"),
    pytest.param(b"caf\xe9 " * 30 + b"\x81", "café " * 30 + "\x81", id="latin-1 as a last resort"),
    pytest.param(b"a\tb\r\nc\x0c", "a\tb\r\nc\x0c", id="tabs, lines and form feeds"),
]
REFUSED = [
    pytest.param(b"", "0 bytes", id="no bytes"),
    pytest.param(b" \r\n\t ", "white space", id="white space"),
    pytest.param("\ufeff".encode(), "white space", id="a mark alone"),
    pytest.param(b"abc\0def", "NUL", id="NUL byte"),
    pytest.param(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "NUL", id="PNG"),
    pytest.param(b"\xff\xfea\xd8", "byte-order mark", id="UTF-16 cut inside a pair"),
    pytest.param(b"\x01\x02\x03\x04ab", "controls", id="controls"),
    pytest.param(random.Random(0).randbytes(4000).replace(b"\0", b""), "controls", id="noise"),
]


@pytest.mark.parametrize(("data", "text"), READ)
def test_text_is_read(data, text):
    assert decode_text(data) == text


@pytest.mark.parametrize(("data", "reason"), REFUSED)
def test_what_is_no_text_is_refused_with_the_reason(data, reason):
    with pytest.raises(UnreadableItemError, match=reason):
        decode_text(data)


@given(st.text(alphabet=st.characters(exclude_categories=("Cc", "Cs")), min_size=1))
def test_utf_8_round_trip(text):
    if text.removeprefix("\ufeff").strip():
        assert decode_text(text.encode()) == text.removeprefix("\ufeff")


@given(st.binary(max_size=200))
def test_any_bytes_give_text_or_a_reason(data):
    try:
        assert decode_text(data).strip()
    except UnreadableItemError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"\x1b[1;31mred\x1b[0m log\n", "red log\n"), (b"DOS text\r\n\x1a", "DOS text\r\n")],
)
def test_marks_of_terminals_and_of_dos_are_left_out(data, text):
    assert decode_text(data) == text
