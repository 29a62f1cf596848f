"""Snapshots: small files, to be kept in git, that name a moment and prove what was so then."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict, cast

from autolabel_core.declarations.rule import rule_of
from autolabel_core.documents.quality import parse_since
from autolabel_core.foundation.atomic_files import write_atomically
from autolabel_core.foundation.errors import AutolabelError, NotFoundError
from autolabel_core.foundation.ids import content_hash
from autolabel_core.foundation.suggestions import did_you_mean
from autolabel_core.ledger.positions import TablePosition, differing_tables, positions_at
from autolabel_core.operations.as_of import Moment, past
from autolabel_core.operations.collection_state import StateSummary, collection_state
from autolabel_core.tables.workspace import Workspace

FORMAT = 1
FOLDER = "snapshots"
NOW = "now"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
RESERVED = frozenset({NOW, "make", "verify", "list"})


class Snapshot(TypedDict):
    """What the file of a snapshot holds; `digest` is over all the rest of it."""

    autolabel_snapshot: int
    name: str
    made_at: str
    ledger: Mapping[str, TablePosition]
    collections: Mapping[str, StateSummary]
    notes: list[str]
    digest: str


def snapshot_folder(workspace: Workspace) -> Path:
    """Return where the files of snapshots lie: beside the declarations, which are in git too."""
    return workspace.paths.collections / FOLDER


def make_snapshot(workspace: Workspace, name: str) -> Path:
    """Write down how all collections stand, as a sweep at this moment would leave them.

    Args:
        workspace: the project.
        name: letters, digits, `.`, `_` and `-`, at most 100; of no other snapshot.

    Returns:
        The file.

    Raises:
        AutolabelError: the name cannot be used.
    """
    file = snapshot_folder(workspace) / f"{name}.json"
    if not NAME.fullmatch(name) or name in RESERVED or _is_time(name):
        raise AutolabelError(
            f"A snapshot cannot be called {name!r}: use 1 to 100 letters, digits, `.`, `_` and "
            "`-`, and no word or moment that means something else, such as `now` or 7d."
        )
    if file.exists():
        raise AutolabelError(f"There is a snapshot {name!r} already, {file}. Choose another name.")
    moment = _present(workspace, name)
    record = _record(workspace, moment, datetime.now(UTC).isoformat(timespec="seconds"))
    text = json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, lambda part: part.write_text(text, encoding="utf-8"))
    return file


def _record(workspace: Workspace, moment: Moment, made_at: str) -> Snapshot:
    known = [name for name in sorted(workspace.collections) if workspace.ledger.knows(name)]
    with past(workspace, moment, known) as then:
        states = {
            name: collection_state(then.workspace, name).summary
            for name in known
            if then.workspace.ledger.knows(name)
        }
        notes = then.notes
    record: Snapshot = {
        "autolabel_snapshot": FORMAT,
        "name": moment.name,
        "made_at": made_at,
        "ledger": dict(moment.positions),
        "collections": states,
        "notes": notes,
        "digest": "",
    }
    return {**record, "digest": _digest(record)}


def _digest(record: Snapshot) -> str:
    rest = {name: value for name, value in record.items() if name != "digest"}
    text = json.dumps(rest, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return content_hash(text.encode())


def read_snapshot(file: Path) -> Snapshot:
    """Read the file of a snapshot.

    Args:
        file: what `make_snapshot` wrote.

    Returns:
        What it holds.

    Raises:
        AutolabelError: it is none, of a newer version, or was changed since it was written.
    """
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
        version = value["autolabel_snapshot"]
        recorded = value["digest"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AutolabelError(f"{file} cannot be read as a snapshot: {error}.") from error
    if version != FORMAT:
        raise AutolabelError(f"{file} has format {version}; this autolabel reads {FORMAT}.")
    snapshot = cast("Snapshot", value)
    if _digest(snapshot) != recorded:
        raise AutolabelError(
            f"{file} was changed after it was written: its digest is not that of its contents. "
            "Take it from git again."
        )
    return snapshot


def snapshot_names(workspace: Workspace) -> list[str]:
    """Return the names of all snapshots, ascending."""
    return sorted(file.stem for file in snapshot_folder(workspace).glob("*.json"))


def find_snapshot(workspace: Workspace, name: str) -> Snapshot:
    """Return a snapshot by its name.

    Args:
        workspace: the project.
        name: its name.

    Returns:
        What its file holds.

    Raises:
        NotFoundError: there is none.
    """
    names = snapshot_names(workspace)
    if name not in names:
        raise NotFoundError(
            f"No snapshot {name!r} in {snapshot_folder(workspace)}.{did_you_mean(name, names)} "
            f"There are: {', '.join(names) or 'none'}."
        )
    return read_snapshot(snapshot_folder(workspace) / f"{name}.json")


def verify_snapshot(workspace: Workspace, name: str) -> list[str]:
    """Compute a snapshot anew from the ledger and the bucket, and compare.

    Args:
        workspace: the project.
        name: of the snapshot.

    Returns:
        What differs, a sentence for each; nothing where it is proven.
    """
    snapshot = find_snapshot(workspace, name)
    tables = differing_tables(workspace.ledger.database, snapshot["ledger"])
    if tables:
        return [
            f"The ledger {workspace.ledger.database.shown} does not begin as the one of the "
            f"snapshot: {', '.join(tables)} differ. It is another one, or an older one."
        ]
    again = _record(workspace, _moment_of(snapshot), snapshot["made_at"])
    problems: list[str] = []
    for collection, wanted in snapshot["collections"].items():
        found = again["collections"].get(collection)
        if found is None:
            problems.append(f"`{collection}` is not declared any more.")
            continue
        # As JSON, so that lists and tuples are the same.
        old, new = (cast("dict[str, object]", json.loads(json.dumps(s))) for s in (wanted, found))
        parts = [part.removesuffix("_digest") for part in old if old[part] != new.get(part)]
        if parts:
            problems.append(f"`{collection}`: {', '.join(dict.fromkeys(parts))} differ.")
    return problems + [note for note in again["notes"] if note not in snapshot["notes"]]


def _present(workspace: Workspace, name: str) -> Moment:
    """Return this moment, with what the YAML says now: a sweep would go by that."""
    rules = {one: rule_of(declared) for one, declared in workspace.collections.items()}
    return Moment(name, positions_at(workspace.ledger.database), rules)


def _moment_of(snapshot: Snapshot) -> Moment:
    rules = {name: state["rule"] for name, state in snapshot["collections"].items()}
    return Moment(snapshot["name"], snapshot["ledger"], rules)


def find_moment(workspace: Workspace, text: str) -> Moment:
    """Return the moment that a person means.

    Args:
        workspace: the project.
        text: a snapshot's name, `now`, a length of time ago such as 7d, or a date or moment in
            ISO 8601 (UTC where it names no zone; a date is its first moment).

    Returns:
        The moment.

    Raises:
        AutolabelError: it is none of these, or lies ahead.
    """
    database = workspace.ledger.database
    if text in snapshot_names(workspace):
        snapshot = find_snapshot(workspace, text)
        tables = differing_tables(database, snapshot["ledger"])
        if tables:
            raise AutolabelError(
                f"The snapshot {text!r} is of another ledger than {database.shown}, or of a later "
                f"one: {', '.join(tables)} differ."
            )
        return _moment_of(snapshot)
    present = datetime.now(UTC)
    if text == NOW:
        return _present(workspace, NOW)
    try:
        moment = parse_since(text, present)
    except AutolabelError as error:
        names = snapshot_names(workspace)
        raise AutolabelError(
            f"{text!r} is no moment and no snapshot.{did_you_mean(text, names)} Use a date or "
            f"moment in ISO 8601, a length of time such as 7d, `now`, or one of the snapshots: "
            f"{', '.join(names) or 'there are none'}."
        ) from error
    if moment > present.isoformat(timespec="microseconds"):
        raise AutolabelError(f"{text!r} lies ahead; nothing is known of it yet.")
    return Moment(text, positions_at(database, moment))


def _is_time(text: str) -> bool:
    try:
        parse_since(text, datetime.now(UTC))
    except AutolabelError:
        return False
    return True
