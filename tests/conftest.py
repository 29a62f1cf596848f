"""What test modules share: a workspace in a temporary folder, and sweeping without Dagster."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from filelock import FileLock
from hypothesis import HealthCheck, settings
from PIL import Image
from support.ledger_servers import Server, postgresql_server
from support.process_environment import own_environment  # noqa: F401
from support.slow_first import stretches
from support.swift_server import ServerUnavailableError, SwiftServer, TestBucket, build_environment

from autolabel_core.foundation.paths import Paths, sqlite_url
from autolabel_core.tables.workspace import Workspace

TESTS = Path(__file__).resolve().parent
# How fast data is drawn depends on what else a machine does, and says nothing of what is tested.
settings.register_profile("autolabel", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("autolabel")
ENTRY_POINTS = """\
[autolabel.extractors]
angle_extractor = support.toy_extractors:angle_extractor
waiting_extractor = support.toy_extractors:waiting_extractor
colour_extractor = support.toy_extractors:colour_extractor
colour_name_extractor = support.toy_extractors:colour_name_extractor

[autolabel.detectors]
block_detector = support.toy_detectors:block_detector
"""
ANGLES = """\
feature_extractor: {feature_extractor_name: angle_extractor, field_passthrough: [side]}
taxonomy: {field_to_enrich: side, confidence_threshold: 0.9}
"""
"""A declaration over texts that are degrees: a match needs cos(difference) >= 0.9, about 25.8°."""


def pytest_xdist_auto_num_workers() -> int:
    """Two workers more than cores: tests of daemons and servers wait more than they compute."""
    return (os.cpu_count() or 1) + 2


def pytest_configure(config: pytest.Config) -> None:
    """Keep exported networks among pytest's files, and not in the user's cache folder."""
    if (kept := getattr(config, "cache", None)) is not None:
        os.environ.setdefault("AUTOLABEL_MODEL_CACHE", str(kept.mkdir("networks")))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let each worker begin with slow tests, so that no core waits at the end for the last."""
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    items[:] = stretches(items, workers)


@pytest.fixture(autouse=True)
def no_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests reach no store but those that they start: S3 is a closed port of this machine."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")


@pytest.fixture(scope="session")
def swift(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SwiftServer]:
    """A real S3 server on loopback; its environment of programs is built once and kept."""
    kept = pytestconfig.cache.mkdir("swift")
    server = None
    try:
        with FileLock(kept / "building.lock"):
            programs = build_environment(kept / "environment")
        server = SwiftServer(programs, tmp_path_factory.mktemp("swift"))
        server.start()
        yield server
    except ServerUnavailableError as error:
        pytest.skip(f"no S3 server can be started here: {error}")
    finally:
        if server is not None:
            server.stop()


@pytest.fixture
def s3(swift: SwiftServer, no_cloud: None, monkeypatch: pytest.MonkeyPatch) -> TestBucket:
    """A fresh bucket on the real server, which the environment now names."""
    for name, value in swift.environment.items():
        monkeypatch.setenv(name, value)
    return TestBucket.create()


class Home:
    """One temporary home: its paths, and writing declarations and objects into it."""

    def __init__(self, folder: Path) -> None:
        self.paths = Paths(
            folder / "home", folder / "collections", sqlite_url(folder / "home/ledger.sqlite")
        )
        self.paths.home.mkdir(parents=True, exist_ok=True)
        self.paths.collections.mkdir(exist_ok=True)

    def declare(self, name: str, declaration: str | Mapping[str, Any] = ANGLES) -> Path:
        """Write `<name>.yaml`; the collection takes its name from the file."""
        file = self.paths.collections / f"{name}.yaml"
        text = declaration if isinstance(declaration, str) else yaml.safe_dump(dict(declaration))
        file.write_text(text, encoding="utf-8")
        return file

    def put(self, bucket: str, objects: Mapping[str, Any]) -> Path:
        """Write objects into an embedded bucket.

        A text or bytes is written as it stands, a number as text, and a triple of numbers as a
        plain PNG of that colour (8 × 8 pixels).
        """
        folder = self.paths.buckets / bucket
        for key, value in objects.items():
            path = folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(value, tuple):
                Image.new("RGB", (8, 8), value).save(path, format="PNG")
            elif isinstance(value, bytes):
                path.write_bytes(value)
            else:
                path.write_text(str(value), encoding="utf-8")
        return folder

    @property
    def workspace(self) -> Workspace:
        """The stores, declarations read anew."""
        return Workspace(self.paths)


@pytest.fixture
def home(tmp_path: Path, toy_extractors: None) -> Home:
    """A temporary home with the toy extractors installed."""
    return Home(tmp_path)


