"""One module for each subcommand of `autolabel`."""
