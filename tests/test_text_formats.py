"""Files as people have them give their text, or a reason that says what to do."""

from __future__ import annotations

import io
import random
import time
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.paper_samples import docx, mail, pdf, scan

from autolabel_core.foundation.errors import UnreadableItemError
from autolabel_core.foundation.media.text_formats import (
    describe_text,
    read_text,
    reading,
    text_media_type,
)
from autolabel_core.foundation.media.text_formats import pdf_text as pdf_reader

HEADERS = b"From: a@b.c\r\nTo: d@e.f\r\nSubject: Test\r\n"


def text_of(data: bytes, suffix: str = "") -> str:
    return read_text(data, text_media_type(data, suffix))


def nested(depth: int) -> bytes:
    inner = b"Content-Type: text/plain\r\n\r\ndeep\r\n"
    for i in range(depth):
        inner = b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n%s\r\n--b%d--\r\n" % (
            i,
            i,
            inner,
            i,
        )
    return HEADERS + inner


def forwarded(depth: int) -> bytes:
    message = HEADERS + b"\r\nbottom\r\n"
    for _ in range(depth):
        message = HEADERS + b"Content-Type: message/rfc822\r\n\r\n" + message
    return message


READ = [
    pytest.param(pdf(["Invoice 12\nTotal 5", "Page two"]), "", "Invoice 12\nTotal 5\nPage two"),
    pytest.param(docx("First\nSecond"), "", "First\nSecond\n"),
    pytest.param(b"<html><p>A &lt; B</p>", "", "A < B"),
    pytest.param(
        b"<html><head><title>T</title><style>p{}</style></head><body><script>if (a<b) x()</script>"
        b"<p title='a>b'>One</p>two<br>three",
        ".html",
        "T\nOne\ntwo\nthree",
    ),
    pytest.param(b"# Head\n\n- a **bold** [link](http://x.y)\n", ".md", "Head\n\na bold link"),
    pytest.param(HEADERS + b"\r\nhello\r\n", "", "Subject: Test\nFrom: a@b.c\nTo: d@e.f\nhello"),
    pytest.param(b"From: here to there\nnothing else", "", "From: here to there\nnothing else"),
    pytest.param(b"a < b and c > d", "", "a < b and c > d"),
]


@pytest.mark.parametrize(("data", "suffix", "text"), READ)
def test_the_text_is_read(data, suffix, text):
    assert text_of(data, suffix) == text


def test_the_content_decides_before_the_name():
    assert text_of(pdf(["Invoice 12"]), ".txt") == "Invoice 12"
    assert text_of(docx("Agreement"), ".pdf") == "Agreement\n"


def test_a_page_is_read_by_the_encoding_that_it_declares():
    page = '<meta charset="windows-1255"><p>היום</p>'.encode("cp1255")
    assert text_of(page, ".html") == "היום"
    assert describe_text(page, ".html")[1]["text_encoding_found"] == "declared"


def test_a_message_is_read_by_the_encodings_of_its_parts():
    body = b"Content-Type: text/plain; charset=windows-1251\r\n\r\n" + "Привет".encode("cp1251")
    assert text_of(HEADERS + body).endswith("Привет")


def test_a_message_has_subject_text_and_the_names_of_attachments():
    text = text_of(mail("Invoice ü", "Please pay.", "<p>Please <b>pay</b></p>"))
    assert text.splitlines()[0] == "Subject: Invoice ü"
    assert "Please pay." in text
    assert text.count("pay") == 1
    assert "[scan.pdf]" in text


def test_messages_inside_messages_are_read_so_deep():
    assert text_of(nested(5)).endswith("deep")
    assert text_of(forwarded(3)).endswith("bottom")


def test_what_was_assumed_is_said():
    assert describe_text("Größe".encode("cp1252"), ".txt") == (
        "text/plain",
        {"text_encoding": "cp1252", "text_encoding_found": "detected"},
    )
    assert describe_text("Größe".encode(), ".txt") == ("text/plain", {})
    assert describe_text(pdf(["One", scan("Two")]), "")[1] == {"pages": 2, "scanned_pages": 1}


