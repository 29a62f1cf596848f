"""The image and the composition, checked without a container engine."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from sqlalchemy.engine import make_url

from autolabel_app.project_files import DAGSTER_YAML
from autolabel_core.declarations import load_collections
from autolabel_core.foundation import paths, project_folder

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent
SECRETS = {"POSTGRES_PASSWORD": "pw1", "S3_ACCESS_KEY": "key1", "S3_SECRET_KEY": "secret1"}
OURS = ("webserver", "daemon", "code")


def filled(text):
    """Fill in variables as Compose does: `${A}`, `${A:-default}`, `${A:?message}`."""

    def value(found):
        name, default = found[1], found[2] or ""
        return SECRETS.get(name) or default.removeprefix(":-")

    return re.sub(r"\$\{(\w+)(:[-?][^}]*)?\}", value, text)


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load(filled((DEPLOY / "compose.yaml").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def image():
    return (DEPLOY / "Dockerfile").read_text(encoding="utf-8")


def instance():
    return yaml.safe_load((DEPLOY / "dagster.yaml").read_text(encoding="utf-8"))


def test_the_linters_find_nothing(tmp_path):
    done = subprocess.run([BIN / "hadolint", DEPLOY / "Dockerfile"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
    done = subprocess.run(
        [BIN / "compose-lint", DEPLOY / "compose.yaml"],
        env={**os.environ, **SECRETS},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_the_image_is_not_root_and_tells_its_health(image):
    last = image[image.rindex("\nFROM ") :]
    assert re.search(r"^USER [1-9]\d*$", last, re.M)
    assert last.index("\nUSER ") < last.index("\nCMD ")
    assert "HEALTHCHECK" in last


def test_the_image_is_made_of_files_that_are_there(image):
    allowed = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    for line in re.findall(r"^COPY (?!--from)(.*)$", image, re.M):
        *sources, _ = (word for word in line.split() if not word.startswith("--"))
        for source in sources:
            assert (ROOT / source).exists(), source
            assert f"!{source.partition('/')[0]}" in allowed, source
    packages = {"autolabel_core", "autolabel_app", "autolabel_assets", "resources", "sensors"}
    copied = set(re.findall(r"^COPY (\w+) \1$", image, re.M))
    assert copied == packages, "what autolabel_assets links to is copied too"


def test_every_service_is_watched_and_starts_after_what_it_needs(compose):
    services = compose["services"]
    assert set(services) == {*OURS, "bucket", "postgres", "s3"}
    for name in ("daemon", "code", "postgres", "s3"):
        assert services[name]["healthcheck"]["test"][0] == "CMD", name
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            assert how["condition"] != "service_started", name
            assert needed in services


def test_settings_in_the_containers_are_known_ones(compose):
    environment = compose["services"]["code"]["environment"]
    known = {value for name, value in vars(paths).items() if name.endswith("_VARIABLE")}
    assert {name for name in environment if name.startswith("AUTOLABEL_")} <= known
    url = make_url(environment["AUTOLABEL_LEDGER_URL"])
    assert (url.host, url.password) == ("postgres", "pw1")
    assert url.query["options"] == "-csearch_path=ledger", "not among Dagster's tables"
    assert environment["AUTOLABEL_WAREHOUSE"].startswith("s3://autolabel/")
    assert environment["AWS_ENDPOINT_URL"] == "http://s3:8333"
    assert int(environment["DAGSTER_GRPC_TIMEOUT_SECONDS"]) > 60
    keys = json.loads(compose["configs"]["s3_keys"]["content"])["identities"][0]["credentials"]
    assert keys == [{"accessKey": "key1", "secretKey": "secret1"}]
    assert environment["AWS_ACCESS_KEY_ID"] == "key1"


def test_no_secret_has_a_default(compose):
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    example = (DEPLOY / "env.example").read_text(encoding="utf-8")
    for name in SECRETS:
        assert f"${{{name}:?" in text, "Compose refuses to start without it"
        assert f"{name}=\n" in example
        assert f"${{{name}:-" not in text
    assert compose["services"]["webserver"]["ports"] == ["127.0.0.1:3000:3000"]


def test_the_webserver_asks_the_code_location_where_it_serves(compose):
    (location,) = yaml.safe_load((DEPLOY / "workspace.yaml").read_text())["load_from"]
    command = compose["services"][location["grpc_server"]["host"]]["command"]
    assert str(location["grpc_server"]["port"]) in command
    assert command[-2:] == ["--module-name", "autolabel_assets.definitions"]


def test_dagster_reads_its_settings(compose, monkeypatch):
    from dagster._core.instance.ref import InstanceRef

    environment = compose["services"]["code"]["environment"]
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    ref = InstanceRef.from_dir(str(DEPLOY))
    assert ref.storage_data.class_name == "DagsterPostgresStorage"
    # With psycopg 3, which SQLAlchemy takes by default, Dagster's NOTIFY is a syntax error.
    database = instance()["storage"]["postgres"]["postgres_db"]
    assert database["scheme"] == "postgresql+psycopg2"
    text = (DEPLOY / "dagster.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"env: (\w+)", text)) <= set(environment)
    ours = yaml.safe_load(DAGSTER_YAML)
    assert {name: instance()[name] for name in ours} == ours, "the same as in any project"


def test_the_image_is_a_project(image):
    assert (DEPLOY / project_folder.MARKER).is_file()
    assert (DEPLOY / project_folder.DAGSTER_SETTINGS).is_file()
    (collection,) = load_collections(DEPLOY / "collections").values()
    assert collection.source.buckets[0].uri == "s3://autolabel/products"
    assert "DAGSTER_HOME=/srv/autolabel" in image and "WORKDIR /srv/autolabel" in image
