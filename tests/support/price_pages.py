"""Pages in the shape that yuyu-tei's had in autumn 2026, with offers made up here."""

from __future__ import annotations

OFFER = """
<div class="col-md"><div class="card-product position-relative mt-4">
  <a href="#"><div class="position-relative product-img">
    <img src="x.jpg" alt="{code} UR Some Card" class="card img-fluid"></div></a>
  <span class="d-block border border-dark p-1 w-100 text-center my-2">{code}</span>
  <a href="#"><h4 class="text-primary fw-bold">円盤の{code}</h4></a>
  <strong class="d-block text-end text-danger">
    {price}
  </strong>
  <label class="form-check-label fw-bold">在庫 : 3 点</label>
  <small class="d-block text-end"><del>9,999 円</del></small>
</div></div>"""


def page(*offers: tuple[str, str], advert: str = "<p>LOCH-JP999 <strong>1 円</strong></p>") -> str:
    """Return the page of a set: a code and a price for each offer, and no offers around them."""
    boxes = "".join(OFFER.format(code=code, price=price) for code, price in offers)
    return f"<!doctype html><html><body>{advert}<div class='row'>{boxes}</div>{advert}</body>"


LOCH = page(
    ("LOCH-JP001", "1,480 円"),
    ("LOCH-JP001", "980 円"),
    ("LOCH-JP001", "12,800 円"),
    ("LOCH-JP002", "30 円"),
    ("PROM-JP001", "77 円"),
)
