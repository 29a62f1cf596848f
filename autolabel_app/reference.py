"""The command reference, generated: `python -m autolabel_app.reference > docs/cli.md`."""

from __future__ import annotations

import click

from autolabel_app.cli import COMMANDS, root


def reference() -> str:
    """Return the help of every command as one Markdown page."""
    pages = ["# The command `autolabel`", "", "Generated from `--help`; a test keeps it so.", ""]
    with click.Context(root, info_name="autolabel", terminal_width=80) as context:
        pages += _page("autolabel", root.get_help(context))
        for name in COMMANDS:
            command = root.get_command(context, name)
            if command is not None:
                with click.Context(
                    command, info_name=name, parent=context, terminal_width=80
                ) as own:
                    pages += _page(f"autolabel {name}", command.get_help(own))
    return "\n".join(pages)


def _page(title: str, text: str) -> list[str]:
    lines = [line.rstrip() for line in text.splitlines()]
    return [f"## {title}", "", "```", *lines, "```", ""]


if __name__ == "__main__":
    click.echo(reference(), nl=False)
