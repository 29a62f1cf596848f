"""The model of the YAML file of `gather --project`: what is to be gathered."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field, field_validator, model_validator

from autolabel_core.declarations.file_name_rules import FileNames
from autolabel_core.declarations.model import Count, Declaration, KeyedError, Text
from autolabel_core.declarations.yaml_reader import read_model
from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.foundation.suggestions import did_you_mean
from autolabel_core.identify.gather.site_registry import SITES

MAX_PICTURE_MB = 20.0
EXAMPLE = "{site: ygoprodeck, queries: [Dark Magician], out: refs/}"


class Query(Declaration):
    """One query; a plain text is one without a label.

    Attributes:
        query: in the site's words.
        label: of what is found; empty takes the site's name for it.
    """

    query: Text
    label: str = ""

    @model_validator(mode="before")
    @classmethod
    def plain_text(cls, value: object) -> object:
        """Accept a text, or a number such as a year, in place of the mapping."""
        return {"query": str(value)} if isinstance(value, str | int) else value

    @field_validator("query")
    @classmethod
    def one_line(cls, value: str) -> str:
        """Write every space once, as the ledger does, where it is looked up."""
        return " ".join(value.split())


class Gathering(Declaration):
    """One site, what is asked of it, and the folder that its pictures go to.

    Attributes:
        aliases: words that mean the same.
        name: of the project, for people.
        site: one of those that are known.
        queries: each finds pictures of one thing.
        query_file: text file with further queries, one a line; `#` begins a remark.
        urls: CSV file of addresses, for the site `csv`.
        out: the folder; relative paths are from the folder of the YAML file.
        max_per_query: pictures of each query; absent: 1, and all of a list of addresses.
        parameters: of the site's API, joined to each query.
        contact: e-mail address or page of whoever asks; MusicBrainz and Wikimedia want one.
        base_url: of a mirror of the site's API.
        pictures_url: of a mirror of its pictures, where it tells no whole addresses.
        allow: further addresses whose hosts may be in a private network, such as
            `http://192.168.1.5:8080`.
        delay_s: least seconds between two requests to a host; absent: what the site asks for.
        max_picture_mb: larger pictures are refused (1e6 bytes).
        names: what file names may carry, as `index --names` reads it.
    """

    aliases: ClassVar[Mapping[str, str]] = {
        "project_name": "name",
        "source": "site",
        "refs": "out",
        "output": "out",
        "data_root": "out",
    }

    name: str = ""
    site: Text
    queries: tuple[Query, ...] = ()
    query_file: Text | None = None
    urls: Text | None = None
    out: Text
    max_per_query: Count | None = None
    parameters: dict[Text, Text] = Field(default_factory=dict)
    contact: Text | None = None
    base_url: Text | None = None
    pictures_url: Text | None = None
    allow: tuple[Text, ...] = ()
    delay_s: Annotated[float, Field(ge=0.0)] | None = None
    max_picture_mb: float = Field(default=MAX_PICTURE_MB, gt=0.0)
    names: FileNames = FileNames()

    @field_validator("site")
    @classmethod
    def site_is_known(cls, value: str) -> str:
        """Refuse a site that has no adapter."""
        if value not in SITES:
            raise ValueError(f"expected one of {', '.join(SITES)}.{did_you_mean(value, SITES)}")
        return value

    @field_validator("parameters")
    @classmethod
    def keys_come_from_the_environment(cls, value: dict[str, str]) -> dict[str, str]:
        """Refuse a key in the file: parameters are shown in errors, and files are shared."""
        if "api_key" in value:
            raise KeyedError(
                ("api_key",),
                "remove it; keys come from the environment: "
                + ", ".join(site.key_variable for site in SITES.values() if site.key_variable),
            )
        return value

    def asked(self) -> tuple[Query, ...]:
        """Return all queries in order, each once: those listed, of the file, of the addresses.

        Returns:
            At least one.

        Raises:
            AutolabelError: there is none; also where a file is not there or not UTF-8.
        """
        queries = list(self.queries)
        if self.query_file is not None:
            queries += [Query(query=line) for line in _lines(Path(self.query_file))]
        listed = SITES[self.site].queries
        if listed is not None and not queries:
            queries += [
                Query(query=name) for name in listed(Path(self.urls) if self.urls else None)
            ]
        if not queries:
            raise AutolabelError(
                "There is no query. Name what to gather: `queries:` or `query_file:` in the "
                'project, --query "Dark Magician" or --query-file.'
            )
        return tuple({query.query: query for query in reversed(queries)}.values())[::-1]


def read_gathering(file: Path) -> Gathering:
    """Read a project; its paths are made whole from the folder of the file.

    Args:
        file: a YAML file.

    Returns:
        The project.
    """
    read = read_model(Gathering, file, EXAMPLE)
    paths = {name: getattr(read, name) for name in ("out", "query_file", "urls")}
    whole = {name: _from(file.parent, path) for name, path in paths.items() if path is not None}
    return read.model_copy(update=whole)


def _from(folder: Path, path: str) -> str:
    return str(folder / Path(path).expanduser())


def _lines(file: Path) -> list[str]:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise NotFoundError(f"There is no file of queries {file}.") from error
    except UnicodeDecodeError as error:
        raise AutolabelError(f"{file} is not UTF-8; save it as UTF-8.") from error
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
