"""`autolabel identify`: the group of commands on folders of pictures; each is a module."""

from __future__ import annotations

import click

from autolabel_app.commands.identify_gather import gather
from autolabel_app.commands.identify_index import index
from autolabel_app.commands.identify_scrape import scrape_prices
from autolabel_app.commands.identify_serve import serve
from autolabel_app.commands.identify_train import train
from autolabel_app.commands.identify_verify import verify


class Spelled(click.Group):
    """Takes `scrape_prices` for `scrape-prices`."""

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return the command of that name, in either spelling."""
        return super().get_command(ctx, name.replace("_", "-"))


@click.group(cls=Spelled)
def identify() -> None:
    """Identify what a picture shows, by one picture of each thing; a file's name is its label.

    The way: gather a folder, index it, verify that, train a head if margins are thin, serve it.
    """


for command in (gather, index, verify, train, serve, scrape_prices):
    identify.add_command(command)
