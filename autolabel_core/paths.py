"""Every path and environment variable of the system, named once."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HOME_VARIABLE = "AUTOLABEL_HOME"
COLLECTIONS_VARIABLE = "AUTOLABEL_COLLECTIONS"
LEDGER_VARIABLE = "AUTOLABEL_LEDGER_URL"
ANNOTATOR_VARIABLE = "AUTOLABEL_ANNOTATOR"
DEFINITIONS_VARIABLE = "AUTOLABEL_DEFINITIONS"
DAGSTER_HOME_VARIABLE = "DAGSTER_HOME"

CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Paths:
    """Where declarations are read and where state lives.

    Attributes:
        home: folder of all state (`AUTOLABEL_HOME`, default `.autolabel` in the working directory).
        collections: folder of YAML declarations (`AUTOLABEL_COLLECTIONS`).
        ledger_url: SQLAlchemy URL of the ledger (`AUTOLABEL_LEDGER_URL`, default SQLite in `home`).
    """

    home: Path
    collections: Path
    ledger_url: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Paths:
        """Resolve the three settings from the environment, with defaults."""
        home = Path(environ.get(HOME_VARIABLE) or ".autolabel").expanduser().resolve()
        default_collections = CHECKOUT / "autolabel_assets" / "collections"
        collections = Path(environ.get(COLLECTIONS_VARIABLE) or default_collections)
        ledger_url = environ.get(LEDGER_VARIABLE) or sqlite_url(home / "ledger.sqlite")
        return cls(home, collections.expanduser().resolve(), ledger_url)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make another process see these paths."""
        return {
            HOME_VARIABLE: str(self.home),
            COLLECTIONS_VARIABLE: str(self.collections),
            LEDGER_VARIABLE: self.ledger_url,
        }

    @property
    def warehouse(self) -> Path:
        """Everything derived; may be deleted and is built again."""
        return self.home / "warehouse"

    @property
    def vector_index(self) -> Path:
        """Chroma's folder; may be deleted and is built again."""
        return self.home / "vector_index"

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


def sqlite_url(file: Path) -> str:
    """Return the SQLAlchemy URL of a SQLite file, whatever characters its path has."""
    from sqlalchemy.engine import URL

    return URL.create("sqlite", database=str(file)).render_as_string()


def definitions_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the Dagster code location: `AUTOLABEL_DEFINITIONS`, else the checkout's own."""
    return Path(environ.get(DEFINITIONS_VARIABLE) or CHECKOUT / "definitions.py")


def annotator_name(environ: Mapping[str, str] = os.environ) -> str:
    """Return who is labelling: `AUTOLABEL_ANNOTATOR`, else the login name, else `unknown`."""
    if environ.get(ANNOTATOR_VARIABLE):
        return environ[ANNOTATOR_VARIABLE]
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
