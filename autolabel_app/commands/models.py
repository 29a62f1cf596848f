"""`autolabel models`: list model versions, and change which one is in service."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from autolabel_app.options import json_option
from autolabel_app.output import emit_json, emit_table
from autolabel_core.foundation.json_types import Cell
from autolabel_core.foundation.paths import annotator_name
from autolabel_core.models.registry import Registry
from autolabel_core.models.registry.decisions import GATE
from autolabel_core.tables.workspace import Workspace

Decision = Literal["promoted", "held"]

kind_option = click.option(
    "--kind", default="detector", show_default=True, help="Kind of model in the registry."
)
reason_option = click.option("--reason", required=True, help="Why; it is recorded.")
by_option = click.option("--by", help="Who decides [default: AUTOLABEL_ANNOTATOR or the login].")


@click.group()
def models() -> None:
    """See versions of models and decide about them: list, show, promote, hold, rollback, add.

    The gate decides by itself after a training; a person may decide otherwise.
    """


@models.command("list")
@click.argument("collection", required=False)
@json_option
def list_models(collection: str | None, as_json: bool) -> None:
    """List the versions of COLLECTION, or of all, with the last decision about each.

    `revoked` is yes where a version was trained on annotations that were revoked since.
    """
    workspace = Workspace.from_environment()
    names = [workspace.collection(collection).collection_name] if collection else None
    rows = [
        row for name in names or sorted(workspace.collections) for row in _rows(workspace, name)
    ]
    emit_json(rows) if as_json else emit_table(rows, empty="No models yet: `autolabel train`.")
    if not collection:
        workspace.declared.raise_problems()


@models.command()
@click.argument("collection")
@click.argument("version", required=False)
@kind_option
def show(collection: str, version: str | None, kind: str) -> None:
    """Print the card of VERSION, or of the one in service, and what was decided about it."""
    workspace = Workspace.from_environment()
    model = workspace.registry.pick(collection, kind, version)
    decisions = [
        {"at": d.recorded_at, "decision": d.decision, "by": d.decided_by, **d.payload}
        for d in workspace.registry.decisions(collection, kind)
        if d.version == model.version
    ]
    emit_json({"version": model.version, "card": model.card, "decisions": decisions})


@models.command()
@click.argument("collection")
@click.argument("version")
@kind_option
@reason_option
@by_option
def promote(collection: str, version: str, kind: str, reason: str, by: str | None) -> None:
    """Put VERSION into service, whatever the gate said; the next sweep detects with it."""
    _decide(collection, version, kind, "promoted", reason, by)
    click.echo(f"{collection}: {kind} {version} is in service; `autolabel sweep` applies it.")


@models.command()
@click.argument("collection")
@click.argument("version")
@kind_option
@reason_option
@by_option
def hold(collection: str, version: str, kind: str, reason: str, by: str | None) -> None:
    """Keep VERSION out of service, or take it out."""
    registry = _decide(collection, version, kind, "held", reason, by)
    click.echo(f"{collection}: {kind} {version} is held. {_serving(registry, collection, kind)}")


@models.command()
@click.argument("collection")
@kind_option
@reason_option
@by_option
def rollback(collection: str, kind: str, reason: str, by: str | None) -> None:
    """Take the version in service out of it; the one before serves again."""
    registry = Workspace.from_environment().registry
    taken_out = registry.roll_back(collection, kind, _person(by), reason)
    said = _serving(registry, collection, kind)
    click.echo(f"{collection}: {kind} {taken_out.version} is out of service. {said}")


@models.command()
@click.argument("collection")
@click.argument("weights", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--version", help="Such as 2.0.0 [default: the next major].")
@click.option("--note", default="", help="Where they come from; kept on the card.")
@click.option("--licence", default="unknown", show_default=True, help="Their licence.")
def add(collection: str, weights: Path, version: str | None, note: str, licence: str) -> None:
    """Take WEIGHTS of a YOLO detector that was trained elsewhere into the registry.

    They go into service by `autolabel models promote`. Take weights only from people you trust: to
    read a `.pt` file is to run what it holds.
    """
    from autolabel_core.training.detectors.register_weights import add_detector

    workspace = Workspace.from_environment()
    declared = workspace.open(collection)
    model = add_detector(declared, weights, version, note, licence)
    classes = ", ".join(model.card["classes"])
    click.echo(f"{collection}: detector {model.version} is registered. Classes: {classes}.")


@models.command()
@click.argument("collection")
@click.argument("version", required=False)
@click.option(
    "--what",
    type=click.Choice(["detector", "classifier"]),
    help="[default: the detector where the collection declares one, else the classifier].",
)
@click.option(
    "--format",
    "fmt",
    type=click.Choice(["torchscript", "onnx"]),
    help="[default: torchscript of a detector; a classifier is onnx].",
)
@click.option("--imgsz", type=click.IntRange(min=32), help="Side of its pictures [default: card].")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path))
def export(
    collection: str,
    version: str | None,
    what: str | None,
    fmt: str | None,
    imgsz: int | None,
    out: Path,
) -> None:
    """Write the detector, or the classifier, of COLLECTION to OUT for another runtime.

    A detector is VERSION, or the one in service. A classifier is the encoder and the rule of the
    taxonomy with its references as they are now, in one ONNX file that decides as `classify`
    does; a script beside it labels pictures by onnxruntime, numpy and Pillow alone.
    """
    opened = Workspace.from_environment().open(collection)
    has_detector = opened.declaration.detection is not None
    if (what or ("detector" if has_detector else "classifier")) == "detector":
        _export_detector(opened.workspace, collection, version, fmt or "torchscript", imgsz, out)
        return
    if version is not None or imgsz is not None or fmt == "torchscript":
        raise click.UsageError(
            "A classifier is exported as onnx, as it is now: leave out VERSION, --imgsz and "
            "--format torchscript."
        )
    from autolabel_core.exports.onnx_classifier import export_classifier

    made = export_classifier(opened, out)
    click.echo(
        f"{made.model}: onnx, {made.model.stat().st_size / 1e6:.1f} MB, {made.labels} labels from "
        f"{made.references} references by {made.score}. Use it: python {made.script} PICTURE"
    )


def _export_detector(
    workspace: Workspace,
    collection: str,
    version: str | None,
    fmt: str,
    imgsz: int | None,
    out: Path,
) -> None:
    from autolabel_core.training.detectors.model_export import export_weights

    model = workspace.registry.pick(collection, "detector", version)
    side = imgsz or int(str(model.card["parameters"].get("imgsz", 640)))
    export_weights(workspace.registry.weights(model), fmt, side, out, workspace.paths.cache)
    click.echo(f"{out}: {fmt}, {out.stat().st_size / 1e6:.1f} MB. {model.card['licence']}.")


def _rows(workspace: Workspace, collection: str) -> list[dict[str, Cell]]:
    from autolabel_core.operations.dependents import dependents, revoked_annotations

    rows: list[dict[str, Cell]] = []
    revoked = revoked_annotations(workspace.ledger, [collection])
    resting = {m.id for m in dependents(workspace.ledger, revoked).models}
    for kind in sorted({m.kind for m in workspace.ledger.model_versions(collection)}):
        decisions = workspace.registry.decisions(collection, kind)
        last = {decision.version: decision for decision in decisions}
        judged = {d.version: d for d in decisions if d.decided_by == GATE}
        active = workspace.registry.active(collection, kind)
        for model in workspace.registry.versions(collection, kind):
            decision, verdict = last.get(model.version), judged.get(model.version)
            by_person = decision is not None and decision.decided_by != GATE
            rows.append(
                {
                    "collection": collection,
                    "kind": kind,
                    "version": model.version,
                    "in service": active is not None and active.version == model.version,
                    "decision": decision.decision if decision else None,
                    "by": decision.decided_by if decision else None,
                    "mAP50": verdict.payload.get("map50") if verdict else None,
                    "reason": decision.payload.get("reason") if decision else None,
                    "gate": verdict.payload.get("reason") if verdict and by_person else None,
                    "made": model.recorded_at[:19],
                    "revoked": model.id in resting,
                }
            )
    return rows


def _decide(
    collection: str, version: str, kind: str, decision: Decision, reason: str, by: str | None
) -> Registry:
    """Record what a person decided about a version, and return the registry."""
    registry = Workspace.from_environment().registry
    model = registry.find(collection, kind, version)
    registry.decide(model, decision, _person(by), reason)
    return registry


def _person(by: str | None) -> str:
    """Return who decides; the gate's own name is nobody's."""
    name = by or annotator_name()
    if name == GATE:
        raise click.UsageError(f"`{GATE}` is what the automatic gate signs with; give your name.")
    return name


def _serving(registry: Registry, collection: str, kind: str) -> str:
    active = registry.active(collection, kind)
    return f"{active.version} serves." if active else "None is in service."
