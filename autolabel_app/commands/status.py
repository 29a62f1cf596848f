"""`autolabel status`: the state of a collection in numbers, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from autolabel_app.as_of import as_of_option, project_as_of
from autolabel_app.options import json_option
from autolabel_app.output import emit_json, emit_table, percent, shown
from autolabel_core.operations.project import Project

if TYPE_CHECKING:
    from autolabel_core.clusters.report import ClusterStatus
    from autolabel_core.documents.quality import By
    from autolabel_core.notifications.webhooks.health import FiredAlert
    from autolabel_core.operations.status_record import CollectionStatus

MAX_THRESHOLDS = 8


@click.command()
@click.argument("collection")
@click.option(
    "--since", metavar="WINDOW", help="Arrivals and annotations since: 24h, 7d, or a date (UTC)."
)
@click.option(
    "--by", type=click.Choice(["day", "batch"]), help="One row for each day, or for each batch."
)
@as_of_option
@json_option
def status(
    collection: str, since: str | None, by: By | None, as_of: str | None, as_json: bool
) -> None:
    """Show the state of COLLECTION as the last sweep left it, and what to do next.

    With --since or --by: documents that arrived in the window as they stand now, and the labels
    given in it. `corrected` counts labels that differ from the auto-label that stood before.
    """
    if as_of is not None:
        if since is not None or by is not None:
            raise click.UsageError("--as-of is about one moment; leave --since and --by out.")
        _show_past(collection, as_of, as_json)
        return
    if since is not None or by is not None:
        _show_quality(collection, since, by or "all", as_json)
        return
    from autolabel_core.operations.advice import findings

    numbers = Project.open().collection(collection).status()
    found = findings(numbers)
    if as_json:
        advice = [{"rule": f.name, "passed": f.passed, "text": f.text} for f in found]
        emit_json({**numbers, "advice": advice})
        return
    _show(numbers)
    click.echo("\nAdvice")
    for finding in sorted(found, key=lambda f: f.passed):
        click.echo(f"  {'ok  ' if finding.passed else 'look'}  {finding.text}")


def _show_past(collection: str, as_of: str, as_json: bool) -> None:
    """Show the numbers of then; what to do next is a question of today."""
    with project_as_of(as_of, [collection]) as project:
        numbers = project.collection(collection).status()
    # The copy lacks tables that no label comes from: nothing waits for being done.
    numbers["pending"] = {"assets": [], "batches": []}
    if as_json:
        emit_json({**numbers, "as_of": as_of})
    else:
        click.echo(f"As it stood: {as_of}")
        _show(numbers)


def _show_quality(collection: str, since: str | None, by: By, as_json: bool) -> None:
    from datetime import UTC, datetime

    from autolabel_core.documents.quality import parse_since

    begin = parse_since(since, datetime.now(UTC)) if since else ""
    rows = Project.open().collection(collection).quality(begin, by)
    if as_json:
        emit_json({"collection": collection, "since": begin or None, "by": by, "rows": rows})
        return
    head = {"part": "all" if by == "all" else by}
    shares = [{**row, "auto_share": percent(row["auto_share"])} for row in rows]
    emit_table(
        [{head.get(name, name): value for name, value in row.items()} for row in shares],
        empty="Nothing arrived and nothing was labelled in that window.",
    )


def _show(s: CollectionStatus) -> None:
    loo = s["leave_one_out"]
    agreement = f"{percent(loo['agreement'])}  ({percent(loo['low'])} to {percent(loo['high'])})"
    lines = {
        "feature URI": s["feature_uri"],
        "objects": f"{s['objects']}  ({s['quarantined']} quarantined)",
        **_boxes(s),
        "labels": f"{s['human']} human, {s['promoted']} promoted, {s['auto']} auto, "
        f"{s['unlabelled']} unlabelled"
        + (f", {s['suggested']} suggested by name" if s["suggested"] else ""),
        "coverage": f"{percent(s['coverage'])} of the documents that no person labelled",
        "review queue": f"{s['review_queue']}  "
        f"({s['low_confidence']} more are labelled close to their threshold)",
        "threshold": _threshold(s),
        **_certificates(s),
        **_gold(s),
        "confidence": shown(s["confidence"]),
        "score": _score(s),
        "leave-one-out": agreement,
        "taxonomy": f"version {s['taxonomy_version']}, {len(s['references'])} labels, "
        f"{sum(s['references'].values())} references in "
        f"{s['reference_collection'] or 'no collection'}",
    }
    if s["stale_annotations"]:
        lines["stale"] = f"{s['stale_annotations']} labels were given to content that is gone"
    for endpoint in s["endpoints"]:
        if endpoint["failing"] or endpoint["abandoned"] or endpoint["disabled_at"]:
            off = f", switched off {endpoint['disabled_at']}" if endpoint["disabled_at"] else ""
            lines[f"! {endpoint['endpoint']}"] = (
                f"{endpoint['failing']} events failing, {endpoint['abandoned']} given up{off}; "
                f"{endpoint['last_detail'] or ''}"
            )
    if s["alerts"]:
        lines["alerts fired"] = "; ".join(_fired(alert) for alert in s["alerts"])
    if s["clusters"]:
        lines["clusters"] = "; ".join(_clusters(one) for one in s["clusters"])
    if s["pending"]["assets"]:
        lines["pending"] = (
            f"`autolabel sweep {s['collection']}` would run {', '.join(s['pending']['assets'])}"
        )
    for name, value in lines.items():
        click.echo(f"{name:<14} {value}")
    labels = sorted(set(s["distribution_rolled_up"]) | set(s["references"]))
    rows = [
        {
            "label": label,
            "documents": s["distribution_rolled_up"].get(label, 0),
            "references": s["references"].get(label, 0),
        }
        for label in labels
    ]
    click.echo()
    emit_table(rows, empty="No labels yet.")


def _certificates(s: CollectionStatus) -> dict[str, str]:
    """Say what is certified; of many labels, each on a line of its own."""
    texts = [record["text"] for record in s["certificates"]]
    return {"certificate": f"\n{'':<14} ".join(texts)} if texts else {}


def _gold(s: CollectionStatus) -> dict[str, str]:
    """Say how the rule does on documents that it may not learn from, and how it did before."""
    if not s["gold"]:
        return {}
    *before, now = s["gold"]
    text = (
        f"precision {percent(now['precision'])} ({percent(now['low'])} to {percent(now['high'])}), "
        f"coverage {percent(now['coverage'])}, on {now['judged']} documents"
    )
    earlier = [f"{percent(one['precision'])} ({one['recorded_at'][:10]})" for one in before]
    return {"gold set": f"{text}; before: {', '.join(earlier)}" if earlier else text}


def _threshold(s: CollectionStatus) -> str:
    own = s["label_thresholds"]
    if s["certificates"] and not own and s["threshold"] is None:
        return "none is certified, so that nothing is labelled"
    if not own:
        return shown(s["threshold"])
    named = ", ".join(f"{label} {own[label]:.4f}" for label in sorted(own)[:MAX_THRESHOLDS])
    more = f" and {len(own) - MAX_THRESHOLDS} more" if len(own) > MAX_THRESHOLDS else ""
    return f"{named}{more}; other labels {shown(s['threshold']) if s['threshold'] else 'none'}"


def _score(s: CollectionStatus) -> str:
    """Name what decides, and say how well it knows references that it has not learned from."""
    score = s["score"]
    if score["declared"] == "nearest":
        return "nearest: the cosine with the nearest reference"
    if score["decides"] is None:
        return f"{score['declared']}: nothing is fitted before there are references and a sweep"
    taken = f"{score['decides']} (auto)" if score["declared"] == "auto" else score["decides"]
    if score["accuracy"] is None:
        return f"{taken}: {score['reason']}"
    known = f"{percent(score['accuracy'])} right on {score['judged']} references held out in turn"
    if score["unknown_auroc"] is not None:
        pairs = percent(score["unknown_auroc"])
        known += f"; what is known is more similar than a stranger in {pairs} of pairs"
    return f"{taken}: {known}" + (f"; {score['reason']}" if score["declared"] == "auto" else "")


def _boxes(s: CollectionStatus) -> dict[str, str]:
    if "detections" not in s:
        return {}
    judged = s["judged"]
    overall, conflicts = judged["overall"], judged["conflicts"]
    apart = f"; people disagree on {conflicts}" if conflicts else ""
    drawn = f"; {overall['given']} boxes drawn before a detector" if overall["given"] else ""
    return {
        "detections": f"{s['detections']}  ({s['images_without_detections']} images without any)",
        "judged": f"{overall['said']} ({overall['verdict']}); "
        f"{overall['reviewed']} images reviewed{drawn}{apart}",
    }


def _fired(alert: FiredAlert) -> str:
    group = f" ({alert['group']})" if alert["group"] else ""
    return f"{alert['alert']}{group} at {shown(alert['value'])}, {alert['at']}"


def _clusters(cluster: ClusterStatus) -> str:
    due = f", due: {cluster['due']}" if cluster["due"] else ""
    if cluster["run_id"] is None:
        return f"{cluster['definition']}: no run yet{due}"
    return (
        f"{cluster['definition']}: {cluster['clusters']} of {cluster['documents']} documents, "
        f"{percent(cluster['noise_ratio'])} in none, {cluster['new_documents']} assigned since"
        f"{due}"
    )
