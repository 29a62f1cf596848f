"""A real S3 server for tests: OpenStack Swift with its s3api, in an environment of its own.

The environment is built once by uv, with pinned versions, and kept where the caller says. The
server is four daemons on free loopback ports, on one replica in a temporary folder; it needs no
root, no containers and no other service.
"""

from __future__ import annotations

import getpass
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import boto3

PINS = Path(__file__).with_name("swift_requirements.txt")
ACCOUNT, USER, SECRET = "test", "tester", "testing"
REGION = "us-east-1"
READY_SECONDS = 90.0
KINDS = ("account", "container", "object")

COMMON = """\
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {root}
devices = {root}/devices
mount_check = false
disable_fallocate = true
fallocate_reserve = 0
log_address = {root}/no-syslog
log_level = WARNING
recon_cache_path = {root}
"""
STORAGE = """
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""
PROXY = """
eventlet_debug = false
[pipeline:main]
pipeline = catch_errors cache listing_formats s3api tempauth dlo slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:tempauth]
use = egg:swift#tempauth
user_{account}_{name} = {secret} .admin
user_{account}_reader = {secret}
[filter:s3api]
use = egg:swift#s3api
s3_acl = false
check_bucket_owner = false
location = {region}
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{cache_port}
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:dlo]
use = egg:swift#dlo
[filter:slo]
use = egg:swift#slo
"""


@dataclass
class TestBucket:
    """A bucket that a test fills; `uri` is its address."""

    __test__ = False
    name: str

    @classmethod
    def create(cls) -> TestBucket:
        """Make an empty bucket."""
        bucket = cls(f"test-{uuid.uuid4().hex[:12]}")
        bucket.client.create_bucket(Bucket=bucket.name)
        return bucket

    @property
    def client(self):
        """boto3's client: another S3 client than the one under test."""
        return boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])

    @property
    def uri(self) -> str:
        return f"s3://{self.name}"

    def put(self, objects: Mapping[str, bytes | str | int]) -> None:
        for key, value in objects.items():
            data = value if isinstance(value, bytes) else str(value).encode()
            self.client.put_object(Bucket=self.name, Key=key, Body=data)

    def delete(self, *keys: str) -> None:
        for key in keys:
            self.client.delete_object(Bucket=self.name, Key=key)

    def all_keys(self) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


class ServerUnavailableError(RuntimeError):
    """The server cannot be built or started here; the message says why."""


def build_environment(folder: Path) -> Path:
    """Return the folder of programs of an environment with Swift, building it when needed."""
    done = folder / f".installed-{PINS.stat().st_mtime_ns}"
    if not done.exists():
        uv = Path(sys.executable).with_name("uv")
        steps = (
            [uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder],
            [uv, "pip", "install", "--quiet", "--python", folder / "bin/python", "-r", PINS],
        )
        for step in steps:
            try:
                subprocess.run(step, check=True, capture_output=True, text=True, timeout=600)
            except FileNotFoundError as error:
                raise ServerUnavailableError(f"uv is not installed: {error}") from error
            except subprocess.CalledProcessError as error:
                raise ServerUnavailableError(f"{step[1]}: {error.stderr.strip()[-800:]}") from error
        done.touch()
    return folder / "bin"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class SwiftServer:
    """Start with `start`, stop with `stop`; `environment` is what an S3 client needs to know."""

    programs: Path
    root: Path
    ports: dict[str, int] = field(default_factory=dict)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.ports['proxy']}"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": f"{ACCOUNT}:{USER}",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": REGION,
        }

    def start(self) -> None:
        """Write rings and settings, start the daemons, wait until the proxy answers."""
        (self.root / "devices/d1").mkdir(parents=True)
        self.ports = {kind: free_port() for kind in ("proxy", *KINDS)}
        (self.root / "swift.conf").write_text(
            "[swift-hash]\nswift_hash_path_suffix = s\nswift_hash_path_prefix = p\n"
        )
        for kind in KINDS:
            self._ring(kind)
            self._settings(kind, STORAGE.format(kind=kind))
        text = PROXY.format(
            account=ACCOUNT, name=USER, secret=SECRET, region=REGION, cache_port=free_port()
        )
        self._settings("proxy", text)
        for kind in (*KINDS, "proxy"):
            self._spawn(kind)
        self._wait()

    def stop(self) -> None:
        """End the daemons."""
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)

    def _ring(self, kind: str) -> None:
        builder = str(self.root / f"{kind}.builder")
        program = [str(self.programs / "swift-ring-builder"), builder]
        device = f"r1z1-127.0.0.1:{self.ports[kind]}/d1"
        for step in (["create", "4", "1", "0"], ["add", device, "1"], ["rebalance"]):
            done = subprocess.run([*program, *step], capture_output=True, text=True, cwd=self.root)
            if done.returncode > 1:
                raise ServerUnavailableError(f"ring {step}: {done.stdout}{done.stderr}")

    def _settings(self, kind: str, rest: str) -> None:
        common = COMMON.format(port=self.ports[kind], user=getpass.getuser(), root=self.root)
        (self.root / f"{kind}.conf").write_text(common + rest)

    def _spawn(self, kind: str) -> None:
        program = [self.programs / f"swift-{kind}-server", self.root / f"{kind}.conf", "-v"]
        with (self.root / f"{kind}.log").open("wb") as log:
            process = subprocess.Popen(
                program, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        self.processes.append(process)

    def _wait(self) -> None:
        end = time.monotonic() + READY_SECONDS
        waiting = set(self.ports)
        while waiting:
            for kind in list(waiting):
                with socket.socket() as probe:
                    probe.settimeout(1)
                    if probe.connect_ex(("127.0.0.1", self.ports[kind])) == 0:
                        waiting.remove(kind)
            dead = [p.args for p in self.processes if p.poll() is not None]
            if dead or time.monotonic() > end:
                logs = "".join(
                    f"{kind}: {(self.root / f'{kind}.log').read_text()[-600:]}\n"
                    for kind in waiting
                )
                raise ServerUnavailableError(f"the daemons did not start: {logs}")
            time.sleep(0.1)
