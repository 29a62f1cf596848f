"""`autolabel identify train`: train a projection head that separates similar references better."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from autolabel_app.commands.identify_index import (
    FILE,
    choice_record,
    model_option,
    names_option,
    recursive_option,
    refs_option,
    tell_choice,
    tell_left_out,
)
from autolabel_app.options import json_option
from autolabel_app.output import emit_json, emit_table
from autolabel_core.foundation.paths import Paths

if TYPE_CHECKING:
    from autolabel_core.training.heads.train_head import TrainedHead

SHOWN = 10


@click.command()
@refs_option
@click.option("--out", type=FILE, required=True, help="The head, a .safetensors file.")
@model_option
@click.option(
    "--epochs", type=click.IntRange(min=1), default=20, show_default=True, help="At most."
)
@click.option("--views", type=click.IntRange(min=2), default=32, show_default=True)
@click.option("--reference-views", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--device", help="A torch device; the fastest by default.")
@recursive_option
@names_option
@json_option
def train(
    refs: Path,
    out: Path,
    model: str | None,
    epochs: int,
    views: int,
    reference_views: int,
    seed: int,
    device: str | None,
    recursive: bool,
    names: Path | None,
    as_json: bool,
) -> int:
    """Train a small head on frozen features of augmented views.

    It is written only where neither top-1 nor the median margin falls on views that took no part
    in training; else the exit status is 1. A training that was cut short goes on where it was.
    """
    from autolabel_app.progress import progress_bar
    from autolabel_core.declarations.yaml_reader import read_naming
    from autolabel_core.identify.encoder_choice import EncoderChoice, model_of
    from autolabel_core.identify.index_encoder import load_encoder
    from autolabel_core.identify.reference_folder import read_folder
    from autolabel_core.models.evaluation.augmentation_cache import ViewCache
    from autolabel_core.models.projection_head import safetensors_path
    from autolabel_core.training.heads.train_head import Recipe, train_head
    from autolabel_core.training.heads.training_data import gather_material

    recipe = Recipe(epochs=epochs, views=views, seed=seed, reference_views=reference_views)
    views_folder = Paths.from_environment().views
    found = read_folder(refs, read_naming(names), recursive)
    choice = EncoderChoice(model) if model else model_of(found, views_folder)
    encoder = load_encoder(choice.model)
    folder = found.decodable(encoder.min_side_px)
    cache = ViewCache(views_folder, encoder)
    labels = [reference.card.name for reference in folder.references]
    with progress_bar("views") as progress:
        material = gather_material(folder.references, labels, encoder, cache, recipe, progress)
    file = safetensors_path(out)
    with progress_bar("epochs") as progress:
        resume = file.with_name(f".{file.name}.resume")
        trained = train_head(material, recipe, resume, device, progress)
    if trained.adopted:
        trained.head.save(file)
    if as_json:
        numbers = {**_numbers(trained, file), "left_out": folder.left_out}
        emit_json({**numbers, **choice_record(choice)})
    else:
        tell_choice(choice)
        tell_left_out(folder.left_out)
        _tell(trained, out, file)
    return 0 if trained.adopted else 1


def _numbers(trained: TrainedHead, file: Path) -> dict[str, object]:
    return {
        "adopted": trained.adopted,
        "projection": str(file) if trained.adopted else None,
        "before": trained.before,
        "after": trained.after,
        "epochs": trained.epochs,
        "best_epoch": trained.best_epoch,
        "margins": {k: {"before": b, "after": a} for k, (b, a) in trained.margins.items()},
    }


def _tell(trained: TrainedHead, out: Path, file: Path) -> None:
    emit_table([{"head": "without", **trained.before}, {"head": "with", **trained.after}])
    click.echo(f"\nThe labels that gain least, of {len(trained.margins)}:")
    least = sorted(trained.margins.items(), key=lambda item: item[1][1] - item[1][0])[:SHOWN]
    emit_table([{"label": name, "before": b, "after": a} for name, (b, a) in least])
    if not trained.adopted:
        fell = " and ".join(name.replace("_", " ") for name in trained.fell)
        click.echo(f"\nNot adopted: {fell} fell on held-out views. Nothing was written.", err=True)
        return
    if out != file:
        click.echo(f"\n{out.name} is kept as safetensors, which holds no code: {file}.")
    click.echo(
        f"\nWrote {file} (best of {trained.epochs} epochs: {trained.best_epoch}). Index again with "
        f"it: autolabel identify index --refs … --out … --projection {file}"
    )
