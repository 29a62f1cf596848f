"""On a home where nothing can be written, commands that read work, and others say why not."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

import pytest
from support.angle_samples import NAME

READING = [
    ["documents", NAME],
    ["status", NAME],
    ["query", f"SELECT key, label FROM {NAME}.documents"],
    ["explain", NAME, "b"],
    ["alerts", "list"],
    ["models", "list"],
]


def as_nobody(work) -> str:
    """Do work in a child without rights to write; return what went wrong."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.getuid() == 0:
                os.setuid(65534)
            said = work() or ""
        except Exception:  # noqa: BLE001 told to the parent
            said = traceback.format_exc()
        os.write(write_end, said[-8000:].encode())
        os._exit(0)
    os.close(write_end)
    said = b""
    while part := os.read(read_end, 65536):
        said += part
    os.waitpid(child, 0)
    return said.decode()


@pytest.fixture
def closed(angles, home, monkeypatch, toy_distribution):
    angles({"a": 0, "b": 5, "c": 90}, {"a": "right"})
    for name, value in home.paths.environment.items():
        monkeypatch.setenv(name, value)
    root = home.paths.home.parent
    for path in (root, *root.parents, toy_distribution, *toy_distribution.parents):
        if path.owner() == "root" and path.stat().st_mode & 0o005 != 0o005:
            path.chmod(0o755)
    kept = {path: path.stat().st_mode for path in [root, *root.rglob("*")]}
    for path in kept:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield home
    for path, mode in kept.items():
        path.chmod(mode)


def call(arguments: list[str]) -> str:
    from autolabel_app import cli

    sys.argv = ["autolabel", *arguments]
    try:
        cli.main()
    except SystemExit as ended:
        return f"{ended.code}" if ended.code else ""
    return ""


def test_reading_commands_work(closed, capfd):
    problems = {}
    for arguments in READING:
        if said := as_nobody(lambda arguments=arguments: call(arguments)):
            problems[arguments[0]] = said + capfd.readouterr().err
    assert problems == {}
    assert "right" in capfd.readouterr().out


def test_a_command_that_writes_says_what_cannot_be_written(closed, capfd):
    assert as_nobody(lambda: call(["label", NAME, "b", "left"])) == "1"
    said = capfd.readouterr().err
    assert "Traceback" not in said and said.startswith("Error: ")
    assert Path(closed.paths.home).name in said or "read" in said.lower()
