"""Reads the text of files as people have them: PDF, Word, web pages, e-mail, scans, plain text.

Everything here takes bytes of strangers: each reader has limits, and refuses with the reason and
the cure what it cannot read.
"""

from autolabel_core.foundation.media.text_formats.media_types import text_media_type
from autolabel_core.foundation.media.text_formats.reading import describe_text, read_text

__all__ = ["describe_text", "read_text", "text_media_type"]
