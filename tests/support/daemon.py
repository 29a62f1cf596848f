"""Dagster's daemon as a real process on a temporary home, for tests, the soak and benchmarks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from autolabel_app.dagster_home import prepare_dagster_home
from autolabel_core.foundation.paths import CHECKOUT, DAGSTER_HOME_VARIABLE
from autolabel_core.tables.workspace import Workspace

STOP_SECONDS = 30


class Daemon:
    """`dagster-daemon run` over the stores of a home; use as a context manager.

    Its output goes to `daemon.log` in the home.
    """

    def __init__(self, paths) -> None:
        self.paths = paths
        self.log = paths.home / "daemon.log"
        self._process: subprocess.Popen | None = None

    def __enter__(self) -> Daemon:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it; a shell that started us in the background may have SIGINT ignored."""
        program = Path(sys.executable).parent / "dagster-daemon"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [program, "run", "-w", str(CHECKOUT / "workspace.yaml")],
                cwd=CHECKOUT,
                env=self.environ,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            )

    @property
    def environ(self) -> dict[str, str]:
        """The environment of its processes; ours is left as it was."""
        before = os.environ.pop(DAGSTER_HOME_VARIABLE, None)
        home = prepare_dagster_home(self.paths)
        os.environ.pop(DAGSTER_HOME_VARIABLE)
        if before is not None:
            os.environ[DAGSTER_HOME_VARIABLE] = before
        search = [str(CHECKOUT), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {
            **os.environ,
            **self.paths.environment,
            DAGSTER_HOME_VARIABLE: str(home),
            "PYTHONPATH": os.pathsep.join(search),
        }

    def stop(self) -> None:
        """Stop it cleanly, and its children; what does not stop is killed."""
        children = self.children()
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        _, left = psutil.wait_procs(children, 5)
        for process in left:
            process.kill()

    def kill(self) -> None:
        """SIGKILL the daemon and everything below it, as a power cut would."""
        children = self.children()
        self._process.kill()
        for process in children:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        self._process.wait()

    def children(self) -> list[psutil.Process]:
        """Return everything below the daemon."""
        try:
            return psutil.Process(self._process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def run_processes(self) -> list[psutil.Process]:
        """Return the processes that execute a run: children of the code server."""
        found = []
        for process in self.children():
            try:
                parent = process.parent()
                served = parent is not None and "grpc" in " ".join(parent.cmdline())
                if served and "resource_tracker" not in " ".join(process.cmdline()):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def tail(self, lines: int = 60) -> str:
        """Return the end of its log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def until(self, holds: Callable[[], bool], seconds: float, what: str) -> float:
        """Wait until something holds, and return how long it took."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            if holds():
                return time.monotonic() - began
            time.sleep(0.25)
        raise AssertionError(f"{what}: not within {seconds:g} s\n{self.tail()}")


def labels(workspace: Workspace, name: str) -> dict[str, tuple[str | None, str | None]]:
    """Return label and source by key, as the tables have them now."""
    from autolabel_core.documents.documents import Documents

    found = Documents(workspace.open(name)).find()
    return {row["key"]: (row["label"], row["label_source"]) for row in found}
