"""Revision 0003: clusters, boxes on images, class ids, model versions and gate decisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_ORDER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add the tables; nothing recorded before belongs into them."""
    _cluster_runs()
    _cluster_events()
    _box_annotations()
    _class_ids()
    _gold_images()
    _model_versions()
    _gate_results()


def _cluster_runs() -> None:
    op.create_table(
        "cluster_runs",
        sa.Column("id", _ORDER, primary_key=True, autoincrement=True),
        sa.Column("run_id", sa.String(64), nullable=False, unique=True),
        sa.Column("collection", sa.String(200), nullable=False),
        sa.Column("cluster_name", sa.String(200), nullable=False),
        sa.Column("mode", sa.String(10), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("recorded_at", sa.String(32), nullable=False),
    )
    op.create_index("cluster_runs_by_name", "cluster_runs", ["collection", "cluster_name", "id"])


def _cluster_events() -> None:
    op.create_table(
        "cluster_events",
        sa.Column("id", _ORDER, primary_key=True, autoincrement=True),
        sa.Column("event_id", sa.String(64), nullable=False, unique=True),
        sa.Column("collection", sa.String(200), nullable=False),
        sa.Column("cluster_name", sa.String(200), nullable=False),
        sa.Column("cluster_id", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("recorded_at", sa.String(32), nullable=False),
    )
    op.create_index(
        "cluster_events_by_name", "cluster_events", ["collection", "cluster_name", "id"]
    )


def _box_annotations() -> None:
    op.create_table(
        "box_annotations",
        sa.Column("id", _ORDER, primary_key=True, autoincrement=True),
        sa.Column("event_id", sa.String(64), nullable=False, unique=True),
        sa.Column("annotation_id", sa.String(64), nullable=False),
        sa.Column("action", sa.String(10), nullable=False),
        sa.Column("collection", sa.String(200), nullable=False),
        sa.Column("image_id", sa.String(40), nullable=False),
        sa.Column("image_key", sa.Text, nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("detection_id", sa.String(80)),
        sa.Column("label", sa.String(20), nullable=False),
        sa.Column("predicted_class", sa.Text),
        sa.Column("true_class", sa.Text),
        sa.Column("xyxy_px", sa.JSON),
        sa.Column("predicted_xyxy_px", sa.JSON),
        sa.Column("image_width_px", sa.Integer, nullable=False),
        sa.Column("image_height_px", sa.Integer, nullable=False),
        sa.Column("confidence", sa.Float),
        sa.Column("reasoning", sa.Text),
        sa.Column("annotator", sa.Text, nullable=False),
        sa.Column("origin", sa.String(20), nullable=False),
        sa.Column("retriever_id", sa.String(200)),
        sa.Column("execution_id", sa.String(200)),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("recorded_at", sa.String(32), nullable=False),
    )
    op.create_index("box_annotations_by_collection", "box_annotations", ["collection", "id"])


def _class_ids() -> None:
    op.create_table(
        "class_ids",
        sa.Column("id", _ORDER, primary_key=True, autoincrement=True),
        sa.Column("collection", sa.String(200), nullable=False),
        sa.Column("class_name", sa.Text, nullable=False),
        sa.Column("class_id", sa.Integer, nullable=False),
        sa.Column("recorded_at", sa.String(32), nullable=False),
        sa.UniqueConstraint("collection", "class_id", name="class_ids_once"),
    )


def _gold_images() -> None:
    op.create_table(
        "gold_images",
        sa.Column("id", _ORDER, primary_key=True, autoincrement=True),
        sa.Column("collection", sa.String(200), nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("recorded_at", sa.String(32), nullable=False),
        sa.UniqueConstraint("collection", "content_hash", name="gold_images_once"),
    )


def _model_versions() -> None:
    op.create_table(
        "model_versions",
        sa.Column("id", _ORDER, primary_key=True, autoincrement=True),
        sa.Column("collection", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("version", sa.String(40), nullable=False),
        sa.Column("checksum", sa.String(64), nullable=False),
        sa.Column("card", sa.JSON, nullable=False),
        sa.Column("recorded_at", sa.String(32), nullable=False),
        sa.UniqueConstraint("collection", "kind", "version", name="model_versions_once"),
    )


def _gate_results() -> None:
    op.create_table(
        "gate_results",
        sa.Column("id", _ORDER, primary_key=True, autoincrement=True),
        sa.Column("gate_id", sa.String(64), nullable=False, unique=True),
        sa.Column("collection", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("version", sa.String(40), nullable=False),
        sa.Column("against", sa.String(40)),
        sa.Column("decision", sa.String(10), nullable=False),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("recorded_at", sa.String(32), nullable=False),
    )
    op.create_index("gate_results_by_kind", "gate_results", ["collection", "kind", "id"])
