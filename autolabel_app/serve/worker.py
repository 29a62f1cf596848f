"""Runs the work loop as a process of its own, and knows what it is doing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from typing import TypedDict

RESTART_SECONDS = (1.0, 60.0)
END_SECONDS = 5.0


class Activity(TypedDict):
    """What is being done in a collection, or what failed; both empty: it is up to date."""

    doing: str
    trouble: str


class Worker:
    """The process that keeps collections up to date; started again should it end by itself.

    Args:
        environ: of the process.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = dict(environ)
        self._activities: dict[str, Activity] = {}
        self._closing = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._keep_running, name="work", daemon=True)
        self._thread.start()

    def activity(self, collection: str) -> Activity:
        """Return what is being done in a collection."""
        return self._activities.get(collection, {"doing": "", "trouble": ""})

    def close(self) -> None:
        """End the process; what it had not finished is done by the next."""
        self._closing.set()
        process = self._process
        if process is not None:
            process.terminate()
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
        self._thread.join(END_SECONDS)

    def _keep_running(self) -> None:
        pause = RESTART_SECONDS[0]
        while not self._closing.is_set():
            began = time.monotonic()
            self._run()
            lived = time.monotonic() - began
            pause = RESTART_SECONDS[0] if lived > RESTART_SECONDS[1] else pause * 2
            self._closing.wait(min(pause, RESTART_SECONDS[1]))

    def _run(self) -> None:
        command = [sys.executable, "-m", "autolabel_app.serve.work_loop"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=self._environ, encoding="utf-8"
        ) as process:
            self._process = process
            if self._closing.is_set():
                process.terminate()
            assert process.stdout is not None
            for line in process.stdout:
                told = json.loads(line)
                self._activities[told["collection"]] = {
                    "doing": told["doing"],
                    "trouble": told["trouble"],
                }
        if not self._closing.is_set():
            trouble = f"the worker ended with status {process.returncode}; it is started again"
            self._activities = {n: Activity(doing="", trouble=trouble) for n in self._activities}