REFUSED = [
    pytest.param(pdf(["x"], password="secret"), "", "password", id="locked PDF"),
    pytest.param(pdf(["x"] * 2_001), "", "2,001 pages", id="too many pages"),
    pytest.param(pdf(["x" * 50] * 50)[:2_000], "", "damaged PDF", id="PDF cut short"),
    pytest.param(b"%PDF-1.7", "", "damaged PDF", id="empty PDF"),
    pytest.param(docx("", document="xl/workbook.xml"), "", "export it as PDF", id="workbook"),
    pytest.param(docx("", xml="<a>" + " " * 70_000_000), "", "64 MB", id="ZIP bomb"),
    pytest.param(
        docx("", xml='<!DOCTYPE a [<!ENTITY b "x">]><a>&b;</a>'), "", "entities", id="entities"
    ),
    pytest.param(docx("", xml="<a>" * 100_000), "", "damaged Word", id="deep XML"),
    pytest.param(docx("text")[:-30], "", "damaged Word", id="Word cut short"),
    pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "", "save it as .docx", id="doc"),
    pytest.param(b"version https://git-lfs.github.com/spec/v1\n", ".md", "git lfs pull", id="LFS"),
    pytest.param(b"{\\rtf1 text}", "", "save it as .docx", id="RTF"),
    pytest.param(nested(25), "", "20 deep", id="nested parts"),
    pytest.param(nested(1_500), "", "20 deep", id="very deep parts"),
    pytest.param(forwarded(5_000), "", "20 deep", id="forwarded without end"),
    pytest.param(
        HEADERS
        + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        + b"--b\r\n\r\nx\r\n" * 20_000,
        "",
        "1,000 parts",
        id="many parts",
    ),
    pytest.param(b"<html><script>x()</script>", "", "no text", id="scripts alone"),
    pytest.param(b"", "", "0 bytes", id="nothing"),
]


@pytest.mark.parametrize(("data", "suffix", "reason"), REFUSED)
def test_what_cannot_be_read_is_refused_with_the_reason(data, suffix, reason):
    with pytest.raises(UnreadableItemError, match=reason):
        text_of(data, suffix)


def test_deleted_text_of_a_word_document_is_left_out():
    xml = (
        '<w:document xmlns:w="x"><w:p><w:r><w:t>kept</w:t></w:r>'
        "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p></w:document>"
    )
    assert text_of(docx("", xml=xml)) == "kept\n"


@pytest.mark.parametrize(
    "begin", [b"<", b"<a ", b"<!--", b'<a "', b"<a '>", b"<div>", b"<title", b"&"]
)
def test_a_broken_page_costs_time_in_proportion_to_its_length(begin):
    def seconds(megabytes: int) -> float:
        started = time.process_time()
        try:
            text_of(b"<html>" + begin * (megabytes * 1_000_000 // len(begin)), ".html")
        except UnreadableItemError as error:
            assert "no text" in str(error)
        return time.process_time() - started

    assert seconds(2) < 8 * max(seconds(1), 0.2)


def test_scans_without_the_extra_name_the_cure(monkeypatch):
    monkeypatch.setattr(pdf_reader, "has_ocr", lambda: False)
    monkeypatch.setattr(reading, "has_ocr", lambda: False)
    for data in (pdf([scan("Invoice")]), b"\xff\xd8\xff\xe0" + bytes(100)):
        with pytest.raises(UnreadableItemError, match=r"dagster-autolabel\[ocr\]"):
            text_of(data)


@pytest.mark.slow
def test_scans_are_read_by_ocr_without_network():
    page = scan("INVOICE No. 4711\nTotal amount due 1,234.56 EUR")
    photograph = io.BytesIO()
    page.save(photograph, "JPEG")
    for data in (pdf([page]), photograph.getvalue()):
        text = text_of(data)
        assert "INVOICE No. 4711" in text
        assert "1,234.56" in text
    assert text_of(pdf(["Typed page", page])).startswith("Typed page\nINVOICE")


@given(st.binary(max_size=200), st.sampled_from(["", ".md", ".html", ".eml", ".txt"]))
def test_any_bytes_give_text_or_a_reason(data, suffix):
    try:
        assert text_of(data, suffix).strip()
    except UnreadableItemError as error:
        assert str(error)


def test_damaged_copies_of_good_files_give_text_or_a_reason():
    random_ = random.Random(0)
    good = [pdf(["Invoice 12"]), docx("Agreement"), mail("Hello", "text", "<p>text</p>")]
    for _ in range(150):
        data = bytearray(random_.choice(good))
        for _ in range(random_.randint(1, 20)):
            data[random_.randrange(len(data))] = random_.randrange(256)
        try:
            assert text_of(bytes(data)).strip()
        except UnreadableItemError as error:
            assert str(error)


def test_an_archive_of_very_many_files_is_refused(tmp_path):
    file = tmp_path / "many.docx"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("word/document.xml", "<a/>")
        for i in range(20_001):
            archive.writestr(f"{i}", "")
    with pytest.raises(UnreadableItemError, match="20000 files"):
        text_of(file.read_bytes())
