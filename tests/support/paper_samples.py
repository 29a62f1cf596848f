"""Papers that tests make: PDFs, scans, Word documents and e-mails of three kinds of business."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable, Sequence
from email.message import EmailMessage

from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen import canvas

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
KINDS = ("invoice", "contract", "receipt")
_COMPANIES = ("Northwind", "Contoso", "Acme", "Globex", "Initech", "Umbrella", "Hooli", "Stark")
_GOODS = ("paper", "chairs", "cables", "coffee", "screens", "screws", "paint", "lamps", "tyres")


def pdf(pages: Sequence[str | Image.Image], password: str | None = None) -> bytes:
    """Return a PDF with a page for each text (its lines) and each picture (filling the page)."""
    file = io.BytesIO()
    locked = None if password is None else StandardEncryption(password)
    sheet = canvas.Canvas(file, pagesize=A4, encrypt=locked, invariant=1)
    for page in pages:
        if isinstance(page, str):
            for number, line in enumerate(page.splitlines()):
                sheet.drawString(72, 770 - 18 * number, line)
        else:
            sheet.drawImage(ImageReader(page), 0, 0, *A4)
        sheet.showPage()
    sheet.save()
    return file.getvalue()


def scan(text: str) -> Image.Image:
    """Return a picture of a page with these lines."""
    page = Image.new("RGB", (900, 1270), "white")
    drawing, font = ImageDraw.Draw(page), ImageFont.load_default(28)
    for number, line in enumerate(text.splitlines()):
        drawing.text((60, 60 + 60 * number), line, fill="black", font=font)
    return page


def docx(text: str, *, document: str = "word/document.xml", xml: str | None = None) -> bytes:
    """Return a Word document with a paragraph for each line, or with another XML."""
    paragraphs = "".join(f"<w:p><w:r><w:t>{line}</w:t></w:r></w:p>" for line in text.splitlines())
    body = f'<w:document xmlns:w="{WORD}"><w:body>{paragraphs}</w:body></w:document>'
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(document, body if xml is None else xml)
    return file.getvalue()


def mail(subject: str, text: str, page: str | None = None) -> bytes:
    """Return an e-mail with an attachment, and with a web page beside its text."""
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "a@example.org", "b@example.org"
    message.set_content(text)
    if page is not None:
        message.add_alternative(page, subtype="html")
    message.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="scan.pdf")
    return message.as_bytes()


def business_paper(kind: str, random_: random.Random) -> str:
    """Return the text of a paper of one of KINDS; no two are alike."""
    writers: dict[str, Callable[[random.Random], list[str]]] = {
        "invoice": _invoice,
        "contract": _contract,
        "receipt": _receipt,
    }
    return "\n".join(writers[kind](random_))


def _items(random_: random.Random) -> list[str]:
    goods = random_.sample(_GOODS, random_.randint(2, 5))
    return [f"{random_.randint(1, 20)} x {name}  {random_.randint(3, 900)}.50" for name in goods]


def _invoice(random_: random.Random) -> list[str]:
    seller, buyer = random_.sample(_COMPANIES, 2)
    heading = random_.choice(("INVOICE", "Invoice", "Tax invoice", "Sales invoice"))
    terms = random_.choice(("Payable within 30 days", "Please transfer the sum", "Net 14"))
    return [
        f"{heading} No. {random_.randint(1000, 99999)}",
        f"{seller} Ltd, bill to: {buyer} Inc",
        *_items(random_),
        f"Subtotal and VAT 20 %, total due {random_.randint(100, 9000)}.00 EUR",
        f"{terms}, IBAN DE{random_.randint(10**9, 10**10)}",
    ]


def _contract(random_: random.Random) -> list[str]:
    one, other = random_.sample(_COMPANIES, 2)
    kind = random_.choice(("lease", "service", "employment", "supply", "licence"))
    clauses = [
        "The parties agree to the following terms and conditions.",
        "This agreement is governed by the laws of the seller's country.",
        "Either party may terminate this agreement with three months notice.",
        "The liability of the contractor is limited to the agreed fee.",
        "Amendments must be made in writing and signed by both parties.",
        f"The term of this {kind} agreement is {random_.randint(1, 9)} years.",
    ]
    return [
        f"{kind.title()} agreement between {one} and {other}",
        *random_.sample(clauses, 4),
        f"Signed in two copies, {one} and {other}",
    ]


def _receipt(random_: random.Random) -> list[str]:
    shop = random_.choice(_COMPANIES)
    return [
        f"{shop} store {random_.randint(1, 99)}, cashier {random_.randint(1, 12)}",
        f"RECEIPT {random_.randint(10**5, 10**6)}",
        *_items(random_),
        random_.choice(("Paid by card, VISA", "Paid in cash, change 1.50", "Card accepted")),
        "Thank you for your purchase, please come again",
    ]
