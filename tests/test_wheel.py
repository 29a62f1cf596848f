"""What pip installs works outside a checkout: a project, sweeps, Dagster's pages."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
SERVES = re.compile(r"Serving dagster-webserver")
DEV_SECONDS = 180


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (file,) = out.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A fresh environment with the wheel; libraries are those of this one, the checkout is not."""
    folder = tmp_path_factory.mktemp("env")
    venv.create(folder)
    python = folder / "bin/python"
    install = ["install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", "--python", str(python), *install], check=True)
    own = next((folder / "lib").glob("python*/site-packages"))
    (own / "libraries.pth").write_text(sysconfig.get_paths()["purelib"])
    return folder / "bin"


def environ():
    taken = ("AUTOLABEL_", "DAGSTER_", "PYTHONPATH")
    return {name: v for name, v in os.environ.items() if not name.startswith(taken)}


def run(*command, cwd):
    done = subprocess.run(command, cwd=cwd, env=environ(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done


def test_the_wheel_carries_the_code_location_and_no_generic_name(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "autolabel_core",
        "autolabel_app",
        "autolabel_assets",
    }
    for name in ("definitions.py", "resources/workspace.py", "sensors/factory.py"):
        assert f"autolabel_assets/{name}" in names
    assert "autolabel_app/identify/live/index.html" in names
    metadata = next(name for name in names if name.endswith("METADATA"))
    text = zipfile.ZipFile(wheel).read(metadata).decode()
    assert "Name: dagster-autolabel\n" in text
    assert "Classifier: Private :: Do Not Upload\n" in text


@pytest.mark.slow
def test_a_project_works_with_what_pip_installs(installed, tmp_path):
    run(installed / "autolabel", "init", "shop", cwd=tmp_path)
    shop, below = tmp_path / "shop", tmp_path / "shop/data"
    where = "import autolabel_assets.sensors as m, sys; print(m.__file__, *sys.path)"
    assert str(ROOT) not in run(installed / "python", "-c", where, cwd=shop).stdout.split()
    for n in range(4):
        colour = (200 + n, 30, 30) if n % 2 else (30, 30, 200 + n)
        Image.new("RGB", (32, 32), colour).save(shop / f"data/products/{n}.png")
    first = run(installed / "autolabel", "sweep", cwd=below)
    assert "4 new" in first.stdout
    run(installed / "autolabel", "label", "products", "0.png", "Blue", cwd=shop)
    run(installed / "autolabel", "label", "products", "1.png", "Red", cwd=shop)
    second = run(installed / "autolabel", "sweep", "products", cwd=shop)
    assert "superseded" not in first.stderr + second.stderr
    assert "dagster.yaml" not in first.stderr + second.stderr
    listed = run(installed / "autolabel", "documents", "products", "--json", cwd=shop)
    labels = {row["key"]: row["label"] for row in json.loads(listed.stdout)}
    assert labels == {"0.png": "Blue", "1.png": "Red", "2.png": "Blue", "3.png": "Red"}
    shows_the_project(installed, shop)


def shows_the_project(installed, shop):
    """Start Dagster's pages, ask them for assets and runs, and stop them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    log = shop / "dev.log"
    with log.open("wb") as out:
        dev = subprocess.Popen(
            [installed / "autolabel", "dev", "--port", port],
            cwd=shop,
            env=environ(),
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        until = time.monotonic() + DEV_SECONDS
        while not SERVES.search(log.read_text()) and dev.poll() is None:
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.5)
        query = "{assetNodes{assetKey{path}} runsOrError{... on Runs{results{status}}}}"
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/graphql",
            json.dumps({"query": query}).encode(),
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            data = json.load(response)["data"]
        paths = [node["assetKey"]["path"] for node in data["assetNodes"]]
        assert ["products", "taxonomy_labels"] in paths
        statuses = [entry["status"] for entry in data["runsOrError"]["results"]]
        assert statuses == ["SUCCESS", "SUCCESS"], "the sweeps' runs: one instance for all"
    finally:
        dev.send_signal(signal.SIGINT)
        try:
            dev.wait(60)
        finally:
            if dev.poll() is None:
                os.killpg(dev.pid, signal.SIGKILL)
    assert "superseded" not in log.read_text()
    assert "dagster.yaml" not in log.read_text()
