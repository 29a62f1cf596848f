"""The command `autolabel`. Each subcommand is a module, imported only when it is called."""

from __future__ import annotations

import gc
import importlib
import io
import sys
from typing import NoReturn

import click

COMMANDS = {
    "init": ("init", "Make a folder a project: example collection, settings, README."),
    "sweep": (
        "sweep",
        "Register new, changed and deleted objects; bring every stale asset up to date.",
    ),
    "dev": ("dev", "Start Dagster's web server and daemon on the project."),
    "serve": ("serve", "Serve the desk, where people look and label, and the HTTP API."),
    "next": ("next_labels", "List the documents to label next."),
    "label": ("label", "Label documents, one by one or from a CSV; withdraw labels."),
    "annotate": ("annotate", "Annotate boxes on images: confirm, correct, reject, add."),
    "annotations": ("annotations", "List annotations, and quality figures of the detector."),
    "documents": ("documents", "List documents, filtered and sorted."),
    "review": ("review", "List the images whose boxes a person should look at next."),
    "status": ("status", "Show the state of a collection, and what to do next."),
    "retrieve": ("retrieve", "Run a declared retriever."),
    "classify": ("classify", "Label given files or texts; nothing is stored."),
    "threshold": ("threshold", "Propose thresholds, or try one before it is set."),
    "audit": ("audit", "Check a random sample of auto-labels; estimate the error rate."),
    "doubts": ("doubts", "List labels that something contradicts; keep, change or withdraw them."),
    "annotators": (
        "annotators",
        "Say how often annotators are right, and who agrees with whom.",
    ),
    "gold": ("gold", "Draw documents that judge the rule; show how rules did over time."),
    "promote": ("promote", "Turn confident auto-labels, after review, into references."),
    "clusters": ("clusters", "Group unlabelled documents into clusters; promote them to labels."),
    "train": ("train", "Train a detector or a head on annotations, and evaluate it."),
    "models": ("models", "List versions of models, and choose which is in service."),
    "extractors": ("extractors", "List extractors; package and deploy your own."),
    "alerts": ("alerts", "List the alerts, and evaluate them now."),
    "webhooks": ("webhooks", "Deliver events to other systems: test, deliveries, redeliver."),
    "export": ("export", "Write the labelled dataset to a folder."),
    "exports": ("exports", "List the exports that were written, and which to write anew."),
    "query": ("query", "Run SQL over the tables of all collections."),
    "explain": ("explain", "Trace a label to the reference and the person behind it."),
    "impact": ("impact", "Show what rests on an annotation, or on a document's labels."),
    "revoke": ("revoke", "Take back what somebody said, with what rests on it."),
    "snapshot": ("snapshot", "Name a moment in a file for git; verify it later."),
    "diff": ("diff", "Show what differs between two moments."),
    "rename": ("rename", "Rename a collection; its annotations are kept."),
    "ledger": ("ledger", "Back up, export and restore what cannot be computed again."),
    "identify": ("identify", "Identify what a picture shows, by one picture of each thing."),
    "demo-detect": ("demo_detect", "Train a detector twice on scenes of digits, and compare."),
    "demo-identify": ("demo_identify", "Identify 150 rendered cards by one picture each."),
    "demo-photos": ("demo_photos", "Label photographs from one example of each."),
    "demo": ("demo", "Label real handwritten digits from a few examples."),
}


class LazyGroup(click.Group):
    """Lists its commands without importing them, so that `--help` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of a working day."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import the module of one command."""
        if name not in COMMANDS:
            return None
        word = COMMANDS[name][0]
        module = importlib.import_module(f"autolabel_app.commands.{word}")
        # `annotations` is taken by the import from __future__.
        command: click.Command = vars(module).get(f"{word}_group") or vars(module)[word]
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table, importing none."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_) for name, (_, help_) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest the nearest command where one is misspelt."""
        import difflib

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean `{near[0]}`?" if near else ""
            ctx.fail(f"No command `{args[0]}`.{hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dagster-autolabel")
def root() -> None:
    """Label a handful, and the rest label themselves.

    `autolabel init FOLDER` makes a project; commands find it from its folder and those below.
    AUTOLABEL_COLLECTIONS (a folder of YAML files) and AUTOLABEL_HOME (all state) win over it.
    """


def run_and_end() -> NoReturn:
    """Run the command line as `main` does, and end the process at once: the command `autolabel`."""
    from autolabel_app.process_exit import end_process

    try:
        main()
    except SystemExit as end:
        end_process(end.code if isinstance(end.code, int) else 1)


def main() -> NoReturn:
    """Run the command line; domain errors become one clear line and exit status 1."""
    from autolabel_app.arrow_without_pandas import keep_pandas_out
    from autolabel_app.database_errors import database_errors, explained
    from autolabel_core.foundation.errors import AutolabelError
    from autolabel_core.foundation.project_folder import enter_project

    keep_pandas_out()
    # What imports make stays; looking for garbage among it was a tenth of a short command.
    gc.set_threshold(200_000, 50, 50)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        enter_project()
        status: object = root.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except (AutolabelError, OSError) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
    except database_errors() as error:
        click.echo(f"Error: {explained(error)}", err=True)
        sys.exit(1)
    sys.exit(status if isinstance(status, int) else 0)


if __name__ == "__main__":
    run_and_end()
