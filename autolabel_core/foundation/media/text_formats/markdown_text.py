"""Takes the marks out of Markdown: links keep their words, headings lose their signs."""

from __future__ import annotations

import re

_FRONT_MATTER = re.compile(r"\A---\n.{0,20000}?\n---\n", re.DOTALL)
_LINK = re.compile(r"!?\[([^\[\]\n]{0,2000})\]\([^()\s]{0,2000}(?: \"[^\"\n]{0,500}\")?\)")
_LINE_MARK = re.compile(r"^[ \t]{0,8}(?:#{1,6}|>|[-*+]|\d{1,9}[.)])[ \t]+", re.MULTILINE)
_RULE = re.compile(r"^[ \t]*(?:```.*|~~~.*|[-=*_|: ]{3,})$", re.MULTILINE)
_EMPHASIS = re.compile(r"(?<!\w)[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}(?!\w)")


def markdown_text(source: str) -> str:
    """Return the words of a Markdown file, line by line."""
    text = _FRONT_MATTER.sub("", source.replace("\r\n", "\n"))
    text = _LINK.sub(r"\1", text)
    for mark in (_RULE, _LINE_MARK, _EMPHASIS):
        text = mark.sub("", text)
    return text.strip() or source
