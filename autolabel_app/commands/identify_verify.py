"""`autolabel identify verify`: measure whether the references can be distinguished."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from autolabel_app.commands.identify_index import FILE, model_option
from autolabel_app.options import json_option
from autolabel_app.output import emit_json, emit_table, percent
from autolabel_core.foundation.paths import Paths

if TYPE_CHECKING:
    from autolabel_core.models.evaluation.acceptance import Acceptance
    from autolabel_core.models.evaluation.verification import Rate, Verification

SUSPECTS_SHOWN = 20


@click.command()
@click.option("--index", "index_file", type=FILE, required=True, help="What `index` wrote.")
@click.option("--refs", type=FILE, help="Folder of its pictures, if it has moved.")
@click.option("--projection", type=FILE, help="Its head, if that has moved.")
@model_option
@click.option(
    "--precision",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.95,
    show_default=True,
    help="Wanted share of right answers, half of what is shown being unknown.",
)
@click.option(
    "--min-top1",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Fail if fewer views are identified correctly.",
)
@click.option(
    "--max-regions",
    type=click.IntRange(1, 100),
    default=8,
    show_default=True,
    help="Regions of a picture that `serve` is to look up.",
)
@click.option("--html", type=FILE, help="Write the report here, with pictures.")
@json_option
def verify(
    index_file: Path,
    refs: Path | None,
    projection: Path | None,
    model: str | None,
    precision: float,
    min_top1: float,
    max_regions: int,
    html: Path | None,
    as_json: bool,
) -> int:
    """Ask the index for views of its pictures that it was not made from.

    Thresholds are chosen by the way that `serve` looks pictures up, and say how many unknown things
    they would name. They are kept beside the index, where `serve` finds them.
    Exit status 1 where fewer than 99 % of the references match themselves, names contradict their
    pictures, or --min-top1 is missed.
    """
    from autolabel_app.progress import progress_bar
    from autolabel_core.identify.index_encoder import encoder_of
    from autolabel_core.identify.reference_folder import pictures_of
    from autolabel_core.identify.thresholds_file import save_thresholds
    from autolabel_core.identify.verification_page import verification_page
    from autolabel_core.matching.reference_index import ReferenceIndex
    from autolabel_core.models.evaluation.augmentation_cache import ViewCache
    from autolabel_core.models.evaluation.verification import verify_index

    index = ReferenceIndex.load(index_file)
    encoder = encoder_of(index, model, projection)
    pictures = pictures_of(index, refs)
    cache = ViewCache(Paths.from_environment().views, encoder)
    with progress_bar("views") as progress:
        found = verify_index(
            index,
            pictures,
            encoder,
            cache,
            precision,
            max_regions=max_regions,
            progress=progress,
        )
    if found.rejection is not None:
        whole = found.whole.acceptance if found.whole else None
        save_thresholds(index_file, index, found.rejection.acceptance, whole)
    if html is not None:
        page = verification_page(found, lambda row: pictures[row].picture(None))
        html.write_text(page, encoding="utf-8")
    emit_json(found.as_json()) if as_json else _tell(found)
    told_apart = found.sane and not found.names.contradict
    return 0 if told_apart and (found.views.share or 0.0) >= min_top1 else 1


def _tell(found: Verification) -> None:
    rows = [
        {"asked": "views not in the index", **_rate(found.views)},
        {"asked": "variants, left out in turn", **_rate(found.variants)},
        {"asked": "themselves (sanity)", **_rate(found.itself)},
    ]
    emit_table(rows)
    click.echo(f"\nMedian margin to the best different label: {found.median_margin:.3f}")
    for views, figures in found.by_reference_views.items():
        what = f"mean of {views} views" if views else "picture itself"
        click.echo(
            f"  with the {what} as reference: top-1 {figures['top1']:.1%}, margin "
            f"{figures['median_margin']:.3f}"
        )
    click.echo("\nSmallest margins:")
    emit_table([{"label": label, "median margin": margin} for label, margin in found.worst])
    click.echo("\nMost confusable:")
    emit_table(
        [
            {
                "label": p.label,
                "and": p.other,
                "mistaken": f"{p.mistaken}/{p.views}",
                "cosine": p.cosine,
            }
            for p in found.pairs[:5]
        ]
    )
    if found.rejection is not None:
        click.echo(
            f"\nUnknown things: AUROC {found.rejection.auroc_score:.3f} by score, "
            f"{found.rejection.auroc_margin:.3f} by margin. Suggested thresholds:"
        )
        for told in (found.rejection, found.whole):
            if told is not None:
                click.echo(_acceptance(told.acceptance))
        if found.index.origin.projection:
            click.echo(
                "  The head was trained on these labels, which flatters it: things that it never "
                "saw are named more often."
            )
    _tell_names(found)
    click.echo(f"\n{found.advice}")
    if not found.sane:
        click.echo("Fewer than 99 % match themselves: index the folder again.", err=True)


def _tell_names(found: Verification) -> None:
    if found.names.suspects:
        click.echo("\nSuspected names, by other pictures of their labels:")
        shown = [suspect.record(found.index) for suspect in found.names.suspects[:SUSPECTS_SHOWN]]
        emit_table(
            [
                {
                    "reference": s["key"],
                    "label": s["label"],
                    "looks like": s["looks_like"],
                    "cosine": s["cosine"],
                    "to its own": s["own_cosine"],
                }
                for s in shown
            ]
        )
    for remark in found.names.remarks:
        click.echo(f"\n{remark}")


def _acceptance(rule: Acceptance) -> str:
    where = f"best of {rule.max_regions} regions" if rule.max_regions else "whole pictures"
    reached = "" if rule.reached else " – less than was asked for –"
    return (
        f"  {where}: score {rule.min_score:.3f}, margin {rule.min_margin:.2f} (precision "
        f"{rule.precision:.1%}{reached}, {rule.answered:.1%} of what is known is answered); of "
        f"unknown things {rule.unknown}"
    )


def _rate(rate: Rate) -> dict[str, object]:
    return {
        "right": percent(rate.share),
        "from": percent(rate.low),
        "to": percent(rate.high),
        "queries": rate.queries,
    }
