"""PDFs as programs write them, and as transfers break them: their text, or the reason."""

from __future__ import annotations

import pytest

from autolabel_core.foundation.errors import UnreadableItemError
from autolabel_core.foundation.media.text_formats import describe_text, pdf_text, read_text

WORDS = b"(Invoice number twelve, total due)"
HELVETICA = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
UNNAMED_GLYPHS = (
    b"<</Type/Font/Subtype/Type1/BaseFont/ABCDEF+Own/FirstChar 1/LastChar 9/Widths[%s]"
    b"/Encoding<</Type/Encoding/Differences[1 /g1/g2/g3/g4/g5/g6/g7/g8/g9]>>>>" % (b"500 " * 9)
)
GLYPH_NUMBERS = (
    b"<</Type/Font/Subtype/Type0/BaseFont/Own/Encoding/Identity-H/DescendantFonts"
    b"[<</Type/Font/Subtype/CIDFontType2/BaseFont/Own/CIDSystemInfo"
    b"<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>>>]>>"
)
# "An invoice" by the numbers of glyphs in a TrueType font: a space is the third.
NUMBERS = b"<0024005100030003004C0051005900520003004C>"


def one_page(font: bytes = HELVETICA, shown: bytes = WORDS, page: bytes = b"") -> bytes:
    """Return a PDF with a line of text."""
    content = b"BT /F1 20 Tf 50 300 Td %s Tj ET" % shown
    parts = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 400 400]/Contents 5 0 R"
        b"/Resources<</Font<</F1 4 0 R>>>>%s>>" % page,
        font,
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
    ]
    written, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, start=1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return (
        b"%sxref\n0 6\n0000000000 65535 f \n%strailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF"
        % (written, table, len(written))
    )


READ = [
    pytest.param(one_page(), id="plain"),
    pytest.param(
        one_page().replace(b"startxref\n", b"startxref\n9"), id="wrong place of the table"
    ),
    pytest.param(b"junk\n" * 30 + one_page(), id="junk before it"),
    pytest.param(one_page(page=b"/Rotate 90"), id="turned"),
    pytest.param(one_page(shown=b"3 Tr " + WORDS), id="invisible, as under a scan"),
    pytest.param(one_page().replace(b"[0 0 400 400]", b"[0 0 1e9 1e9]"), id="a huge page"),
]


@pytest.mark.parametrize("data", READ)
def test_the_text_is_read(data):
    media_type, facts = describe_text(data, ".pdf")
    assert read_text(data, media_type) == "Invoice number twelve, total due"
    assert facts == {"pages": 1}


@pytest.mark.parametrize(
    ("font", "shown"), [(UNNAMED_GLYPHS, b"<010203040506070809>"), (GLYPH_NUMBERS, NUMBERS)]
)
def test_the_numbers_of_glyphs_are_not_taken_for_text(monkeypatch, font, shown):
    monkeypatch.setattr(pdf_text, "has_ocr", lambda: False)
    data = one_page(font, shown)
    assert describe_text(data, ".pdf")[1] == {"pages": 1, "scanned_pages": 1}
    with pytest.raises(UnreadableItemError, match=r"fonts that do not say .*\[ocr\]"):
        read_text(data, "application/pdf")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(one_page()[:-90], id="cut short"),
        pytest.param(one_page().replace(b"/Kids[3 0 R]", b"/Kids[2 0 R]"), id="pages in a circle"),
        pytest.param(one_page().replace(b"/Count 1", b"/Count 99"), id="pages that are not there"),
    ],
)
def test_a_broken_one_is_refused(data):
    with pytest.raises(UnreadableItemError, match="damaged PDF"):
        describe_text(data, ".pdf")
