"""`autolabel identify`: the group of commands on folders of pictures; each is a module."""

from __future__ import annotations

import click

from autolabel_app.commands.identify_index import index
from autolabel_app.commands.identify_serve import serve
from autolabel_app.commands.identify_train import train
from autolabel_app.commands.identify_verify import verify


@click.group()
def identify() -> None:
    """Tell what a picture shows, from one picture of each thing; a file's name is its label.

    The way: index a folder, verify the index, train a head if margins are thin, serve it.
    """


for command in (index, verify, train, serve):
    identify.add_command(command)