@pytest.fixture
def workspace(home: Home) -> Callable[..., Workspace]:
    """Make a workspace: `workspace({"angles": ANGLES}, {"angles": {"a.txt": 10}})`.

    The first mapping holds declarations by collection name (YAML text or a mapping), the second
    objects by the name of an embedded bucket; see `Home.put` for their values.
    """

    def make(
        declarations: Mapping[str, Any] | None = None,
        objects: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Workspace:
        for name, declaration in (declarations or {}).items():
            home.declare(name, declaration)
        for bucket, contents in (objects or {}).items():
            home.put(bucket, contents)
        return home.workspace

    return make


@pytest.fixture(scope="session")
def toy_distribution(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an installed distribution that brings the toy extractors."""
    folder = tmp_path_factory.mktemp("site")
    info = folder / "toy_extractors-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-extractors\nVersion: 1\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    return folder


@pytest.fixture
def toy_extractors(toy_distribution: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install `angle_extractor` and `colour_extractor`, in this process and in its children."""
    install(toy_distribution, monkeypatch)
    yield


@pytest.fixture(scope="module")
def module_home(tmp_path_factory: pytest.TempPathFactory, toy_distribution: Path) -> Iterator[Home]:
    """A home that all tests of a module read, with the toy extractors installed."""
    with pytest.MonkeyPatch.context() as patch:
        install(toy_distribution, patch)
        yield Home(tmp_path_factory.mktemp("home"))


def install(distribution: Path, patch: pytest.MonkeyPatch) -> None:
    known = [str(distribution), str(TESTS), os.environ.get("PYTHONPATH", "")]
    patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, known)))
    patch.setattr(sys, "path", [str(distribution), *sys.path])


@pytest.fixture
def bring_up_to_date() -> Callable[..., None]:
    """Do what a sweep does, without Dagster: register, then refresh until nothing is stale.

    `bring_up_to_date(workspace, name)` copies vectors to the index only with `index=True`, because
    that imports Chroma (seconds).
    """
    return sweep_quietly


@pytest.fixture
def angles(workspace: Callable[..., Workspace], home: Home) -> Callable[..., Workspace]:
    """Documents that are degrees, labelled and swept: `angles({"a": 0, "b": 5}, {"a": "left"})`.

    `declared` replaces the declaration of `angle_samples`; further keywords are added to it.
    """
    from support.angle_samples import NAME, declaration, label

    def make(
        objects: Mapping[str, Any],
        labels: Mapping[str, str | None] | None = None,
        declared: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Workspace:
        made = workspace({NAME: {**(declared or declaration()), **more}}, {NAME: objects})
        sweep_quietly(made, NAME)
        if labels:
            label(made, labels)
            sweep_quietly(made, NAME)
        return home.workspace

    return make


@pytest.fixture
def blocks(workspace: Callable[..., Workspace], home: Home) -> Callable[..., Workspace]:
    """Images with blocks of colour, detected and swept: `blocks({"a.png": scene(…)}, declared)`."""
    from support.detection_samples import NAME, SCENES, declaration

    def make(
        scenes: Mapping[str, bytes] = SCENES, declared: Mapping[str, Any] | None = None
    ) -> Workspace:
        sweep_quietly(workspace({NAME: declared or declaration()}, {NAME: scenes}), NAME)
        return home.workspace

    return make


def sweep_quietly(workspace: Workspace, name: str, index: bool = False) -> None:
    """See the fixture `bring_up_to_date`; for helpers that take no fixtures."""
    from autolabel_core.operations.registration import register
    from autolabel_core.operations.staleness_plan import plan, tables_of

    collection = workspace.open(name)
    register(collection)
    swept = [table for table in tables_of(collection.declaration) if not table.on_request]
    wanted = [table for table in swept if index or table.name != "reindexed_vectors"]
    for _ in range(10):
        for table in wanted:
            for batch in table(collection).stale():
                table(collection).refresh(batch)
        left = set(plan(collection).assets)
        if not left & {table.name for table in wanted}:
            return
    raise AssertionError(f"still stale after ten rounds: {sorted(left)}")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server of our own, or the reason why there is none."""
    with postgresql_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty ledger, for both databases."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'deep' / 'ledger.sqlite'}"
    server: Server = request.getfixturevalue("postgresql")
    return server.url()


@pytest.fixture
def run(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run the command line in this process; gives exit status, output and error output."""
    from autolabel_app import cli

    for name, value in home.paths.environment.items():
        monkeypatch.setenv(name, value)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["autolabel", *arguments])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        out, err = capsys.readouterr()
        return int(caught.value.code or 0), out, err

    return call
