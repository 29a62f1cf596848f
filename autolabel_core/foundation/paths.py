"""All paths and environment variables of the system."""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HOME_VARIABLE = "AUTOLABEL_HOME"
COLLECTIONS_VARIABLE = "AUTOLABEL_COLLECTIONS"
LEDGER_VARIABLE = "AUTOLABEL_LEDGER_URL"
ANNOTATOR_VARIABLE = "AUTOLABEL_ANNOTATOR"
DEFINITIONS_VARIABLE = "AUTOLABEL_DEFINITIONS"
WAREHOUSE_VARIABLE = "AUTOLABEL_WAREHOUSE"
DAGSTER_HOME_VARIABLE = "DAGSTER_HOME"
MODEL_CACHE_VARIABLE = "AUTOLABEL_MODEL_CACHE"
DEFAULT_HOME = ".autolabel"

# What a URL says of these needs no escapes, and no import.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./-]+")

CHECKOUT = Path(__file__).resolve().parent.parent.parent
"""The folder of the packages: the repository's, or where they were installed."""


@dataclass(frozen=True)
class Paths:
    """Where declarations are read and where state lives.

    Attributes:
        home: folder of all state (`AUTOLABEL_HOME`, default `.autolabel` in the working directory).
        collections: folder of YAML declarations (`AUTOLABEL_COLLECTIONS`, default the checkout's
            example; where that is not installed, `collections` in the working directory).
        ledger_url: SQLAlchemy URL of the ledger (`AUTOLABEL_LEDGER_URL`, default SQLite in `home`).
        warehouse_uri: folder or `s3://` address (`AUTOLABEL_WAREHOUSE`); empty: in `home`.
    """

    home: Path
    collections: Path
    ledger_url: str
    warehouse_uri: str = ""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Paths:
        """Resolve the three settings from the environment, with defaults."""
        home = Path(environ.get(HOME_VARIABLE) or DEFAULT_HOME).expanduser().resolve()
        collections = Path(environ.get(COLLECTIONS_VARIABLE) or _default_collections())
        ledger_url = environ.get(LEDGER_VARIABLE) or sqlite_url(home / "ledger.sqlite")
        warehouse = warehouse_address(environ.get(WAREHOUSE_VARIABLE) or "")
        return cls(home, collections.expanduser().resolve(), ledger_url, warehouse)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make another process see these paths."""
        return {
            HOME_VARIABLE: str(self.home),
            COLLECTIONS_VARIABLE: str(self.collections),
            LEDGER_VARIABLE: self.ledger_url,
            WAREHOUSE_VARIABLE: self.warehouse_uri,
        }

    @property
    def warehouse(self) -> Path:
        """Everything derived, unless `warehouse_uri` puts it elsewhere; may be deleted."""
        return self.home / "warehouse"

    @property
    def warehouse_place(self) -> str:
        """Folder or `s3://` address of everything derived."""
        return self.warehouse_uri or str(self.warehouse)

    @property
    def cache(self) -> Path:
        """Copies of what lies on S3; may be deleted at any time."""
        return self.home / "cache"

    @property
    def views(self) -> Path:
        """Embedded views of pictures; may be deleted at any time."""
        return self.cache / "views"

    @property
    def web(self) -> Path:
        """Answers of web sites; may be deleted at any time."""
        return self.cache / "web"

    @property
    def rates(self) -> Path:
        """What currencies are in US dollars, as last asked; may be deleted at any time."""
        return self.cache / "usd_rates.json"

    @property
    def vector_index(self) -> Path:
        """Chroma's folder; may be deleted and is built again."""
        return self.home / "vector_index"

    @property
    def models(self) -> Path:
        """The model registry: weights with their cards; lost ones cost a training."""
        return self.home / "models"

    @property
    def pretrained(self) -> Path:
        """Weights that a detector fetched by name; may be deleted and is fetched again."""
        return self.home / "pretrained"

    @property
    def training(self) -> Path:
        """Trainings that go on, or were killed and will be gone on with."""
        return self.home / "training"

    @property
    def buckets(self) -> Path:
        """Buckets declared without a URI live here, one folder each."""
        return self.home / "buckets"

    @property
    def audits(self) -> Path:
        """Samples drawn by schedule, to be filled in by a person."""
        return self.home / "audits"

    @property
    def locks(self) -> Path:
        """File locks, one for each thing that has a single writer."""
        return self.home / "locks"

    @property
    def dagster_home(self) -> Path:
        """Dagster's instance where the user has not set `DAGSTER_HOME`."""
        return self.home / "dagster"


def is_within(path: str, folder: str) -> bool:
    """Whether a plain absolute path is a folder itself or lies below it; no file is looked at."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def sqlite_url(file: Path) -> str:
    """Return the SQLAlchemy URL of a SQLite file, whatever characters its path has."""
    if _PLAIN_PATH.fullmatch(str(file)):
        return f"sqlite:///{file}"
    from sqlalchemy.engine import URL

    return URL.create("sqlite", database=str(file)).render_as_string()


def _default_collections() -> Path:
    example = CHECKOUT / "autolabel_assets" / "collections"
    return example if example.is_dir() else Path("collections")


def warehouse_address(text: str) -> str:
    """Return an `s3://` address as it is, a folder as an absolute path, and nothing as nothing."""
    if not text or "://" in text:
        return text
    return str(Path(text).expanduser().resolve())


def definitions_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the Dagster code location: `AUTOLABEL_DEFINITIONS`, else our own."""
    own = CHECKOUT / "autolabel_assets" / "definitions.py"
    return Path(environ.get(DEFINITIONS_VARIABLE) or own)


def model_cache(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of exported networks, which all homes of a user share; may be deleted.

    Args:
        environ: the environment.

    Returns:
        `AUTOLABEL_MODEL_CACHE`, else `autolabel/networks` in the user's cache folder, else in
        `AUTOLABEL_HOME` where the user has no home.
    """
    named = environ.get(MODEL_CACHE_VARIABLE)
    if named:
        return Path(named).expanduser().resolve()
    try:
        caches = Path(environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    except RuntimeError:
        return Paths.from_environment(environ).cache / "networks"
    return caches / "autolabel" / "networks"


def annotator_name(environ: Mapping[str, str] = os.environ) -> str:
    """Return who is labelling: `AUTOLABEL_ANNOTATOR`, else the login name, else `unknown`."""
    if environ.get(ANNOTATOR_VARIABLE):
        return environ[ANNOTATOR_VARIABLE]
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
