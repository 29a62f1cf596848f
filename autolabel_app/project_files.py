"""The files of a new project, as `autolabel init` writes them."""

from __future__ import annotations

from pathlib import Path

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.foundation.project_folder import DAGSTER_SETTINGS, MARKER

IMAGES = "data/products"
DAGSTER_YAML = """\
# Written once by autolabel; yours to change. Runs take turns at what has a single writer (pools).
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  pools:
    default_limit: 1
run_monitoring:
  enabled: true
  start_timeout_seconds: 600
  free_slots_after_run_end_seconds: 30
run_queue:
  # Dagster looks every 5 seconds by default which run may start; a label should not wait for that.
  dequeue_interval_seconds: 1
"""
PROJECT_STORAGE = """\
# Relative to this folder. On a server: PostgreSQL, as in deploy/dagster.yaml of autolabel.
storage:
  sqlite:
    base_dir: .autolabel/dagster
local_artifact_storage:
  module: dagster.core.storage.root
  class: LocalArtifactStorage
  config:
    base_dir: .autolabel/dagster
compute_logs:
  module: dagster.core.storage.local_compute_log_manager
  class: LocalComputeLogManager
  config:
    base_dir: .autolabel/dagster/compute_logs
"""
WORKSPACE_YAML = """\
# What Dagster loads; start it in this folder: `autolabel dev`, `dagster dev`.
load_from:
  - python_module:
      module_name: autolabel_assets.definitions
      location_name: autolabel
"""
MARKER_TEXT = """\
# This folder is a project of autolabel: commands find it from here and from every folder below.
# Declarations lie in collections/, state in .autolabel/; .env changes that and holds secrets.
"""
ENV = """\
# Read by every command, and by Dagster when it starts in this folder. The environment wins over it.
# DAGSTER_GRPC_TIMEOUT_SECONDS is how long Dagster waits until a run has started; its default is 60.
DAGSTER_GRPC_TIMEOUT_SECONDS=300
# Deployed extractors are code that runs with your rights; off unless allowed here:
# AUTOLABEL_EXTRACTOR_UPLOADS=allow
# AUTOLABEL_LEDGER_URL=postgresql://user:password@host/database
# AUTOLABEL_WAREHOUSE=s3://bucket/prefix
# AWS_ENDPOINT_URL=
# AWS_ACCESS_KEY_ID=
# AWS_SECRET_ACCESS_KEY=
# AUTOLABEL_ANNOTATOR=
"""
COLLECTION = f"""\
# One file is one collection; its name is the file's name. Copy this one for another.
source:
  type: bucket
  uri: ../{IMAGES}              # a folder of images, relative to this file; or s3://bucket/prefix
feature_extractor:
  feature_extractor_name: image_extractor      # text_extractor for texts, PDF, Word, e-mail
  version: v1                                  # a new model is a new version
  # model: efficientnet_lite0+descriptor       # the default for images; docs/extractors.md
  field_passthrough: [product_label]
taxonomy:
  field_to_enrich: product_label               # the field that people label, and that fills itself
  reference: self                              # or another collection, of curated references
  score: auto                                  # looks at all references, and gives probabilities
  confidence_threshold: 0.70                   # label what is right with 70 %; the rest waits
"""
README = f"""\
# A project of autolabel

1. Drop images into `{IMAGES}/` (or change `uri` in `collections/products.yaml`).
2. `autolabel sweep` registers and embeds them.
3. `autolabel label products KEY "Red Running Shoes"`: three of each of two labels or more.
4. `autolabel sweep`: what is sure labels itself. `autolabel status products` says what to do next.
5. `autolabel dev` shows Dagster's pages and does all of this by itself.

`autolabel.toml` marks this folder, `.autolabel/` holds the state, `.env` settings and secrets.
"""
GITIGNORE = """\
.autolabel/
.env
.tmp_dagster_home_*
data/
"""
FILES = {
    MARKER: MARKER_TEXT,
    "README.md": README,
    "collections/products.yaml": COLLECTION,
    ".env": ENV,
    DAGSTER_SETTINGS: DAGSTER_YAML + PROJECT_STORAGE,
    "workspace.yaml": WORKSPACE_YAML,
    ".gitignore": GITIGNORE,
}


def write_project(folder: Path, files: dict[str, str] | None = None) -> dict[str, bool]:
    """Write the files of a project; what is there already is left as it is.

    Args:
        folder: made if it is new.
        files: text by relative path; default those of a new project, with a folder for images.

    Returns:
        By file, whether it was written. An example is not put beside collections that are there.

    Raises:
        AutolabelError: the folder is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise AutolabelError(f"{folder} is a file; name a folder, new or not.")
    has_collections = any((folder / "collections").glob("*.y*ml"))
    written = {}
    for name, text in (FILES if files is None else files).items():
        file = folder / name
        keep = file.exists() or (text is COLLECTION and has_collections)
        written[name] = not keep
        if not keep:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    if written.get("collections/products.yaml"):
        (folder / IMAGES).mkdir(parents=True, exist_ok=True)
    return written
