"""The registry's folder: one sub-folder for each version, written in one step and checked."""

from __future__ import annotations

import functools
import hashlib
import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from filelock import FileLock

from autolabel_core.foundation.atomic_files import write_atomically
from autolabel_core.foundation.errors import AutolabelError, MissingWeightsError, NotFoundError
from autolabel_core.foundation.suggestions import did_you_mean
from autolabel_core.ledger import GateResult, Ledger, ModelVersion
from autolabel_core.ledger.models import GateFigures
from autolabel_core.models.registry.card import ModelCard
from autolabel_core.models.registry.decisions import active_version, append_decision, roll_back

CARD = "card.json"
VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


class Registry:
    """Weights of any kind under `<collection>/<kind>/<version>/`, the weights opaque to it.

    Args:
        folder: the root.
        locks: where file locks lie.
        ledger: knows the versions, their checksums, and which is in service.
    """

    def __init__(self, folder: Path, locks: Path, ledger: Ledger) -> None:
        self._folder = folder
        self._locks = locks
        self._ledger = ledger

    def versions(self, collection: str, kind: str) -> list[ModelVersion]:
        """Return all versions, in the order in which they were added."""
        return self._ledger.model_versions(collection, kind)

    def decisions(self, collection: str, kind: str) -> list[GateResult]:
        """Return what was decided about them, in order."""
        return self._ledger.gate_results(collection, kind)

    def find(self, collection: str, kind: str, version: str) -> ModelVersion:
        """Return one version.

        Args:
            collection: whose.
            kind: of model.
            version: such as `2.0.0`.

        Returns:
            The version.

        Raises:
            NotFoundError: there is none; the message names those that are.
        """
        known = {model.version: model for model in self.versions(collection, kind)}
        if version not in known:
            hint = did_you_mean(version, known)
            raise NotFoundError(
                f"`{collection}` has no {kind} `{version}`.{hint} "
                f"There are: {', '.join(known) or 'none'}."
            )
        return known[version]

    def active(self, collection: str, kind: str) -> ModelVersion | None:
        """Return the version in service; None where none is."""
        version = active_version(self.decisions(collection, kind))
        return None if version is None else self.find(collection, kind, version)

    def pick(self, collection: str, kind: str, version: str | None) -> ModelVersion:
        """Return one version, or where none is named the one in service.

        Args:
            collection: whose.
            kind: of model.
            version: such as `2.0.0`, or None.

        Returns:
            The version.

        Raises:
            NotFoundError: there is none.
        """
        if version is not None:
            return self.find(collection, kind, version)
        active = self.active(collection, kind)
        if active is None:
            known = ", ".join(m.version for m in self.versions(collection, kind)) or "none"
            raise NotFoundError(f"`{collection}` has no {kind} in service. There are: {known}.")
        return active

    def add(
        self, collection: str, kind: str, weights: Path, card: ModelCard, version: str | None = None
    ) -> ModelVersion:
        """Copy weights into the registry; nothing is in service by that alone.

        Args:
            collection: whose.
            kind: of model.
            weights: the file.
            card: what is known of it; its `weights_name` names the copy.
            version: such as `2.0.0`; None is the next major one after those there are.

        Returns:
            The version; an error where there is such a one already, or the disk is full.
        """
        self._locks.mkdir(parents=True, exist_ok=True)
        with FileLock(self._locks / f"models.{collection}.{kind}.lock"):
            known = [model.version for model in self.versions(collection, kind)]
            version = _checked(version, known) if version else next_version(known)
            place = self._place(collection, kind, version)
            shutil.rmtree(place, ignore_errors=True)
            write_atomically(place / card.weights_name, lambda part: _copy(weights, part))
            text = json.dumps(card.as_json(), indent=2, ensure_ascii=False) + "\n"
            write_atomically(place / CARD, lambda part: _write(part, text))
            checksum = checksum_of(place / card.weights_name)
            model = ModelVersion(collection, kind, version, checksum, card.as_json())
            self._ledger.append_model_version(model)
            return self.find(collection, kind, version)

    def card(self, model: ModelVersion) -> ModelCard:
        """Return a version's card, as the ledger has it."""
        return ModelCard.from_json(model.card)

    def weights(self, model: ModelVersion) -> Path:
        """Return the file of a version, after comparing it with its checksum.

        Args:
            model: the version.

        Returns:
            The file.

        Raises:
            MissingWeightsError: it is gone or damaged; the message says the cure.
        """
        name = self.card(model).weights_name
        file = self._place(model.collection, model.kind, model.version) / name
        problem = "is missing" if not file.is_file() else None
        if problem is None and checksum_of(file) != model.checksum:
            problem = f"is damaged: its SHA-256 is not {model.checksum[:12]}… as recorded"
        if problem:
            raise MissingWeightsError(
                f"{file} {problem}. Copy it back from a backup, or take the version out of service "
                f"with `autolabel models rollback {model.collection}`, or train a new one with "
                f"`autolabel train {model.collection}`."
            )
        return file

    def decide(
        self,
        model: ModelVersion,
        decision: Literal["promoted", "held"],
        decided_by: str,
        reason: str,
        figures: GateFigures | None = None,
        seen: Sequence[GateResult] | None = None,
    ) -> GateResult:
        """Put a version into service, or keep or take it out; weights are checked before.

        Args:
            model: the version.
            decision: what.
            decided_by: `gate` or a person's name.
            reason: why.
            figures: what the gate measured.
            seen: the decisions that this one rests on; `DecisionsChangedError` where others were
                recorded since. None reads them now.

        Returns:
            The decision.
        """
        if decision == "promoted":
            self.weights(model)
        named = (model.collection, model.kind, model.version)
        return append_decision(self._ledger, named, decision, decided_by, reason, figures, seen)

    def roll_back(self, collection: str, kind: str, who: str, why: str) -> GateResult:
        """Take the version in service out of it; the one before serves again."""
        return roll_back(self._ledger, collection, kind, who, why)

    def _place(self, collection: str, kind: str, version: str) -> Path:
        return self._folder / collection / kind / version


def next_version(known: Sequence[str]) -> str:
    """Return the major version after all that are known, `1.0.0` after none."""
    majors = [int(found[1]) for version in known if (found := VERSION.fullmatch(version))]
    return f"{max(majors, default=0) + 1}.0.0"


def checksum_of(file: Path) -> str:
    """Return the SHA-256 of a file, remembered while size and time of modification stay."""
    stat = file.stat()
    return _checksum(str(file), stat.st_size, stat.st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _checksum(path: str, _size: int, _mtime_ns: int) -> str:
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _checked(version: str, known: Sequence[str]) -> str:
    if not VERSION.fullmatch(version):
        raise AutolabelError(f"The version is {version!r}; expected three numbers such as 2.0.0.")
    if version in known:
        raise AutolabelError(
            f"Version {version} is there already, and a version never changes. "
            f"The next is {next_version(known)}."
        )
    return version


def _copy(source: Path, part: Path) -> None:
    shutil.copyfile(source, part)


def _write(part: Path, text: str) -> None:
    part.write_text(text, encoding="utf-8")
