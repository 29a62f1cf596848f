"""`autolabel identify index`: embed a folder of pictures into one `.npz` file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autolabel_app.options import json_option
from autolabel_app.output import emit_json
from autolabel_core.foundation.paths import Paths

if TYPE_CHECKING:
    from autolabel_core.identify.build_index import Built
    from autolabel_core.identify.encoder_choice import EncoderChoice

MOST_NAMED = 50
FILE = click.Path(path_type=Path)
refs_option = click.option(
    "--refs", type=FILE, required=True, help="Folder of pictures, each named after what it shows."
)
model_option = click.option(
    "--model",
    "--clip-model",
    "model",
    help="Image encoder, such as open_clip:<model>/<tag or path>; by default the network or the "
    "descriptor, whichever tells views of the pictures apart better.",
)
recursive_option = click.option(
    "--recursive", is_flag=True, help="Pictures in sub-folders are references too."
)
names_option = click.option(
    "--names", type=FILE, help="YAML with your own `rarities` and `set_code`."
)


@click.command()
@refs_option
@click.option("--out", type=FILE, required=True, help="The index, a .npz file.")
@click.option("--projection", type=FILE, help="A head that `train` wrote.")
@model_option
@click.option(
    "--reference-views",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="The mean of so many augmented views stands for a picture; 0: the picture itself.",
)
@recursive_option
@names_option
@json_option
def index(
    refs: Path,
    out: Path,
    projection: Path | None,
    model: str | None,
    reference_views: int,
    recursive: bool,
    names: Path | None,
    as_json: bool,
) -> None:
    """Embed the pictures of a folder; only new and changed ones are embedded again."""
    from autolabel_app.progress import progress_bar
    from autolabel_core.declarations.yaml_reader import read_naming
    from autolabel_core.identify.build_index import index_folder
    from autolabel_core.identify.encoder_choice import EncoderChoice, model_of
    from autolabel_core.identify.index_encoder import load_encoder, origin_of
    from autolabel_core.identify.reference_folder import read_folder

    folder = read_folder(refs, read_naming(names), recursive)
    views = Paths.from_environment().views
    choice = EncoderChoice(model) if model else model_of(folder, views, projection, out)
    encoder = load_encoder(choice.model, projection)
    origin = origin_of(encoder, refs, choice.model, projection, reference_views)
    with progress_bar("embedding") as progress:
        built = index_folder(folder, encoder, origin, out, progress)
    if as_json:
        emit_json({"index": str(out), **_numbers(built), **choice_record(choice)})
    else:
        tell_choice(choice)
        _tell(built, out)


def choice_record(choice: EncoderChoice) -> dict[str, object]:
    """Return the encoder's model as JSON holds it, and what it was chosen by."""
    compared = [{**asdict(figures), "top1": figures.top1} for figures in choice.compared]
    return {"model": choice.model, "compared_encoders": compared}


def tell_choice(choice: EncoderChoice) -> None:
    """Say which encoder was chosen, where one was."""
    if choice.compared:
        click.echo(choice)


def _numbers(built: Built) -> dict[str, object]:
    return {
        "references": len(built.index),
        "labels": len(built.index.labels),
        "embedded": built.embedded,
        "feature_uri": built.index.feature_uri,
        "unreadable": dict(built.unreadable),
        "skipped": dict(built.skipped),
        "several_files": dict(built.several),
        "same_picture": [list(group) for group in built.same_picture],
    }


def _tell(built: Built, out: Path) -> None:
    index = built.index
    click.echo(
        f"{out}: {len(index)} references of {len(index.labels)} labels, {built.embedded} embedded "
        f"now, under {index.feature_uri}."
    )
    for label, files in built.several.items():
        click.echo(f'"{label}" has {len(files)} references: {", ".join(files)}.')
    for group in built.same_picture:
        click.echo(f"Warning: one picture under several labels: {', '.join(group)}.")
    tell_left_out({**built.unreadable, **built.skipped})


def tell_left_out(reasons: Mapping[str, str]) -> None:
    """Name what of a folder is no reference, and why."""
    for name, reason in sorted(reasons.items())[:MOST_NAMED]:
        click.echo(f"Left out: {name}: {reason}")
    if len(reasons) > MOST_NAMED:
        click.echo(f"… and {len(reasons) - MOST_NAMED} more; --json names all.")
