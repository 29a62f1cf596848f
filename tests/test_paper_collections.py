"""PDFs, Word documents and mails of three kinds, twenty labelled of each, label the rest."""

from __future__ import annotations

import json
import random

import pytest
from support.paper_samples import KINDS, business_paper, docx, mail, pdf, scan

from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.media.text_formats import ocr_text
from autolabel_core.foundation.media.text_formats import pdf_text as pdf_reader
from autolabel_core.labelling.give_labels import GivenLabel, give_labels
from autolabel_core.operations.sweep import sweep_here
from autolabel_core.tables.raw_objects import RawObjects

PAPERS = """\
feature_extractor: {feature_extractor_name: text_extractor, model: hashed}
taxonomy: {field_to_enrich: kind, confidence_threshold: 0.05}
"""
BATCH = "batch_000001"
LABELLED, ALL = 20, 60


def quiet(*_: object) -> None:
    """Tell nobody how far a sweep is."""


def swept(ws, name="papers"):
    """The documents of a collection by key, after a sweep."""
    collection = ws.open(name)
    sweep_here(collection, quiet, lambda _: quiet)
    return {row["key"]: row for row in Documents(ws.open(name)).find()}


def papers() -> dict[str, bytes]:
    random_ = random.Random(4)
    files = {}
    for kind in KINDS:
        for i in range(ALL):
            text = business_paper(kind, random_)
            if i % 5 == 3:
                files[f"{kind}_{i}.docx"] = docx(text)
            elif i % 5 == 4:
                files[f"{kind}_{i}.eml"] = mail("Document", text)
            else:
                files[f"{kind}_{i}.pdf"] = pdf([text])
    return files


@pytest.mark.slow
def test_twenty_labelled_of_each_kind_label_the_rest(workspace):
    ws = workspace({"papers": PAPERS}, {"papers": papers()})
    swept(ws)
    given = [k for k in papers() if int(k.rpartition("_")[2].partition(".")[0]) < LABELLED]
    give_labels(
        ws.open("papers"), [GivenLabel(key, key.partition("_")[0]) for key in given], "me", "cli"
    )
    rows = swept(ws)
    judged = [row for key, row in rows.items() if key not in given]
    right = sum(row["label"] == row["key"].partition("_")[0] for row in judged)
    assert len(judged) == len(KINDS) * (ALL - LABELLED)
    assert right / len(judged) >= 0.95


def test_what_cannot_be_read_is_quarantined_and_stops_nothing(workspace, monkeypatch):
    monkeypatch.setattr(pdf_reader, "has_ocr", lambda: False)
    files = {
        "good.pdf": pdf(["Invoice 12"]),
        "locked.pdf": pdf(["Invoice 12"], password="x"),
        "scan.pdf": pdf([scan("Invoice")]),
        "old.doc": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100),
        "russian.txt": "Договор аренды".encode("cp1251"),
    }
    ws = workspace({"papers": PAPERS}, {"papers": files})
    rows = swept(ws)
    reasons = {key: row["reason"] for key, row in rows.items()}
    assert reasons["good.pdf"] is None
    assert "password" in reasons["locked.pdf"]
    assert "dagster-autolabel[ocr]" in reasons["scan.pdf"]
    assert "save it as .docx" in reasons["old.doc"]
    found = {r["key"]: r["metadata"] for r in RawObjects(ws.open("papers")).objects_of(BATCH)}
    assert json.loads(found["russian.txt"])["text_encoding"] == "cp1251"
    assert json.loads(found["good.pdf"]) == {"pages": 1}


def test_scans_are_read_once_the_extra_is_installed(workspace, monkeypatch):
    installed = False
    for module in (pdf_reader, ocr_text):
        monkeypatch.setattr(module, "has_ocr", lambda: installed)
    monkeypatch.setattr(pdf_reader, "picture_text", lambda _: "Invoice 12")
    ws = workspace({"papers": PAPERS}, {"papers": {"scan.pdf": pdf([scan("Invoice")])}})
    assert "pip install" in swept(ws)["scan.pdf"]["reason"]
    installed = True
    assert swept(ws)["scan.pdf"]["reason"] is None
