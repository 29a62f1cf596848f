"""Takes the text out of a web page, in time linear in its length and whatever is nested in it."""

from __future__ import annotations

import html
import re

# What is not shown, or is no text.
_HIDDEN = frozenset(("script", "style", "noscript", "template", "svg", "head"))
_BREAKS = frozenset(
    (
        *("p", "div", "br", "hr", "li", "tr", "table", "ul", "ol", "dl", "dt", "dd", "section"),
        *("article", "header", "footer", "nav", "aside", "main", "form", "pre", "blockquote"),
        *("h1", "h2", "h3", "h4", "h5", "h6", "title", "option", "figcaption", "caption"),
    )
)
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_NAME = re.compile(r"/?([A-Za-z][A-Za-z0-9:-]*)")
MAX_TAG_CHARACTERS = 4_096
# Quoted values may hold `>`. The possessive form cannot go back, so it is linear.
_TAG_END = re.compile(
    rf"""(?:[^"'>]|"[^"]{{0,{MAX_TAG_CHARACTERS}}}"|'[^']{{0,{MAX_TAG_CHARACTERS}}}')"""
    rf"""{{0,{MAX_TAG_CHARACTERS}}}+>"""
)
_TITLE = re.compile(r"<title[^>]{0,1000}>([^<]{0,10000})", re.IGNORECASE)
_CHARSET = re.compile(
    rb"""<meta[^>]{0,1000}?charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE
)
_XML_ENCODING = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_.:-]{1,40})""")
_SPACES = re.compile(r"[ \t\r\f\v\xa0]+")
_LINES = re.compile(r"\s*\n\s*")
DECLARED_WITHIN_BYTES = 4_096


def declared_charset(data: bytes) -> str | None:
    """Return the encoding that a page names in its first bytes; None where it names none."""
    head = data[:DECLARED_WITHIN_BYTES]
    found = _CHARSET.search(head) or _XML_ENCODING.search(head)
    return found[1].decode("ascii") if found else None


def html_text(page: str) -> str:
    """Return what a page shows, its title first; blocks stand on lines of their own.

    Args:
        page: HTML, however broken.

    Returns:
        Text without mark-up, scripts and styles; may be empty.
    """
    title = _TITLE.search(page)
    parts = [html.unescape(title[1]), "\n"] if title else []
    position, length = 0, len(page)
    while position < length:
        found = _TAG.search(page, position)
        start = found.start() if found else length
        parts.append(html.unescape(page[position:start]))
        if start == length:
            break
        position = _after_tag(page, start, parts)
    text = _SPACES.sub(" ", "".join(parts))
    return _LINES.sub("\n", text).strip()


def _after_tag(page: str, start: int, parts: list[str]) -> int:
    """Return where the text goes on after what begins with `<` at `start`."""
    following = page[start + 1 : start + 2]
    if page.startswith("<!--", start):
        return _after(page, "-->", start + 4)
    if following in ("!", "?"):
        return _after(page, ">", start + 1)
    name = _NAME.match(page, start + 1)
    if name is None:  # `</>`, or `</3`
        return start + 2
    end = _TAG_END.match(page, name.end())
    after = end.end() if end else _after(page, ">", name.end())
    tag = name[1].lower()
    if tag in _BREAKS:
        parts.append("\n")
    elif tag in ("td", "th"):
        parts.append(" ")
    if tag in _HIDDEN and following != "/" and page[after - 2 : after] != "/>":
        return _after_hidden(page, tag, after)
    return after


def _after(page: str, mark: str, position: int) -> int:
    found = page.find(mark, position)
    return len(page) if found < 0 else found + len(mark)


def _after_hidden(page: str, tag: str, position: int) -> int:
    """Return where what a tag hides ends; a head that is never closed ends at the body."""
    ending = rf"</{tag}\b|<body\b" if tag == "head" else rf"</{tag}\b"
    found = re.compile(ending, re.IGNORECASE).search(page, position)
    return len(page) if found is None else found.start()
