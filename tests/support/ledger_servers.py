"""A PostgreSQL server of our own for tests: a temporary folder, a socket in it, no network."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

USER = "ledger"


class Server:
    """A running server; every URL that it gives leads to a schema of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._schemas = 0

    def url(self, schema: str | None = None) -> str:
        """Return the URL of an empty ledger."""
        self._schemas += 1
        option = quote(f"-csearch_path={schema or f'ledger_{self._schemas}'}")
        return f"postgresql+psycopg://{USER}@/postgres?host={self.folder}&options={option}"

    def run(self, sql: str) -> list[Any]:
        """Run one statement as the owner of the server, and return the rows if there are any."""
        import psycopg

        where = f"host={self.folder} user={USER} dbname=postgres"
        with psycopg.connect(where, autocommit=True) as connection:
            done = connection.execute(sql)
            return done.fetchall() if done.description else []


@contextmanager
def postgresql_server() -> Iterator[Server]:
    """Start a server, or skip the test with the reason."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = shutil.which("initdb") or (str(found[-1]) if found else "")
    if not initdb:
        pytest.skip("no PostgreSQL on this machine: install the package `postgresql`")
    folder = Path(tempfile.mkdtemp(prefix="ledger-"))
    rights: dict[str, Any] = {"cwd": folder}
    if os.getuid() == 0:
        try:
            owner = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("PostgreSQL refuses to run as root, and there is no user `postgres`")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        rights.update(user=owner.pw_uid, group=owner.pw_gid, extra_groups=[])
    bin_folder, data = Path(initdb).resolve().parent, folder / "data"
    options = ["-A", "trust", "-U", USER, "-E", "UTF8", "--no-sync", "-D", str(data)]
    control = [str(bin_folder / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log")]
    served = f"-k {folder} -c listen_addresses= -c fsync=off -c max_connections=200"
    try:
        _run([str(bin_folder / "initdb"), *options], rights)
        _run([*control, "-o", served, "start"], rights)
        try:
            yield Server(folder)
        finally:
            _run([*control, "-m", "immediate", "stop"], rights)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str], rights: dict[str, Any]) -> None:
    """Run a tool of PostgreSQL; what it starts holds none of our pipes."""
    with tempfile.TemporaryFile("w+") as said:
        done = subprocess.run(command, stdout=said, stderr=said, check=False, **rights)
        if done.returncode:
            said.seek(0)
            pytest.skip(f"PostgreSQL does not start here: {said.read()[-500:]}")
