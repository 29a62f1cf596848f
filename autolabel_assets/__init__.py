"""The corridor: one file for each asset, thin; what the assets mean stands in `autolabel_core`."""
