"""Writes the report of a verification as one HTML page with its pictures."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from html import escape

from PIL import Image

from autolabel_core.models.evaluation.acceptance import Acceptance
from autolabel_core.models.evaluation.verification import Pair, Rate, Verification

THUMBNAIL_PX = 180
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem;
  color: #22262b; background: #fff; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; } td, th { padding: .25rem .9rem .25rem 0; text-align: left; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
.advice { border-left: 4px solid #2f6fb2; padding: .5rem 1rem; background: #f1f5fa; }
.failed { border-color: #c0392b; background: #fbf0ee; }
.pair { display: flex; gap: 1rem; margin: 1rem 0; flex-wrap: wrap; align-items: center; }
figure { margin: 0; width: 180px; } img { max-width: 180px; max-height: 180px; display: block; }
figcaption { font-size: .85rem; overflow-wrap: anywhere; } .said { flex: 1 1 14rem; }
"""


def verification_page(verification: Verification, picture: Callable[[int], Image.Image]) -> str:
    """Return the page.

    Args:
        verification: what was verified.
        picture: the picture of a reference, by its row in the index.

    Returns:
        HTML that needs no other file.
    """
    index = verification.index
    parts = [
        "<h1>Can the references be distinguished?</h1>",
        f"<p>{len(index)} references of {len(index.labels)} labels, embedded under "
        f"<code>{escape(index.feature_uri)}</code>.</p>",
        _advice(verification),
        "<h2>Accuracy</h2>",
        _table(("", "right", "95 % interval", ""), _rates(verification)),
        "<h2>The vector of a picture</h2>",
        _table(("reference", "top-1 on views", "median margin", ""), _by_views(verification)),
        "<h2>Unknown things</h2>",
        _unknown(verification),
        "<h2>The smallest margins</h2>",
        _table(
            ("label", "median margin over views"),
            [(escape(label), f"{margin:+.3f}") for label, margin in verification.worst],
        ),
        "<h2>The most confused</h2>",
        *(_pair(pair, verification, picture) for pair in verification.pairs),
    ]
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Verification of {len(index)} references</title><style>{STYLE}</style></head>"
        f"<body>{body}</body></html>\n"
    )


def _names(verification: Verification) -> list[str]:
    parts = [f"<p>{escape(remark)}</p>" for remark in verification.names.remarks]
    if not verification.names.suspects:
        return parts
    rows: list[tuple[str, ...]] = [
        (
            f"{escape(s['key'])} ({escape(s['label'])})",
            f"{escape(s['looks_like'])} ({escape(s['other_key'])})",
            f"{s['cosine']:.3f}",
            f"{s['own_cosine']:.3f}",
        )
        for s in (suspect.record(verification.index) for suspect in verification.names.suspects)
    ]
    head = ("reference", "looks like", "cosine", "to others of its label")
    return ["<h2>Suspected names</h2>", _table(head, rows), *parts]


def _advice(verification: Verification) -> str:
    margin = f"<strong>Median margin {verification.median_margin:.3f}.</strong>"
    if verification.sane:
        return f'<p class="advice">{margin} {escape(verification.advice)}</p>'
    return (
        '<p class="advice failed"><strong>References do not match themselves.</strong> The index '
        "was not made from these pictures with this encoder: index the folder again.</p>"
    )


def _rates(verification: Verification) -> list[tuple[str, ...]]:
    return [
        ("views that the index was not made from", *_rate(verification.views)),
        ("variants of one label, each left out in turn", *_rate(verification.variants)),
        (
            "references that match themselves (sanity; says nothing of quality)",
            *_rate(verification.itself),
        ),
    ]


def _rate(rate: Rate) -> tuple[str, str, str]:
    if rate.share is None:
        return "–", "", "no label has two references"
    return f"{rate.share:.1%}", f"{rate.low:.1%} to {rate.high:.1%}", f"of {rate.queries}"


def _by_views(verification: Verification) -> list[tuple[str, ...]]:
    used = verification.index.origin.reference_views
    return [
        (
            f"the mean of {views} views" if views else "the picture itself",
            f"{figures['top1']:.1%}",
            f"{figures['median_margin']:+.3f}",
            "this index" if views == used else "",
        )
        for views, figures in verification.by_reference_views.items()
    ]


def _unknown(verification: Verification) -> str:
    if verification.rejection is None:
        return "<p>Four labels at least are needed to leave half of them out.</p>"
    regions, whole = verification.rejection, verification.whole
    head = (
        " The projection head was trained on these labels, which flatters it: unknown things are "
        "told less well."
        if verification.index.origin.projection
        else ""
    )
    return (
        "<p>Things whose label is left out of the index are looked up as they are served: as a "
        "camera might see them, and as their own picture. A known thing scores above an unknown "
        f"one with a chance of {regions.auroc_score:.3f} (by margin: {regions.auroc_margin:.3f})."
        f"{head}</p>"
        + "".join(_acceptance(told.acceptance) for told in (regions, whole) if told is not None)
    )


def _acceptance(rule: Acceptance) -> str:
    reached = "" if rule.reached else " (less than was asked for)"
    shown = (
        f"On the live page, by the best of at most {rule.max_regions} regions"
        if rule.max_regions
        else "For whole pictures, as <code>/api/classify</code> looks them up"
    )
    return (
        f"<p>{shown}: accept from a score of <strong>{rule.min_score:.3f}</strong> and a margin of "
        f"<strong>{rule.min_margin:.2f}</strong>. Of unknown things "
        f"{escape(str(rule.unknown))}. Where half of what is shown is unknown, "
        f"{rule.precision:.1%}{reached} of the answers given are right, and "
        f"{rule.answered:.1%} of what is known is answered.</p>"
    )


def _pair(pair: Pair, verification: Verification, picture: Callable[[int], Image.Image]) -> str:
    figures = "".join(_figure(verification, row, picture) for row in (pair.row, pair.other_row))
    mistaken = (
        f"{pair.mistaken} of {pair.views} views of “{escape(pair.label)}” were taken for "
        f"“{escape(pair.other)}”."
        if pair.mistaken
        else "No view was mistaken."
    )
    return (
        f'<div class="pair">{figures}<p class="said">{mistaken}<br>Cosine of the two pictures: '
        f"{pair.cosine:.3f}.</p></div>"
    )


def _figure(verification: Verification, row: int, picture: Callable[[int], Image.Image]) -> str:
    name, filename = verification.index.names[row], verification.index.filenames[row]
    small = picture(row).copy()
    small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    packed = io.BytesIO()
    small.save(packed, "JPEG", quality=85)
    data = base64.b64encode(packed.getvalue()).decode()
    return (
        f'<figure><img alt="{escape(name)}" src="data:image/jpeg;base64,{data}">'
        f"<figcaption>{escape(name)}<br><small>{escape(filename)}</small></figcaption></figure>"
    )


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    top = "".join(f'<th scope="col">{name}</th>' for name in head)
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>"
