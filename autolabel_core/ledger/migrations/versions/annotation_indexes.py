"""Revision 0004: indexes by which the words about a document, and labels in use, are found."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the indexes."""
    op.create_index(
        "annotations_by_content",
        "annotations",
        ["collection", "document_id", "content_hash", "id", "action", "annotator", "source"],
    )
    op.create_index("annotations_by_label", "annotations", ["collection", "label", "id"])
