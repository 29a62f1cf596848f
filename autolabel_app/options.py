"""Options that several commands share, and their question for confirmation."""

from __future__ import annotations

import sys

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
annotator_option = click.option(
    "--annotator", help="The annotator [default: AUTOLABEL_ANNOTATOR or the login]."
)
reviewer_option = click.option(
    "--reviewer", help="Who reviewed [default: AUTOLABEL_ANNOTATOR or the login]."
)
reviewed_option = click.option(
    "--yes", is_flag=True, help="You have reviewed them: promote without asking."
)
NOT_PROMOTED = "Nothing promoted: repeat with --yes after reviewing them."


def is_confirmed(question: str, count: int, yes: bool, as_json: bool) -> bool:
    """Say whether a person wants what was shown.

    Args:
        question: asked where somebody can answer: in a terminal, and not of a program.
        count: of what it is about; nothing is asked about none.
        yes: whether the answer was given on the command line.
        as_json: whether a program reads the output.

    Returns:
        Whether to go on.
    """
    if not count:
        return False
    return yes or (sys.stdin.isatty() and not as_json and click.confirm(question))
