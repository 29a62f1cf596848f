"""The HTTP API and the pages on top of it: `autolabel serve`."""
