"""Word documents and e-mails are read as programs write them, beside the standard too."""

from __future__ import annotations

import io
import zipfile

import pytest
from support.paper_samples import WORD, docx

from autolabel_core.foundation.errors import UnreadableItemError
from autolabel_core.foundation.media.text_formats import read_text, text_media_type

HEADERS = b"From: a@b.c\r\nTo: d@e.f\r\nSubject: Test\r\n"


def text_of(data: bytes, suffix: str = "") -> str:
    return read_text(data, text_media_type(data, suffix))


def word(body: str, **parts: str) -> bytes:
    """Return a Word document with this body and further parts under `word/`."""
    file, begin = io.BytesIO(), f'<w:document xmlns:w="{WORD}"><w:body>'
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("word/document.xml", f"{begin}{body}</w:body></w:document>")
        for name, text in parts.items():
            inner = f'<w:hdr xmlns:w="{WORD}"><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:hdr>'
            archive.writestr(f"word/{name}.xml", inner)
    return file.getvalue()


def run_of(text: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r>"


def test_a_word_document_is_read_as_it_is_printed():
    twice = (
        "<w:Choice><w:p>" + run_of("box") + "</w:p></w:Choice>"
        "<w:Fallback><w:p>" + run_of("box") + "</w:p></w:Fallback>"
    )
    body = (
        "<w:moveFrom>" + run_of("moved") + "</w:moveFrom><w:moveTo>" + run_of("moved ")
        + "</w:moveTo>" + run_of("hidden", "<w:vanish/>") + run_of("shown", '<w:vanish w:val="0"/>')
    )  # fmt: skip
    data = word(f"<w:p>{body}</w:p>{twice}", header1="ACME", footer2="page 1", comments="no")
    assert text_of(data).split() == ["ACME", "moved", "shown", "box", "page", "1"]
    assert text_of(docx("Renamed", document="word/document2.xml")) == "Renamed\n"


HIDDEN = "<w:vanish/>"


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        pytest.param(
            run_of("now", f"<w:rPrChange><w:rPr>{HIDDEN}</w:rPr></w:rPrChange>"),
            ["now"],
            id="hidden before a tracked change",
        ),
        pytest.param(
            f"<w:r><w:t>a </w:t><w:pict><w:p><w:pPr><w:rPr>{HIDDEN}</w:rPr></w:pPr>"
            f"{run_of('box', HIDDEN)}</w:p></w:pict><w:t>b</w:t></w:r>",
            ["a", "b"],
            id="a hidden text box in a shown run",
        ),
        pytest.param(
            f"<w:r><w:rPr>{HIDDEN}</w:rPr><w:pict>{run_of('box')}</w:pict><w:t>c</w:t></w:r>",
            [],
            id="a text box in a hidden run",
        ),
    ],
)
def test_what_is_hidden_is_the_text_of_that_run_alone(body, shown):
    assert text_of(word(f"<w:p>{body}{run_of(' end')}</w:p>")).split() == [*shown, "end"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("content.xml", "an OpenDocument file"),
        ("xl/workbook.xml", "an Excel workbook"),
        ("ppt/presentation.xml", "a PowerPoint presentation"),
        ("META-INF/container.xml", "an EPUB book"),
    ],
)
def test_other_archives_of_offices_are_named(name, kind):
    with pytest.raises(UnreadableItemError, match=f"^{kind}; expected .docx: export it as PDF$"):
        text_of(docx("", document=name))


TEXT = b"Content-Type: text/plain\r\n\r\n"
MESSAGES = [
    pytest.param(
        b"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n" + TEXT + b" \r\n--b\r\n"
        b"Content-Type: text/html\r\n\r\n<p>Real text</p>\r\n--b--",
        "Real text",
        id="a plain part that says nothing",
    ),
    pytest.param(
        b"Content-Type: multipart/mixed\r\n\r\nHello there", "Hello there", id="no boundary"
    ),
    pytest.param(
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello there",
        "Hello there",
        id="cut inside a part",
    ),
    pytest.param(
        b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + "Größe für Straße".encode("latin-1"),
        "Größe für Straße",
        id="a charset that is not true",
    ),
    pytest.param(
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: text/html\r\n\r\n<p>Real text</p>\r\n--b\r\n"
        + TEXT
        + b"You get this as a member\r\n--b--",
        "Real text\nYou get this as a member",
        id="a page, then the footer of a mailing list",
    ),
    pytest.param(
        b"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n"
        + TEXT
        + b"Plain\r\n--b\r\nContent-Type: multipart/related; boundary=c\r\n\r\n--c\r\n"
        b"Content-Type: text/html\r\n\r\n<p>Rich</p>\r\n--c--\r\n--b\r\n"
        b"Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\n--b--",
        "Test\nFrom: a@b.c\nTo: d@e.f\nPlain",
        id="the same three times",
    ),
    pytest.param(
        b"Content-Type: application/pkcs7-mime; name=smime.p7m\r\n\r\nAAAA",
        "[smime.p7m]",
        id="encrypted",
    ),
]


@pytest.mark.parametrize(("body", "expected"), MESSAGES)
@pytest.mark.parametrize("begin", [b"", b"\xef\xbb\xbf", b"\r\n"])
def test_messages_as_programs_write_them(begin, body, expected):
    assert text_of(begin + HEADERS + body, ".eml").endswith(expected)


def test_a_subject_in_bytes_is_read_by_its_looks():
    subject = "Subject: Größe\r\n".encode("latin-1")
    message = b"From: a@b.c\r\nTo: d@e.f\r\n" + subject + b"\r\nbody"
    assert text_of(message, ".eml").startswith("Subject: Größe\n")


def test_a_subject_in_bytes_that_goes_over_two_lines_is_one_line():
    folded = HEADERS.replace(b"Test", "Größe\r\n  Köln".encode()) + b"\r\nbody"
    assert "Subject: Größe Köln\n" in text_of(folded, ".eml")
