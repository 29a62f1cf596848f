"""Runs killed at random moments lose nothing: `make soak ROUNDS=50`.

Each round uploads, overwrites, deletes and labels while the daemon runs, and kills a run's process
(every fifth time the daemon with everything below it) at a random moment. At the end the table is
that of an undisturbed pass over the same bucket and the same labels, the outbox holds one event for
each fact, and a receiver has got each of them, in order for each object.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import tempfile
import time
from pathlib import Path

import psutil
from conftest import Home, sweep_quietly

from autolabel_core.documents.documents import Documents
from autolabel_core.foundation.ids import content_hash
from autolabel_core.labelling.give_labels import GivenLabel, give_labels
from autolabel_core.operations.automation import waiting
from autolabel_core.operations.staleness_plan import plan
from support.daemon import Daemon
from support.receivers import Receiver, receiver
from support.soak_events import compare_outbox, compare_receiver, has_received_all, outbox

NAME = "soak"
DECLARATION = """\
feature_extractor:
  feature_extractor_name: text_extractor
  model: hashed
  field_passthrough: [topic]
taxonomy: {field_to_enrich: topic, confidence_threshold: 0.2}
batch_size: 20
automation: {check_every_seconds: 1, relabel: {after_labels: 1, after_minutes: 0}}
"""
WEBHOOK = """\
webhooks: [{webhook_name: hook, url: "%s", allow_private: true, from_beginning: true}]
"""
TOPICS = {"fruit": "apple pear plum cherry grape", "tools": "hammer saw drill wrench file"}
NEW, SETTLED_SECONDS, BEGIN_SECONDS, LONGEST_SECONDS = 6, 900, 60, 8.0


class Soak:
    """One home under one daemon; the labels that were given are remembered beside the ledger."""

    def __init__(self, folder: Path, seed: int, told: Receiver) -> None:
        self.folder = folder
        self.home = Home(folder / "disturbed")
        self.home.declare(NAME, DECLARATION + WEBHOOK % told.url)
        self.told = told
        self.ledger = self.home.paths.home / "ledger.sqlite"
        self.random = random.Random(seed)
        self.objects: dict[str, str] = {}
        self.given: list[tuple[str, str]] = []
        self.kills = {"run": 0, "daemon": 0}
        self.longest = 0.0

    def text(self) -> str:
        """Return some words of one topic."""
        words = TOPICS[self.random.choice(list(TOPICS))].split()
        return " ".join(self.random.choices(words, k=4))

    def round(self, daemon: Daemon, number: int) -> None:
        """Upload, label, kill; the daemon is left to itself until all is current."""
        fresh = {f"r{number:03d}-{i}.txt": self.text() for i in range(NEW)}
        if self.objects:
            fresh[self.random.choice(sorted(self.objects))] = self.text()
        self.objects |= fresh
        bucket = self.home.put(NAME, fresh)
        if number % 3 == 2:
            gone = self.random.choice(sorted(self.objects))
            del self.objects[gone]
            (bucket / gone).unlink()
        self.kill(daemon, number)
        self.label(self.random.choice(sorted(self.objects)))
        self.kill(daemon, number + 1)
        took = daemon.until(self.is_current, SETTLED_SECONDS, f"round {number} settles")
        self.longest = max(self.longest, took)
        so_far = {"round": number, "settled in seconds": round(took, 1), **self.kills}
        print(json.dumps(so_far), file=sys.stderr, flush=True)

    def label(self, key: str) -> None:
        """Label a document as a person would who reads it."""
        word = self.objects[key].split()[0]
        topic = next(name for name, words in TOPICS.items() if word in words.split())
        ws = self.home.workspace
        give_labels(ws.open(NAME), [GivenLabel(key, topic)], "me", "cli")
        self.given.append((key, topic))

    def kill(self, daemon: Daemon, number: int) -> None:
        """Kill what runs at a random moment; nothing, where no run begins in time."""
        began = time.monotonic()
        while not daemon.run_processes():
            if time.monotonic() - began > BEGIN_SECONDS:
                return
            time.sleep(0.1)
        time.sleep(self.random.uniform(0.0, LONGEST_SECONDS))
        if number % 5 == 4:
            daemon.kill()
            daemon.start()
            self.kills["daemon"] += 1
            return
        for process in daemon.run_processes():
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
            self.kills["run"] += 1

    def is_current(self) -> bool:
        """Whether every object is registered and nothing is stale."""
        ws = self.home.workspace
        collection = ws.open(NAME)
        listed = {key: version for key, version in ws.source(collection.declaration).list()}
        known = ws.ledger.objects(NAME).values()
        present = {a.key: a.version for a in known if a.event != "deleted"}
        if listed != present or waiting(collection):
            return False
        return not plan(collection)

    def compare(self) -> int:
        """Compare with an undisturbed pass; return how many documents were compared."""
        events = self.home.workspace.ledger.annotations(NAME)
        assert [(e.key, e.label) for e in events] == self.given, "an annotation was lost"
        calm = Home(self.folder / "calm")
        calm.declare(NAME, DECLARATION)
        calm.put(NAME, self.objects)
        ws = calm.workspace
        sweep_quietly(ws, NAME)
        holding = {(e.document_id, e.content_hash): e for e in events}
        present = {key: content_hash(text.encode()) for key, text in self.objects.items()}
        for event in holding.values():
            if present.get(event.key) == event.content_hash:
                given = [GivenLabel(event.key, event.label)]
                give_labels(ws.open(NAME), given, "me", "cli")
        sweep_quietly(ws, NAME)
        assert rows(self.home.workspace) == rows(calm.workspace)
        compare_outbox(self.home.workspace, self.ledger, NAME)
        compare_receiver(self.told, self.ledger)
        return len(self.objects)


def rows(ws) -> list[dict]:
    """Return the table without what names batches."""
    return Documents(ws.open(NAME)).find(sort="key")


def soak(folder: Path, rounds: int, seed: int, minutes: float = math.inf) -> dict:
    """Run the rounds and compare.

    Args:
        folder: an empty folder.
        rounds: how many, at most.
        seed: of the moments, texts and labels.
        minutes: no round begins later.

    Returns:
        rounds, documents, labels, how often a run and the daemon were killed, events, requests that
        told of them, and the longest that healing took, in seconds.
    """
    until, done = time.monotonic() + 60 * minutes, 0
    with receiver() as told:
        work = Soak(folder, seed, told)
        with Daemon(work.home.paths) as daemon:
            while done < rounds and time.monotonic() < until:
                work.round(daemon, done)
                done += 1
            daemon.until(
                lambda: has_received_all(told, work.ledger), SETTLED_SECONDS, "all is told"
            )
        counts = {"documents": work.compare(), "labels": len(work.given)}
        events = {"events": len(outbox(work.ledger)), "requests": len(told.requests)}
    healing = {"longest healing": round(work.longest, 1)}
    return {"rounds": done, **counts, **work.kills, **events, **healing}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=math.inf)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        began = time.monotonic()
        done = soak(Path(temporary), asked.rounds, asked.seed, asked.minutes)
        print(json.dumps({"soak": "killed runs", **done, "seconds": time.monotonic() - began}))
