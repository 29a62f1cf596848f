"""Generates the command reference: `python -m autolabel_app.cli_reference > docs/cli.md`."""

from __future__ import annotations

import click

from autolabel_app.cli import COMMANDS, root


def reference() -> str:
    """Return the help of every command as one Markdown page."""
    pages = ["# The command `autolabel`", "", "Generated from `--help`; a test keeps it so.", ""]
    settings = {**root.context_settings, "terminal_width": 80}
    with click.Context(root, info_name="autolabel", **settings) as context:
        pages += _page("autolabel", root.get_help(context))
        for name in COMMANDS:
            command = root.get_command(context, name)
            if command is not None:
                pages += _pages(command, name, context)
    return "\n".join(pages)


def _pages(command: click.Command, name: str, parent: click.Context) -> list[str]:
    """The help of a command, then of the commands under it."""
    with click.Context(command, info_name=name, parent=parent, terminal_width=80) as context:
        pages = _page(context.command_path, command.get_help(context))
        if isinstance(command, click.Group):
            for below, further in command.commands.items():
                pages += _pages(further, below, context)
    return pages


def _page(title: str, text: str) -> list[str]:
    lines = [line.rstrip() for line in text.splitlines()]
    return [f"## {title}", "", "```", *lines, "```", ""]


if __name__ == "__main__":
    click.echo(reference(), nl=False)
